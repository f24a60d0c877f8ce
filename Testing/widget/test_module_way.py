"""The first way through the module: how many clicks it takes, and what the panel says on it."""

import pytest
import slicer
from SAMRegistrationLib.testing import driver, workflow
from SAMRegistrationLib.testing.phantom import SHIFT, SPOT, ball_volume
from unit.segmentation_samples import FloodPredictor

MOST_CLICKS = 12
TO_CHOOSE = 2  # clicks: one opens a list, one chooses in it
SECTIONS = ("volumesSection", "structuresSection", "registerSection", "lookSection")


class Hand:
    """A user, whose clicks are counted."""

    def __init__(self, panel):
        self.panel, self.clicks = panel, 0

    def choose(self, selector, node):
        self.clicks += TO_CHOOSE
        selector.setCurrentNode(node)
        slicer.app.processEvents()

    def press(self, button):
        self.clicks += 1
        driver.click_and_settle(self.panel, button)

    def click_in(self, place):
        self.clicks += 1
        driver.look_at(place)
        driver.click_at(place)
        driver.settle(self.panel)


def open_sections(panel):
    return [name for name in SECTIONS if not getattr(panel.ui, name).collapsed]


@pytest.fixture
def closed(panel):
    """The panel as it is when the application has started."""
    for name in SECTIONS:
        getattr(panel.ui, name).collapsed = name != "volumesSection"
    return panel


def test_two_structures_and_a_seen_result_take_twelve_clicks_from_three_loaded_volumes(closed, monkeypatch):
    panel, ui = closed, closed.ui
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    before, after = ball_volume("Before", (0.0, 0.0, 0.0)), ball_volume("After", SHIFT)
    ball_volume("Another", (2.0, 2.0, 2.0))
    panel.parameters().preset = "fast"
    hand = Hand(panel)
    assert ui.volumesHint.text == "Choose two volumes, or load the sample data."
    assert ui.structuresHint.text == ui.lookHint.text == "First choose both volumes in section 1."
    hand.choose(ui.fixedSelector, before)
    hand.choose(ui.movingSelector, after)
    assert "Next: structures in section 2" in ui.volumesHint.text
    assert open_sections(panel) == ["volumesSection", "structuresSection", "registerSection"]
    hand.press(ui.addStructureButton)
    assert "Press + Inside" in ui.structuresHint.text
    hand.press(ui.plusButton)
    hand.click_in((0.0, 0.0, 0.0))
    hand.press(ui.addStructureButton)
    hand.click_in(SPOT)
    assert "All to both volumes" in ui.structuresHint.text
    hand.press(ui.carryAllButton)
    assert "Next: Register" in ui.structuresHint.text
    hand.press(ui.registerButton)
    assert ui.registerStatus.text.startswith("Done in"), ui.registerStatus.text
    assert hand.clicks <= MOST_CLICKS
    assert "lookSection" in open_sections(panel)
    for side in ("fixed", "moving"):
        assert all(driver.mask(panel, side, entry.id).any() for entry in panel.logic.structures(panel.parameters()))
    composite = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    assert composite.GetForegroundVolumeID() == panel.parameters().resultVolume.GetID()
    assert ui.metricsTable.rowCount > 8
    error = workflow.mapped(panel.parameters().resultTransform, (0.0, 0.0, 0.0)) - SHIFT
    assert (error**2).sum() < 0.25 * sum(length**2 for length in SHIFT)


def test_what_the_user_closes_stays_closed_until_its_turn_comes_again(closed, a_pair):
    (fixed, _), (moving, _) = a_pair
    driver.choose_volumes(closed, fixed, moving)
    closed.ui.registerSection.collapsed = True
    driver.click(closed.ui.addStructureButton)
    assert closed.ui.registerSection.collapsed
