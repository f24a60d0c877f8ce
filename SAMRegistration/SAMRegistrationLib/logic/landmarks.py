"""Landmarks of the pair, in markups lists: those that guide, and those that are held out to be measured."""

from slicer.i18n import tr as _

from .look import LookLogic

LISTS = ("fixedLandmarks", "movingLandmarks", "fixedHeldOut", "movingHeldOut")


class LandmarksLogic(LookLogic):
    """The lists are those of the parameter node that LISTS names."""

    def placeLandmarks(self, parameters, name) -> None:
        """Show the volume of a list and let clicks in the views add landmarks to it; without one, a list is made.

        Args:
            name: of the list in the parameter node, one of LISTS.

        Raises:
            InputError: no volume was chosen for it.

        Example:
            >>> logic.placeLandmarks(parameters, "fixedHeldOut")
            >>> parameters.fixedHeldOut.GetName()
            'CT1 landmarks, held out'
            >>> logic.stopPlacingLandmarks(parameters)
        """
        from ..errors import InputError
        from ..scene.landmarks import new_list, start_placing

        side = name[: -len("Landmarks")] if name.endswith("Landmarks") else name[: -len("HeldOut")]
        volume = self.volumeOf(parameters, side)
        if volume is None:
            raise InputError(_("Choose a volume first."))
        if getattr(parameters, name) is None:
            text = _("{name} landmarks, held out") if name.endswith("HeldOut") else _("{name} landmarks")
            setattr(parameters, name, new_list(text.format(name=volume.GetName())))
        self.showSide(parameters, side)
        start_placing(getattr(parameters, name))

    def stopPlacingLandmarks(self, parameters) -> None:
        """Let clicks no longer add landmarks.

        Example:
            >>> logic.stopPlacingLandmarks(parameters)
        """
        from ..scene.landmarks import stop_placing

        stop_placing([getattr(parameters, name) for name in LISTS])

    def reasonNotToUseLandmarks(self, parameters) -> str:
        """Why the chosen lists cannot be used, as a sentence; empty when they can.

        Example:
            >>> parameters.fixedLandmarks = parameters.movingLandmarks = None
            >>> parameters.fixedHeldOut = parameters.movingHeldOut = None
            >>> logic.reasonNotToUseLandmarks(parameters)
            ''
        """
        for names, alone in (
            (LISTS[:2], _("Choose landmarks of both volumes")),
            (LISTS[2:], _("Choose held-out landmarks of both volumes")),
        ):
            fixed, moving = (getattr(parameters, name) for name in names)
            if (fixed is None) != (moving is None):
                return alone
            if fixed is not None and fixed is moving:
                return _("Fixed and moving landmarks are the same")
        return ""
