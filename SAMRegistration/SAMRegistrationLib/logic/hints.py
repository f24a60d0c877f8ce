"""What comes next, section by section."""

from slicer.i18n import tr as _

from .pair_structures import StructuresLogic

SIDES = ("fixed", "moving")


class HintsLogic(StructuresLogic):
    """One line for each section of the panel, and which sections are in use."""

    def hints(self, parameters) -> dict:
        """What to do in the sections "volumes", "structures", "register" and "look".

        Example:
            >>> logic.hints(parameters)["volumes"]
            'Next: structures in section 2, or at once Register in section 3.'
        """
        volumes = [self.volumeOf(parameters, side) for side in ("fixed", "moving")]
        first = _("First choose both volumes in section 1.")
        found = dict.fromkeys(("structures", "register", "look"), first)
        if None in volumes:
            missing = volumes.count(None)
            texts = (_("Choose the volume that is missing."), _("Choose two volumes, or load the sample data."))
            return {"volumes": texts[missing - 1], **found}
        done = parameters.resultTransform is not None
        return {
            "volumes": _("Next: structures in section 2, or at once Register in section 3."),
            "structures": self._structuresHint(parameters),
            "register": _("The result is in section 4.") if done else _("Press the button; the rest is as you like."),
            "look": _("Look along borders that you know.") if done else _("Register first, in section 3."),
        }

    def sectionsInUse(self, parameters) -> tuple:
        """The sections whose turn it is, by their names in :meth:`hints`.

        Example:
            >>> logic.sectionsInUse(parameters)
            ('look',)
        """
        if parameters is not None and parameters.resultTransform is not None:
            return ("look",)
        if self.volumeOf(parameters, "fixed") is None:
            return ("volumes",)
        return ("structures", "register")

    def _structuresHint(self, parameters) -> str:
        structures = self.structures(parameters)
        if not structures:
            return _("Add a structure that both volumes show, or go on without.")
        with_mask = [
            [entry.name for entry in structures if self._hasMask(parameters, side, entry.id)] for side in SIDES
        ]
        if not with_mask[0]:
            return _("Press + Inside and click into the structure, in any slice.")
        if set(with_mask[0]) - set(with_mask[1]):
            return _("Next: All to both volumes; then look at the masks of the moving one.")
        return _("Next: Register in section 3.")

    def _hasMask(self, parameters, side, structureId) -> bool:
        node = self.segmentationOf(parameters, side)
        segment = None if node is None else node.GetSegmentation().GetSegment(structureId)
        data = None if segment is None else segment.GetRepresentation("Binary labelmap")
        return data is not None and data.GetNumberOfPoints() > 0
