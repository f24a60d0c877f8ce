"""SAM 2 and nnInteractive as models of volumes, with stand-ins that have the signatures of their packages."""

import inspect
from pathlib import Path

import click_packages
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from SAMRegistrationLib.errors import Canceled, InputError, WeightsError
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.planes import axis_normal
from SAMRegistrationLib.segmentation.session import SegmentationSession
from segmentation_samples import body, dice, oblique_grid, picture, world

GRID = oblique_grid()
BODY = body(GRID, (18, 17, 7), (12, 14, 20))
LEFT, RIGHT = body(GRID, (9, 17, 7), (7, 9, 20)), body(GRID, (30, 17, 7), (7, 9, 20))
TRUNK = "image_encoder.trunk."


def sam2_file(folder, channels=96, blocks=12, newer=True):
    state = {TRUNK + "pos_embed": torch.zeros(1, channels, 7, 7)}
    state.update({f"{TRUNK}blocks.{number}.norm1.weight": torch.zeros(1) for number in range(blocks)})
    if newer:
        state["no_obj_embed_spatial"] = torch.zeros(1, 64)
    torch.save({"model": state}, folder / "sam2_small.pt")
    return folder / "sam2_small.pt"


def nninteractive_folder(folder, more=None):
    path = folder / "model"
    (path / "fold_0").mkdir(parents=True)
    for name in ("dataset.json", "plans.json"):
        (path / name).write_text("{}", encoding="utf-8")
    checkpoint = {
        "network_weights": {"conv.weight": torch.zeros(2)},
        "init_args": {"configuration": "3d_fullres", "device": torch.device("cpu")},
        "best": np.float64(0.5),
        "trainer_name": "Trainer",
        "more": more,
    }
    torch.save(checkpoint, path / "fold_0" / "checkpoint_final.pth")
    return path


@pytest.fixture(params=["SAM 2", "nnInteractive"])
def model(request, tmp_path, monkeypatch):
    click_packages.install(monkeypatch, "sam2", "nnInteractive")
    path = sam2_file(tmp_path) if request.param == "SAM 2" else nninteractive_folder(tmp_path)
    return open_predictor(str(path), "cpu")


@pytest.fixture
def sam2(tmp_path, monkeypatch):
    click_packages.install(monkeypatch, "sam2")
    return open_predictor(str(sam2_file(tmp_path)), "cpu")


@pytest.fixture
def nninteractive(tmp_path, monkeypatch):
    click_packages.install(monkeypatch, "nnInteractive")
    return open_predictor(str(nninteractive_folder(tmp_path)), "cpu")


def started(image, model):
    session = SegmentationSession(image, model)
    return session, session.add_structure("body").id


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_click_in_any_view_of_an_oblique_anisotropic_volume_marks_the_body(model, axis):
    session, structure = started(picture(GRID, BODY), model)
    prompt = session.add_point(structure, world(GRID, 18, 17, 7), normal=axis_normal(GRID, axis))
    plane = session.plane_of(prompt)
    np.testing.assert_array_equal(session.slice_mask(structure, plane), np.take(BODY, plane.index, axis=2 - plane.axis))
    assert dice(session.propagate(structure), BODY) > 0.99


def test_a_click_outside_takes_away_and_undo_brings_back_what_was_there(model):
    session, structure = started(picture(GRID, LEFT | RIGHT), model)
    session.add_point(structure, world(GRID, 9, 17, 7))
    one = session.mask(structure)
    session.add_point(structure, world(GRID, 30, 17, 7))
    both = session.mask(structure)
    session.add_point(structure, world(GRID, 31, 18, 7), positive=False)
    after = session.mask(structure)
    assert both[7, 17, 30]
    assert not after[7, 18, 31]
    assert after[7, 17, 9]
    session.undo()
    np.testing.assert_array_equal(session.mask(structure), both)
    session.undo()
    np.testing.assert_array_equal(session.mask(structure), one)


def test_several_structures_are_answered_each_by_its_own_prompts(model):
    session, left = started(picture(GRID, LEFT, RIGHT), model)
    right = session.add_structure("right").id
    session.add_point(left, world(GRID, 9, 17, 7))
    session.add_point(right, world(GRID, 30, 17, 7))
    for _ in range(2):
        assert dice(session.propagate(left), LEFT) > 0.99
        assert dice(session.propagate(right), RIGHT) > 0.99


