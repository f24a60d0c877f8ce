"""The structures of a pair: the same segments in the segmentation nodes of both sides."""

import vtk
from slicer.i18n import tr as _


class StructuresLogic:
    """Volumes, segmentations and structures of the sides "fixed" and "moving"."""

    def volumeOf(self, parameters, side):
        """The volume node of a side, "fixed" or "moving"; None without any.

        Example:
            >>> logic.volumeOf(parameters, "fixed").GetName()
            'CT1'
        """
        return None if parameters is None else getattr(parameters, f"{side}Volume")

    def startGuessingModality(self, volume):
        """Read what tells whether a volume is a CT.

        Returns:
            ``work(job)``, which may run on any thread and gives "ct" or "mr".

        Example:
            >>> logic.startGuessingModality(getNode("CT1"))(Job())
            'mr'
        """
        data = vtk.vtkImageData()
        data.ShallowCopy(volume.GetImageData())

        def work(job):
            from ..scene.volumes import voxels
            from ..volumes import modality_of_values

            return modality_of_values(voxels(data)[::2, ::2, ::2])

        return work

    def segmentationOf(self, parameters, side):
        """The segmentation node of a side, "fixed" or "moving"; None without any.

        Example:
            >>> logic.segmentationOf(parameters, "moving").GetName()
            'CT2 masks (for CT1)'
        """
        return None if parameters is None else getattr(parameters, f"{side}Segmentation")

    def alignStructures(self, parameters, chosen="moving"):
        """Give the segments of both sides the same id where their names agree, and only there.

        Where they disagree, as after choosing segmentations that were made apart, the parameter node goes on with a
        copy of one of them, masks, display and clicks included; that node itself is only hidden.

        Args:
            chosen: the side to be copied, "fixed" or "moving"; the one that was chosen last.

        Returns:
            The copy; None where nothing disagrees.

        Raises:
            InputError: the clicks saved with the segmentation are damaged.

        Example:
            >>> logic.alignStructures(parameters) is None  # the segments of both sides agree
            True
        """
        from ..scene.alignment import aligned_copy

        side = "fixed" if chosen == "moving" else "moving"
        node, other = self.segmentationOf(parameters, chosen), self.segmentationOf(parameters, side)
        if node is None or other is None:
            return None
        partner = self.volumeOf(parameters, side) or other
        copy = aligned_copy(node, other, f"{node.GetName()} (for {partner.GetName()})")
        if copy is not None:
            self._goOnIn(copy, parameters, chosen)
        return copy

    def originals(self, parameters) -> list:
        """What the segmentations in use go along with: volumes they were made for, nodes they are copies of.

        Example:
            >>> [node.GetName() for node in logic.originals(parameters)]
            ['CT2 masks']
        """
        found = []
        for side in ("fixed", "moving"):
            node = self.originalOf(self.segmentationOf(parameters, side))
            while node is not None:
                found.append(node)
                node = self.originalOf(node)
        return found

    def originalOf(self, node):
        """What a segmentation node goes along with: the volume it was made for, or the node it is a copy of; or None.

        Example:
            >>> logic.originalOf(parameters.movingSegmentation).GetName()
            'CT2 masks'
        """
        from ..scene.alignment import original_of

        return original_of(node)

    def newPresence(self):
        """Finds which segments have a mask: a SAMRegistrationLib.scene.presence.Presence.

        Example:
            >>> logic.newPresence().masked(getNode("CT1 masks")) >= {liver}
            True
        """
        from ..scene.presence import Presence

        return Presence()

    def freeName(self, parameters) -> str:
        """A name for the next structure that no other one has.

        Example:
            >>> logic.freeName(parameters)
            'Structure 3'
        """
        from ..volumes import name_key

        structures = self.structures(parameters)
        taken = {name_key(structure.name) for structure in structures}
        names = (
            _("Structure {number}").format(number=len(structures) + 1 + more) for more in range(len(structures) + 1)
        )
        return next(name for name in names if name_key(name) not in taken)

    def followOriginals(self, parameters) -> None:
        """Put the segmentations in use under the transforms that their :meth:`originals` were put under since.

        Example:
            >>> logic.followOriginals(parameters)
        """
        from ..scene.alignment import follow_original

        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            if node is not None:
                follow_original(node)

    def damagedClicks(self, parameters) -> list:
        """The names of the segmentations whose saved clicks cannot be read; clicking there starts without them.

        Example:
            >>> logic.damagedClicks(parameters)
            []
        """
        from ..errors import InputError
        from ..scene.structure_segments import read_prompts

        names = []
        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            try:
                read_prompts(node)
            except InputError:
                names.append(node.GetName())
        return names

    def structures(self, parameters) -> list:
        """The structures of both segmentations, each once (StructureInfo).

        Example:
            >>> sorted(structure.name for structure in logic.structures(parameters))
            ['liver', 'spleen']
            >>> {structure.role for structure in logic.structures(parameters)}
            {'guide'}
        """
        from ..scene.roles import common_role
        from ..scene.structure_segments import structures_of

        found = {}
        for side in ("fixed", "moving"):
            for structure in structures_of(self.segmentationOf(parameters, side)):
                first = found.setdefault(structure.id, structure)
                found[structure.id] = first._replace(role=common_role(first.role, structure.role))
        return list(found.values())

    def addStructure(self, parameters, name, color=None, terminology="") -> str:
        """Add a structure to the segmentations of both sides, which are made where there are none.

        Returns:
            Its id, which is that of its segments.

        Example:
            >>> kidney = logic.addStructure(parameters, "kidney")
            >>> len(logic.structures(parameters))
            3
        """
        from ..scene.structure_segments import new_structure

        structure = new_structure(name, len(self.structures(parameters)), color, terminology)
        self._putStructure(parameters, structure)
        return structure.id

    def anatomies(self) -> dict:
        """The presets: name of the anatomy to its structures.

        Example:
            >>> [structure.name for structure in logic.anatomies()["Heart"]]
            ['left ventricle', 'myocardium', 'right ventricle']
        """
        from ..resources import PRESETS
        from ..scene.structure_segments import anatomies

        return anatomies(PRESETS)

    def addAnatomy(self, parameters, name) -> None:
        """Add the structures of a preset that are not there yet.

        Example:
            >>> logic.addAnatomy(parameters, "Heart")
        """
        from ..volumes import name_key

        there = {name_key(structure.name) for structure in self.structures(parameters)}
        for structure in self.anatomies()[name]:
            if name_key(structure.name) not in there:
                self.addStructure(parameters, structure.name, structure.color, structure.terminology)

    def changeStructure(self, parameters, structureId, **changes) -> None:
        """Change name, color, terminology (a serialized entry) or role of a structure in both images.

        The role says what the structure is for in a registration: "guide", "ignore" (nothing pulls inside, as in a
        tumor or at metal) or "rigid" (it moves as one rigid body, as a bone or an implant). It is saved with the scene.

        Example:
            >>> logic.changeStructure(parameters, liver, name="Liver")
            >>> logic.changeStructure(parameters, spleen, role="ignore")
            >>> [structure.name for structure in logic.structures(parameters) if structure.role == "ignore"]
            ['spleen']
        """
        structure = next(entry for entry in self.structures(parameters) if entry.id == structureId)
        self._putStructure(parameters, structure._replace(**changes))

    def removeStructure(self, parameters, structureId) -> list:
        """Remove a structure with its masks and prompts from both images.

        It is not removed from a segmentation that the module did not make: the parameter node then goes on with a copy
        of it, and that node itself is only hidden.

        Returns:
            The copies.

        Example:
            >>> copies = logic.removeStructure(parameters, liver)
            >>> liver in [structure.id for structure in logic.structures(parameters)]
            False
        """
        from ..scene.alignment import is_working_copy, working_copy
        from ..scene.structure_segments import readable_prompts, write_prompts

        copies = []
        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            ids = () if node is None else node.GetSegmentation().GetSegmentIDs()
            if structureId in ids and not is_working_copy(node):
                node = working_copy(node, f"{node.GetName()} (edited)", dict(zip(ids, ids)))
                self._goOnIn(node, parameters, side)
                copies.append(node)
            if node is not None:
                node.GetSegmentation().RemoveSegment(structureId)
                prompts = readable_prompts(node)
                if prompts.has(structureId):
                    write_prompts(node, prompts.without_structure(structureId))
        return copies

    def isStructureVisible(self, parameters, structureId) -> bool:
        """Whether a structure is shown in the views.

        Example:
            >>> logic.isStructureVisible(parameters, spleen)
            True
        """
        for side in ("fixed", "moving"):
            node = self.segmentationOf(parameters, side)
            known = node is not None and node.GetSegmentation().GetSegment(structureId) is not None
            if known and node.GetDisplayNode() is not None and node.GetDisplayNode().GetSegmentVisibility(structureId):
                return True
        return False

    def setStructureVisible(self, parameters, structureId, visible) -> None:
        """Show or hide a structure in the views.

        Example:
            >>> logic.setStructureVisible(parameters, spleen, False)
        """
        for node in (parameters.fixedSegmentation, parameters.movingSegmentation, parameters.resultSegmentation):
            known = node is not None and node.GetSegmentation().GetSegment(structureId) is not None
            if known and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetSegmentVisibility(structureId, visible)

    def _goOnIn(self, copy, parameters, side):
        self.segmentationOf(parameters, side).SetDisplayVisibility(False)
        setattr(parameters, f"{side}Segmentation", copy)

    def _segmentation(self, parameters, side):
        from ..scene.alignment import masks_for
        from ..scene.structure_segments import put_structure

        node = self.segmentationOf(parameters, side)
        if node is None:
            volume = self.volumeOf(parameters, side)
            node = masks_for(volume, f"{volume.GetName()} masks")
            node.GetDisplayNode().SetOpacity2DFill(0.25)
            for structure in self.structures(parameters):
                put_structure(node, structure)
            setattr(parameters, f"{side}Segmentation", node)
        return node

    def _putStructure(self, parameters, structure):
        from ..errors import InputError
        from ..scene.structure_segments import put_structure

        sides = [side for side in ("fixed", "moving") if self.volumeOf(parameters, side) is not None]
        if not sides:
            raise InputError(_("Choose a volume first."))
        for side in sides:
            put_structure(self._segmentation(parameters, side), structure)
