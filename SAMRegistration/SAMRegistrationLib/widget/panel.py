"""What every part of the panel answers to."""


class Panel:
    """A section of the panel, or a part of one. The module calls these on all of them, in the order of its list; what a
    part does not need it leaves as it is here."""

    def update(self) -> None:
        """Bring the widgets in line with the parameter node, which was changed."""

    def enter(self) -> None:
        """The module is shown, or goes on with a scene that was loaded while it was shown."""

    def exit(self) -> None:
        """Another module is shown; what is under way goes on."""

    def scene_closes(self) -> None:
        """Stop what belongs to the scene, and let go of its nodes."""

    def scene_loaded(self) -> None:
        """Something was loaded into the scene: let go of what was remembered of nodes."""