def test_boxes_scribbles_and_lassos_are_taken(model):
    image = picture(GRID, LEFT | RIGHT)
    corners = (world(GRID, 1, 5, 7), world(GRID, 18, 30, 7))
    angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    around = [world(GRID, 9 + 9 * np.cos(a), 17 + 10 * np.sin(a), 7) for a in angles]
    stroke = [world(GRID, 6 + n, 17, 7) for n in range(7)]
    for add in (
        lambda session, structure: session.add_box(structure, *corners),
        lambda session, structure: session.add_scribble(structure, stroke),
        lambda session, structure: session.add_lasso(structure, around),
    ):
        session, structure = started(image, model)
        add(session, structure)
        np.testing.assert_array_equal(session.mask(structure)[7], LEFT[7])


def test_a_mask_from_elsewhere_is_corrected(model):
    session, structure = started(picture(GRID, LEFT | RIGHT), model)
    session.set_mask(structure, LEFT | RIGHT)
    session.add_point(structure, world(GRID, 30, 17, 7), positive=False)
    mask = session.mask(structure)
    assert not mask[7, :, 20:].any()
    np.testing.assert_array_equal(mask[7, :, :20], LEFT[7, :, :20])


def test_only_clicks_outside_ask_for_one_inside(model):
    session, structure = started(picture(GRID, BODY), model)
    session.add_point(structure, world(GRID, 1, 1, 1), positive=False)
    assert not session.mask(structure).any()
    with pytest.raises(InputError, match="Click at least once inside body"):
        session.propagate(structure)


def test_a_cancel_ends_the_work_and_the_next_try_starts_anew(model):
    session, structure = started(picture(GRID, BODY), model)
    session.add_point(structure, world(GRID, 18, 17, 7))
    with pytest.raises(Canceled):
        session.propagate(structure, Job(canceled=lambda: True))
    assert dice(session.propagate(structure), BODY) > 0.99


def test_frames_are_the_slices_and_are_gone_once_they_were_read(sam2):
    session, structure = started(picture(GRID, BODY), sam2)
    session.add_point(structure, world(GRID, 18, 17, 7), normal=axis_normal(GRID, 0))
    session.propagate(structure)
    predictor = sam2._predictor
    assert predictor.videos
    assert not any(Path(folder).exists() for folder in predictor.videos)
    frame, _, points, labels, box = predictor.asked[-1]
    assert (frame, labels.tolist(), box) == (18, [1], None)
    place = points[0] / (GRID.size[1], GRID.size[2]) * predictor.image_size
    np.testing.assert_allclose(place + 0.5, (np.array([17, 7]) + 0.5) * predictor.image_size / GRID.size[1:], atol=1e-3)


def test_two_boxes_on_a_slice_are_two_objects_tracked_together(sam2):
    session, structure = started(picture(GRID, LEFT | RIGHT), sam2)
    session.add_box(structure, world(GRID, 1, 5, 7), world(GRID, 18, 30, 7))
    session.add_box(structure, world(GRID, 22, 5, 7), world(GRID, 38, 30, 7))
    assert dice(session.propagate(structure), LEFT | RIGHT) > 0.98
    assert {asked[1] for asked in sam2._predictor.asked} == {1, 2}


@pytest.mark.parametrize(
    ("channels", "blocks", "newer", "config"),
    [
        (96, 12, True, "configs/sam2.1/sam2.1_hiera_t.yaml"),
        (96, 16, False, "configs/sam2/sam2_hiera_s.yaml"),
        (112, 24, True, "configs/sam2.1/sam2.1_hiera_b+.yaml"),
        (144, 48, False, "configs/sam2/sam2_hiera_l.yaml"),
    ],
)
def test_the_configuration_of_sam2_is_read_from_the_checkpoint(tmp_path, monkeypatch, channels, blocks, newer, config):
    click_packages.install(monkeypatch, "sam2")
    path = sam2_file(tmp_path, channels, blocks, newer)
    assert open_predictor(str(path), "cpu")._predictor.built == (config, str(path), "cpu")


def test_prompts_reach_nninteractive_in_the_order_z_y_x_and_only_new_ones(nninteractive, capsys):
    session, structure = started(picture(GRID, BODY), nninteractive)
    calls = nninteractive._session.calls
    session.add_point(structure, world(GRID, 18.2, 16.9, 7.3))
    session.mask(structure)
    assert calls == ["image", "reset", ("point", (7, 17, 18), True)]
    session.add_box(structure, world(GRID, 4, 5, 7), world(GRID, 30, 28, 7))
    session.mask(structure)
    assert calls[3:] == [("box", ((7, 8), (5, 29), (4, 31)), True)]
    session.undo()
    session.mask(structure)
    assert calls[4:] == ["reset", ("point", (7, 17, 18), True)]
    assert capsys.readouterr().out == ""


