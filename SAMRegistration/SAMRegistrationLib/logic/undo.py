"""Taking back what was done to structures and choices."""

import slicer
from slicer.i18n import tr as _

from .pair_structures import StructuresLogic

CHOICES = ("fixedVolume", "movingVolume", "fixedSegmentation", "movingSegmentation")


class UndoLogic(StructuresLogic):
    """Steps that put things back; ``step.apply(parameters)`` does it and gives the step that leads forth again."""

    def structuresNow(self, parameters, removing=()):
        """The structures as they are, for :meth:`structuresStep`.

        Args:
            removing: the ids of those that are about to be removed.

        Example:
            >>> before = logic.structuresNow(parameters)
        """
        from ..scene.undo import Structures

        return Structures.of(parameters, removing)

    def structuresStep(self, parameters, before, name):
        """What puts the structures back to how they were; None where nothing was changed since.

        Masks, clicks, role, name, color, terminology, id and order of a structure that was removed come back. Changes
        that others made to other properties stay.

        Args:
            before: of :meth:`structuresNow`.
            name: what is taken back, for the user.

        Example:
            >>> before = logic.structuresNow(parameters)
            >>> logic.changeStructure(parameters, spleen, name="Milz")
            >>> step = logic.structuresStep(parameters, before, "name of spleen")
            >>> forth = step.apply(parameters)
            >>> "spleen" in [structure.name for structure in logic.structures(parameters)]
            True
        """
        return before.step_back(parameters, name)

    def choicesNow(self, parameters) -> dict:
        """The chosen volumes and segmentations: name of the parameter to node, or None.

        Example:
            >>> logic.choicesNow(parameters)["fixedVolume"].GetName()
            'CT1'
        """
        return {name: getattr(parameters, name) for name in CHOICES}

    def choicesStep(self, parameters, before):
        """What chooses the former nodes again; None where no other ones were chosen by the user.

        That the module goes on in a segmentation that it made is no choice, nor that a chosen node was removed.

        Args:
            before: of :meth:`choicesNow`.

        Example:
            >>> logic.choicesStep(parameters, logic.choicesNow(parameters)) is None
            True
        """
        from ..scene.alignment import original_of
        from ..scene.undo import ChoiceStep

        changed = {}
        for name, now in self.choicesNow(parameters).items():
            then = before[name]
            made = original_of(now) if name.endswith("Segmentation") else None
            goes_on = made is not None and made is (then or self.volumeOf(parameters, name[: -len("Segmentation")]))
            if now is not then and not goes_on and (then is None or slicer.mrmlScene.IsNodePresent(then)):
                changed[name] = tuple(None if node is None else node.GetID() for node in (then, now))
        names = {
            "fixedVolume": _("choice of the fixed volume"),
            "movingVolume": _("choice of the moving volume"),
            "fixedSegmentation": _("choice of the fixed masks"),
            "movingSegmentation": _("choice of the moving masks"),
        }
        return ChoiceStep(", ".join(names[name] for name in changed), changed) if changed else None
