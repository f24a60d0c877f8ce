"""One host application for all tests of this folder; every test starts with an empty scene and four views.

Off screen unless QT_QPA_PLATFORM says otherwise (`QT_QPA_PLATFORM=xcb xvfb-run -a python -m pytest Testing/widget`).
"""

import os
import threading

import Host
import module_life
import module_panel
import numpy as np
import pytest
from Host import slicerparts
from SAMRegistrationLib.testing import driver

Host.install()
slicerparts.install()  # slicer.i18n, which modules of the library import when tests are collected


@pytest.fixture(scope="session")
def application():
    on_screen = os.environ.get("QT_QPA_PLATFORM", "offscreen") != "offscreen"
    application = Host.start(offscreen=not on_screen, testing=True)
    import slicer

    window = slicer.util.mainWindow()
    window.resize(1300, 900)
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


@pytest.fixture
def world_of_pixel():
    """World position (RAS, mm) of pixel centers of a slice view, from field of view and orientation alone.

    Takes pixel columns and rows (origin at the top left); returns an array with a last axis of 3.
    """

    def world_of_pixel(view, columns, rows):
        node = view.mrmlSliceNode()
        width, height = view.renderWindow().GetSize()
        field = node.GetFieldOfView()
        matrix = np.array([[node.GetSliceToRAS().GetElement(r, c) for c in range(4)] for r in range(4)])
        u = ((np.asarray(columns) + 0.5) / width - 0.5) * field[0]
        v = (0.5 - (np.asarray(rows) + 0.5) / height) * field[1]
        return matrix[:3, 3] + u[..., None] * matrix[:3, 0] + v[..., None] * matrix[:3, 1]

    return world_of_pixel


@pytest.fixture
def a_ball_volume():
    """A smooth bright ball, made in world coordinates, sampled by a volume of any orientation and spacing.

    Returns a function (center in RAS mm, 4x4 IJK to RAS, shape in IJK) to volume node.
    """

    def a_ball_volume(center, ijk_to_ras, shape, sigma=6.0, name="Ball"):
        import slicer

        i, j, k = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
        world = np.stack([i, j, k, np.ones_like(i)], -1) @ np.asarray(ijk_to_ras).T
        distance = np.sum((world[..., :3] - np.asarray(center)) ** 2, -1)
        values = (200 * np.exp(-distance / (2 * sigma**2))).astype(np.float32)
        node = slicer.util.addVolumeFromArray(values.transpose(2, 1, 0), ijkToRAS=np.asarray(ijk_to_ras), name=name)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevelMinMax(0, 200)
        return node

    return a_ball_volume


@pytest.fixture(scope="session")
def module(application):
    import slicer

    if not hasattr(slicer.modules, "samregistration"):
        Host.load_module(module_panel.MODULE)
    return slicer.modules.samregistration.widgetRepresentation().self()


@pytest.fixture
def panel(module, an_empty_scene):
    import slicer

    slicer.util.selectModule("SAMRegistration")
    module.enter()
    slicer.app.processEvents()
    yield module
    module.clickPanel.exit()
    module.registerPanel.abandon()
    driver.settle(module)


@pytest.fixture
def a_pair(panel):
    """Two volumes of a body that changed its shape, oblique and differently sampled, with masks in both."""
    return module_life.pair()


@pytest.fixture
def sample_source(panel):
    """What the module registers when the application has started; the addresses are put back after the test."""
    import SampleData
    import slicer

    slicer.app.startupCompleted.emit()
    source = SampleData.SampleDataLogic().sourceForSampleName("SAMRegistrationBrains")
    before = dict(vars(source))
    yield source
    vars(source).update(before)


@pytest.fixture
def clicking(panel, a_pair, monkeypatch):
    """The panel with both volumes chosen, one structure, and a model whose answer is known."""
    from unit.segmentation_samples import FloodPredictor

    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    (fixed, _), (moving, _) = a_pair
    driver.choose_volumes(panel, fixed, moving)
    driver.click(panel.ui.fixedImageButton)
    driver.click(panel.ui.addStructureButton)
    driver.look_at(module_panel.CENTER)
    return panel


@pytest.fixture
def quick_registration(monkeypatch):
    """A registration whose outcome is known."""
    from SAMRegistrationLib import engine

    monkeypatch.setattr(engine, "register", module_life.known_result)


@pytest.fixture
def held(clicking, monkeypatch):
    """The panel with a click model that answers once the returned event is set."""
    go_on = threading.Event()

    from unit.segmentation_samples import FloodPredictor

    def open_predictor(model, device):
        assert go_on.wait(60)
        return FloodPredictor()

    monkeypatch.setattr(clicking.logic, "openPredictor", open_predictor, raising=False)
    yield go_on
    go_on.set()