def test_scribbles_for_nninteractive_have_its_thickness_within_their_slice(nninteractive):
    session, structure = started(picture(GRID, BODY), nninteractive)
    session.add_scribble(structure, [world(GRID, 18, 10 + n, 7) for n in range(9)], normal=axis_normal(GRID, 0))
    session.mask(structure)
    kind, marked, inside = nninteractive._session.calls[-1]
    expected = np.zeros(GRID.shape, bool)
    expected[7:9, 10:20, 18] = True
    assert (kind, inside) == ("scribble", True)
    np.testing.assert_array_equal(marked, expected)


def test_nninteractive_gets_intensities_that_are_not_windowed(nninteractive):
    values = np.where(BODY, 3000.0, -500.0).astype(np.float32)
    session, structure = started(GRID.image(values), nninteractive)
    session.add_point(structure, world(GRID, 18, 17, 7))
    session.mask(structure)
    np.testing.assert_allclose(nninteractive._session.image, values / 3000)


class Nasty:
    def __reduce__(self):
        return (Path.touch, (Path("was-executed"),))


def test_checkpoints_that_run_code_and_foreign_ones_are_refused(tmp_path, monkeypatch):
    click_packages.install(monkeypatch, "sam2", "nnInteractive")
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Nasty()}, tmp_path / "nasty.pt")
    folder = nninteractive_folder(tmp_path, Nasty())
    for path in (tmp_path / "nasty.pt", folder):
        with pytest.raises(WeightsError, match="more than weights"):
            open_predictor(str(path), "cpu")
    assert not (tmp_path / "was-executed").exists()
    torch.save({"model": {"weight": torch.zeros(1)}}, tmp_path / "foreign.pt")
    with pytest.raises(WeightsError, match="no checkpoint of SAM 2"):
        open_predictor(str(tmp_path / "foreign.pt"), "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="no model of nnInteractive"):
        open_predictor(str(tmp_path / "empty"), "cpu")
    (tmp_path / "short.pt").write_bytes((tmp_path / "foreign.pt").read_bytes()[:200])
    with pytest.raises(WeightsError, match="damaged"):
        open_predictor(str(tmp_path / "short.pt"), "cpu")


def test_a_missing_package_is_told_and_never_installed(tmp_path, monkeypatch):
    for name in ("sam2", "nnInteractive"):
        monkeypatch.setattr(f"SAMRegistrationLib.segmentation.{name.lower()}.is_there", lambda _module: False)
    for path, name in ((sam2_file(tmp_path), "sam2"), (nninteractive_folder(tmp_path), "nnInteractive")):
        with pytest.raises(InputError, match=f"needs the package {name}, which is not installed"):
            open_predictor(str(path), "cpu")


def test_the_stand_ins_have_the_signatures_of_the_packages_where_these_are_installed():
    sam2 = pytest.importorskip("sam2.sam2_video_predictor")
    for name in ("init_state", "reset_state", "add_new_points_or_box", "add_new_mask", "propagate_in_video"):
        ours = inspect.signature(getattr(click_packages.VideoPredictor, name)).parameters
        theirs = inspect.signature(getattr(sam2.SAM2VideoPredictor, name)).parameters
        assert list(ours) == list(theirs)


def test_the_stand_in_of_nninteractive_has_its_signatures_where_it_is_installed():
    package = pytest.importorskip("nnInteractive.inference.inference_session")
    for name in ("set_image", "reset_interactions", "add_point_interaction", "add_scribble_interaction"):
        ours = inspect.signature(getattr(click_packages.nnInteractiveInferenceSession, name)).parameters
        theirs = inspect.signature(getattr(package.nnInteractiveInferenceSession, name)).parameters
        assert list(ours) == list(theirs)


def test_a_volume_without_any_value_is_refused_by_nninteractive(nninteractive):
    session, structure = started(sitk.Image([8, 8, 8], sitk.sitkFloat32), nninteractive)
    session.add_point(structure, (3, 3, 3))
    with pytest.raises(InputError, match="empty"):
        session.mask(structure)
