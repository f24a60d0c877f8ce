"""The views of the application. Without a main window it has none; then these lists are empty, and nothing is shown."""

from typing import List, Optional, Sequence

import slicer


def slice_widgets(names: Optional[Sequence[str]] = None) -> list:
    """The widgets of the slice views with these names ("Red", ...), as far as they exist; of all for None."""
    manager = slicer.app.layoutManager()
    if manager is None:
        return []
    widgets = map(manager.sliceWidget, manager.sliceViewNames() if names is None else names)
    return [widget for widget in widgets if widget is not None]


def slice_view_names() -> List[str]:
    """The names of the slice views."""
    manager = slicer.app.layoutManager()
    return [] if manager is None else list(manager.sliceViewNames())


def threed_views() -> list:
    """The 3D views."""
    manager = slicer.app.layoutManager()
    count = 0 if manager is None else manager.threeDViewCount
    return [manager.threeDWidget(number).threeDView() for number in range(count)]


def layout() -> Optional[int]:
    """The layout of the views; None without any."""
    manager = slicer.app.layoutManager()
    return None if manager is None else manager.layout


def set_layout(number: int) -> None:
    """Arrange the views, where there are any."""
    manager = slicer.app.layoutManager()
    if manager is not None:
        manager.setLayout(number)
