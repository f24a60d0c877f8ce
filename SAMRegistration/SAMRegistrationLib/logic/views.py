"""The views of the application: what they are called, how they are arranged, and what is written into them."""


class ViewsLogic:
    """Slice and 3D views; without a main window there are none, and nothing happens."""

    def hasSliceViews(self) -> bool:
        """Whether there are slice views to click in; there are none without a main window.

        Example:
            >>> logic.hasSliceViews()
            True
        """
        return bool(self.sliceViewNames())

    def sliceViewNames(self) -> list:
        """The names of the slice views.

        Example:
            >>> logic.sliceViewNames()[0]
            'Red'
        """
        from ..scene.views import slice_view_names

        return slice_view_names()

    def viewCenter(self):
        """Where the slice views meet (RAS mm).

        Example:
            >>> len(logic.viewCenter())
            3
        """
        from ..scene.display import view_center

        return view_center()

    def jumpTo(self, position) -> None:
        """Center all slice views on a position (RAS mm).

        Example:
            >>> logic.jumpTo((12.0, -40.5, 8.0))
            >>> [round(value, 1) for value in logic.viewCenter()]
            [12.0, -40.5, 8.0]
        """
        from ..scene.display import jump_to

        jump_to(position)

    def fitViews(self) -> None:
        """Let every slice view show the whole of its volume.

        Example:
            >>> logic.fitViews()
        """
        from ..scene.display import fit_views

        fit_views()

    def fit3DViews(self, volume) -> None:
        """Let the 3D views look at a volume node; nothing for None.

        Example:
            >>> logic.fit3DViews(getNode("CT1"))
        """
        from ..scene.display import fit_3d_views

        if volume is not None:
            fit_3d_views(volume)

    def setForegroundOpacity(self, opacity) -> None:
        """Set the opacity, 0 to 1, of what lies over the background of all slice views.

        Example:
            >>> logic.setForegroundOpacity(0.75)
            >>> logic.showsForeground()
            True
        """
        from ..scene.display import set_opacity

        set_opacity(opacity)

    def showsForeground(self) -> bool:
        """Whether the foreground of the slice views hides more than half of the background.

        Example:
            >>> logic.setForegroundOpacity(0.25)
            >>> logic.showsForeground()
            False
        """
        from ..scene.display import foreground_opacity

        return foreground_opacity() > 0.5

    def beginSideBySide(self):
        """Arrange two slice views side by side.

        Returns:
            What :meth:`endSideBySide` needs to go back.

        Example:
            >>> arrangement = logic.beginSideBySide()
            >>> logic.endSideBySide(arrangement)
        """
        from ..scene.arrangement import begin_side_by_side

        return begin_side_by_side()

    def endSideBySide(self, arrangement) -> None:
        """Arrange the views as before :meth:`beginSideBySide`.

        Example:
            >>> logic.endSideBySide(logic.beginSideBySide())
        """
        from ..scene.arrangement import end_side_by_side

        end_side_by_side(arrangement)

    def newCaptions(self):
        """Words at the top of slice views: a SAMRegistrationLib.scene.captions.Captions.

        Example:
            >>> captions = logic.newCaptions()
            >>> captions.show({"Red": "Fixed"})
            >>> captions.hide()
        """
        from ..scene.captions import Captions

        return Captions()
