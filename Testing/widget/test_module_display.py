"""Looking at a result changes nothing for good: neither how the inputs are shown nor how the views are linked."""

import pytest
import slicer
from module_panel import choose
from SAMRegistrationLib.testing.driver import click, save_and_load, settle


@pytest.fixture
def looking(panel, a_pair):
    """The panel after a registration, and how the user had the segmentations shown before."""
    for number, (_, masks) in enumerate(a_pair):
        display = masks.GetDisplayNode()
        display.SetOpacity2DFill(0.75 - 0.25 * number)
        display.SetVisibility2DOutline(False)
        display.SetSliceIntersectionThickness(2 + number)
    choose(panel, a_pair)
    before = shown(panel)
    assert before == [(1, 1, False, 0.75, 2), (1, 1, False, 0.5, 3)]
    click(panel.ui.registerButton)
    settle(panel)
    return panel, before


def shown(panel):
    displays = [
        node.GetDisplayNode() for node in (panel.parameters().fixedSegmentation, panel.parameters().movingSegmentation)
    ]
    return [
        (
            display.GetVisibility(),
            display.GetVisibility2DFill(),
            bool(display.GetVisibility2DOutline()),
            display.GetOpacity2DFill(),
            display.GetSliceIntersectionThickness(),
        )
        for display in displays
    ]


def are_outlines(panel):
    (visible, fill, outline, *_), (moving_visible, *_) = shown(panel)
    return (visible, fill, outline, moving_visible) == (1, 0, True, 0)


def test_going_back_to_clicking_shows_the_masks_as_before(looking):
    panel, before = looking
    assert are_outlines(panel)
    click(panel.ui.fixedImageButton)
    assert [style[1:] for style in shown(panel)] == [style[1:] for style in before]
    assert [style[0] for style in shown(panel)] == [1, 0]
    click(panel.ui.movingImageButton)
    assert [style[0] for style in shown(panel)] == [0, 1]
    click(panel.ui.blendButton)
    assert are_outlines(panel)
    click(panel.ui.outlinesCheckBox)
    assert shown(panel)[0][0] == 0


def test_leaving_the_module_shows_the_inputs_as_before_and_coming_back_shows_the_outlines(looking):
    panel, before = looking
    for button in (
        panel.ui.sideBySideButton,
        panel.ui.blendButton,
        panel.ui.outlinesCheckBox,
        panel.ui.outlinesCheckBox,
    ):
        click(button)
        settle(panel)
    panel.exit()
    assert shown(panel) == before
    panel.parameters().fixedSegmentation.GetDisplayNode().SetOpacity2DFill(0.25)
    panel.enter()
    assert are_outlines(panel)
    panel.exit()
    assert shown(panel)[0] == (*before[0][:3], 0.25, before[0][4])
    panel.enter()


def test_what_was_shown_before_is_known_after_the_scene_was_saved_and_loaded(looking, tmp_path):
    panel, before = looking
    save_and_load(tmp_path / "scene.mrb")
    assert are_outlines(panel)
    panel.exit()
    assert shown(panel) == before
    panel.enter()


def test_choosing_other_masks_gives_the_former_ones_their_display_back(looking, a_pair):
    panel, _ = looking
    masks = panel.parameters().fixedSegmentation
    panel.ui.fixedMasksSelector.setCurrentNode(panel.parameters().resultSegmentation)
    slicer.app.processEvents()
    click(panel.ui.fixedImageButton)
    display = masks.GetDisplayNode()
    assert (display.GetVisibility2DFill(), display.GetOpacity2DFill()) == (1, 0.75)


@pytest.mark.parametrize("linked", [(1, 0), (1, 1), (0, 0)])
def test_views_are_linked_after_side_by_side_as_they_were_before(panel, a_pair, linked):
    choose(panel, a_pair, masks=False)
    click(panel.ui.registerButton)
    settle(panel)
    manager = slicer.app.layoutManager()
    composites = [manager.sliceWidget(name).mrmlSliceCompositeNode() for name in ("Red", "Yellow", "Green")]

    def links():
        return [(node.GetLinkedControl(), node.GetHotLinkedControl()) for node in composites]

    for node in composites:
        node.SetLinkedControl(linked[0])
        node.SetHotLinkedControl(linked[1])
    click(panel.ui.sideBySideButton)
    settle(panel)
    assert links()[:2] == [(1, 1), (1, 1)]
    click(panel.ui.blendButton)
    settle(panel)
    assert links() == [linked] * 3
    for node in composites:
        node.SetLinkedControl(0)
        node.SetHotLinkedControl(0)
