"""Fixtures of pytest for tests of a module: import them in a conftest.py.

    from Host.fixtures import an_empty_scene, application

Off screen unless QT_QPA_PLATFORM says otherwise (`QT_QPA_PLATFORM=xcb xvfb-run -a python -m pytest ...`).
"""

import os

import numpy as np
import pytest

from . import install, slicerparts, start

install()
slicerparts.install()  # slicer.i18n and others, which modules import when tests are collected


@pytest.fixture(scope="session")
def application():
    """The application with its window, one for all tests."""
    on_screen = os.environ.get("QT_QPA_PLATFORM", "offscreen") != "offscreen"
    application = start(offscreen=not on_screen, testing=True)
    import slicer

    window = slicer.util.mainWindow()
    window.resize(900, 700)
    window.show()
    slicer.app.processEvents()
    yield application
    application._shut_down()


@pytest.fixture
def qt(application):
    """The module `qt`, which exists once the application was started."""
    import qt

    return qt


@pytest.fixture(autouse=True)
def an_empty_scene(application):
    """Every test starts with an empty scene and four views."""
    import slicer

    slicer.mrmlScene.Clear(0)
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    interaction.SetPlaceModePersistence(0)
    interaction.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.ViewTransform)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetLinkedControl(0)
    slicer.app.processEvents()


@pytest.fixture
def frame_of():
    """The pixels of a view as they are on the screen: (height, width, 3) of 0 to 255."""

    def frame_of(view):
        import slicer

        slicer.app.processEvents()
        image = view.VTKWidget().grab().toImage()
        image = image.convertToFormat(image.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

    return frame_of
