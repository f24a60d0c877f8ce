"""The click training as a whole: configuration, checkpoints, and that it learns."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from SAMRegistrationLib.errors import Canceled, InputError
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.segmentation.compact.model import CompactConfig, CompactSam, load_compact_sam, save_compact_sam
from SAMRegistrationLib.training.clicks.config import ClickTraining, Stage, read_config
from SAMRegistrationLib.training.clicks.sample import Sample
from SAMRegistrationLib.training.clicks.sources import LabeledVolume, ProposedMasks, SyntheticSource
from SAMRegistrationLib.training.clicks.step import collate, interactive_loss
from SAMRegistrationLib.training.clicks.trainer import CHECKPOINT, WEIGHTS, draw, feature_cache, read_log, train_sam

TINY = CompactConfig(64, (8, 8, 16, 16), dim=64, heads=4, depth=1, mlp=32, vit=(32, 32, 32, 32))


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def training(folder, steps=4, **changes):
    settings = {
        "stages": [Stage(32, steps // 2), Stage(64, steps - steps // 2)],
        "model": TINY,
        "pictures": 2,
        "masks": 2,
        "warmup": 1,
        "average": 0.5,
        "checkpoint_every": 2,
        "validation": 1,
        **changes,
    }
    return ClickTraining(output=folder, sources=[SyntheticSource()], shares=[1.0], **settings)


@pytest.fixture
def labeled(tmp_path):
    """An oblique, anisotropic volume with two boxes of their own intensity and label."""
    label = np.zeros((12, 48, 40), np.uint8)
    label[2:11, 8:24, 8:30] = 1
    label[3:10, 28:44, 10:34] = 2
    image = sitk.GetImageFromArray((label * 300.0 - 200).astype(np.float32))
    mask = sitk.GetImageFromArray(label)
    for item in (image, mask):
        item.SetSpacing((1.5, 1.0, 4.0))
        item.SetDirection((0.96, -0.28, 0, 0.28, 0.96, 0, 0, 0, 1))
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    sitk.WriteImage(mask, str(tmp_path / "labels.nii.gz"))
    return tmp_path


def two_disks(radius):
    """A picture of two disks of their own intensity, and their masks."""
    y, x = np.indices((64, 64))
    masks = np.stack([(y - 20) ** 2 + (x - 22) ** 2 < radius**2, (y - 42) ** 2 + (x - 40) ** 2 < radius**2])
    image = np.random.default_rng(radius).normal(0.2, 0.03, (64, 64)) + 0.5 * masks[0] + 0.3 * masks[1]
    return Sample(torch.tensor(image[None], dtype=torch.float32), torch.tensor(masks, dtype=torch.float32))


def test_a_small_model_learns_to_segment_what_is_clicked():
    torch.manual_seed(0)
    model = CompactSam(TINY)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    batch, rng = collate([two_disks(11), two_disks(14)]), np.random.default_rng(4)
    losses, dice = [], []
    for _ in range(50):
        loss, scores = interactive_loss(model, batch, rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        dice.append(scores[-1])
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])
    assert np.mean(dice[-10:]) > 0.8


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path):
    train_sam(training(tmp_path / "whole"))
    asked = threading.Event()

    def stop_after_half(fraction, message):
        if fraction >= 0.5:
            asked.set()

    with pytest.raises(Canceled):
        train_sam(training(tmp_path / "halves"), job=Job(stop_after_half, asked.is_set))
    assert len(read_log(tmp_path / "halves")) == 1
    train_sam(training(tmp_path / "halves"), resume=True)
    states = [torch.load(tmp_path / run / CHECKPOINT, weights_only=True) for run in ("whole", "halves")]
    assert [state["step"] for state in states] == [4, 4]
    for name, value in states[0]["model"].items():
        assert torch.allclose(value, states[1]["model"][name], atol=1e-5), name
    assert [row["step"] for row in read_log(tmp_path / "halves")] == [2, 4]


def test_a_gallery_is_filled_once_and_shows_what_the_sources_draw(tmp_path):
    model = CompactSam(TINY)
    settings = training(tmp_path, gallery=3, seed=8)
    cache = feature_cache(settings, model.encoder.vit_features)
    rng = np.random.default_rng(0)
    samples = [cache.sample(32, 2, rng) for _ in range(12)]
    files = sorted((tmp_path / "gallery").iterdir())
    assert [path.name for path in files] == ["32-00000.npz", "32-00001.npz", "32-00002.npz"]
    written = [path.stat().st_mtime_ns for path in files]
    fresh = draw(settings, 32, 4, np.random.default_rng([8, 32, 1]))
    same = next(sample for sample in samples if torch.equal(sample.image, fresh.image))
    assert [path.stat().st_mtime_ns for path in files] == written
    for mask in same.masks:
        assert min((mask - other).abs().max() for other in fresh.masks) <= 0.5 / 255 + 1e-6
    assert torch.allclose(same.features, model.encoder.vit_features(fresh.image[None])[0], rtol=2e-3, atol=2e-3)


def test_a_training_with_a_gallery_can_be_resumed(tmp_path):
    train_sam(training(tmp_path, steps=2, gallery=2))
    pictures = {path: path.stat().st_mtime_ns for path in (tmp_path / "gallery").iterdir()}
    train_sam(training(tmp_path, steps=4, gallery=2), resume=True)
    assert read_log(tmp_path)[-1]["step"] == 4
    assert all(path.stat().st_mtime_ns == time for path, time in pictures.items())


def test_the_stored_weights_can_be_used_and_trained_further(tmp_path):
    weights = train_sam(training(tmp_path / "first", steps=2))
    assert weights == tmp_path / "first" / WEIGHTS
    assert load_compact_sam(weights).config == TINY
    further = training(tmp_path / "second", steps=2, start=str(weights), rate=1e-9, average=0.0)
    train_sam(further)
    before, after = (load_compact_sam(path).state_dict() for path in (weights, tmp_path / "second" / WEIGHTS))
    assert all(torch.allclose(before[name], after[name], atol=2e-3) for name in before)


def test_fine_tuning_keeps_the_size_of_the_weights_it_starts_from(tmp_path):
    torch.manual_seed(0)
    save_compact_sam(CompactSam(TINY), tmp_path / "start.safetensors")
    further = training(tmp_path / "run", steps=2, start=str(tmp_path / "start.safetensors"), model=CompactConfig())
    weights = train_sam(further)
    assert load_compact_sam(weights).config == TINY


def test_a_training_is_neither_overwritten_nor_resumed_from_nothing(tmp_path):
    with pytest.raises(InputError, match="no checkpoint"):
        train_sam(training(tmp_path / "run"), resume=True)
    train_sam(training(tmp_path / "run", steps=2))
    with pytest.raises(InputError, match="already"):
        train_sam(training(tmp_path / "run", steps=2))


def test_a_damaged_checkpoint_gives_one_sentence(tmp_path):
    train_sam(training(tmp_path, steps=2))
    (tmp_path / CHECKPOINT).write_bytes((tmp_path / CHECKPOINT).read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged"):
        train_sam(training(tmp_path), resume=True)


def test_pictures_of_a_labeled_volume_show_its_structures(labeled):
    source = LabeledVolume(labeled / "image.nii.gz", labeled / "labels.nii.gz", "ct", held_out=0.25)
    for seed in range(8):
        sample = source.draw(64, 1, np.random.default_rng(seed))
        if sample is not None:
            inside, outside = (sample.image[0][mask].mean() for mask in (sample.masks[0] > 0.9, sample.masks[0] < 0.1))
            assert abs(float(inside - outside)) > 0.05
    cases = source.cases(100, 0)
    assert {case.structure for case in cases} == {"image 1", "image 2"}
    assert all(case.pixel_size == (1.0, 1.5) for case in cases)


def test_held_out_slices_are_never_trained_on(labeled):
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(labeled / "image.nii.gz")))
    array[9:] = 5000
    image = sitk.ReadImage(str(labeled / "image.nii.gz"))
    marked = sitk.GetImageFromArray(array)
    marked.CopyInformation(image)
    sitk.WriteImage(marked, str(labeled / "image.nii.gz"))
    source = LabeledVolume(labeled / "image.nii.gz", labeled / "labels.nii.gz", "ct", held_out=0.25)
    assert source._array.max() < 5000
    assert all(case.image.min() == 1 for case in source.cases(100, 0))


def test_proposed_masks_are_read_with_their_slices(tmp_path):
    masks = np.zeros((3, 256, 256), bool)
    masks[0, 50:90, 60:100] = masks[1, 100:180, 30:90] = masks[2, 20:60, 20:60] = True
    np.savez(
        tmp_path / "proposals.npz",
        images=np.stack([masks[0] * 200 - 100, masks[2] * 200 - 100]).astype(np.int16),
        is_ct=np.array([True, True]),
        masks=np.packbits(masks.reshape(3, -1), axis=1),
        owner=np.array([0, 0, 1]),
    )
    source = ProposedMasks(tmp_path / "proposals.npz", held_out=2)
    (case,) = source.cases(10, 0)
    assert np.array_equal(case.mask, masks[2])
    drawn = [source.draw(64, 2, np.random.default_rng(seed)) for seed in range(10)]
    assert {sample.masks.shape for sample in drawn if sample is not None} == {(2, 64, 64)}


def write(folder, text):
    path = Path(folder) / "train.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_configuration_file_describes_the_training(labeled):
    path = write(
        labeled,
        """
        output = "run"
        seed = 7
        stages = [{ size = 64, steps = 3 }]
        model = { size = 64, widths = [8, 8, 16, 16], dim = 64, heads = 4 }
        [synthetic]
        share = 2
        [[images]]
        image = "image.nii.gz"
        labels = "labels.nii.gz"
        modality = "ct"
        """,
    )
    read = read_config(path)
    assert read.output == labeled / "run"
    assert read.steps == 3
    assert read.seed == 7
    assert read.shares == [2.0, 1.0]
    assert read.model.widths == (8, 8, 16, 16)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("output = ", "TOML"),
        ("output = 'x'\nstages = [{size = 64, steps = 1}]\nlearning = 3\n[synthetic]", "learning"),
        ("output = 'x'\nstages = [{size = 64, steps = 1}]", "images"),
        ("output = 'x'\nstages = [{size = 64, steps = 1}]\n[synthetic]\nshare = 0", "share above 0"),
        ("output = 'x'\nstages = [{size = 64}]\n[synthetic]", '"stages.steps"'),
        ("output = 'x'\nsynthetic = 3\nstages = [{size = 64, steps = 1}]", '"synthetic"'),
        ("output = 'x'\nstages = [{size = 50, steps = 1}]\n[synthetic]", "32"),
        ("stages = [{size = 64, steps = 1}]\n[synthetic]", "output"),
        (
            "output = 'x'\nstages = [{size = 64, steps = 1}]\n[[images]]\nimage='no.nii'\nlabels='a'\nmodality='ct'",
            "no.nii",
        ),
        ("output = 'x'\nstages = [{size = 64, steps = 1}]\n[[proposals]]\nfile='no.npz'", "no.npz"),
    ],
)
def test_a_configuration_that_cannot_be_used_gives_one_sentence(tmp_path, text, complaint):
    with pytest.raises(InputError) as error:
        read_config(write(tmp_path, text))
    assert complaint in str(error.value)


def test_label_maps_of_another_grid_are_refused(labeled):
    sitk.WriteImage(sitk.Image(5, 5, 5, sitk.sitkUInt8), str(labeled / "small.nii.gz"))
    with pytest.raises(InputError, match="grid"):
        LabeledVolume(labeled / "image.nii.gz", labeled / "small.nii.gz", "mr")


def test_the_command_trains_and_reports(tmp_path, capsys):
    from SAMRegistrationLib.cli.train_sam import run

    path = write(
        tmp_path,
        """
        output = "run"
        stages = [{ size = 32, steps = 2 }]
        model = { size = 64, widths = [8, 8, 16, 16], dim = 64, heads = 4, mlp = 32 }
        pictures = 1
        masks = 1
        validation = 1
        [synthetic]
        """,
    )

    class Options:
        config, resume, quiet, json = str(path), False, False, True

    run(Options)
    printed = json.loads(capsys.readouterr().out)
    assert Path(printed["weights"]).is_file()
    assert printed["history"][-1]["step"] == 2
    assert 0 <= printed["history"][-1]["dice_5"] <= 1
