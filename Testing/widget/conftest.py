"""One application for all tests of this folder; every test starts with an empty scene and four views."""

import threading

import Host
import module_life
import module_panel
import pytest
from Host.fixtures import an_empty_scene, application, frame_of, qt
from SAMRegistrationLib.testing import driver


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
    module.registerPanel.scene_closes()
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
