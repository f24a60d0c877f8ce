"""``register --fixed-prompts`` from clicks in files to the deformation, with the built-in model."""

import json
from typing import NamedTuple

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from phantoms import affine_and_waves, oblique_grid, voxel_centers
from SAMRegistrationLib.choices import CLICKED_TOLERANCE
from SAMRegistrationLib.cli import main
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.registration import prompted
from SAMRegistrationLib.segmentation.compact.predictor import CompactPredictor
from SAMRegistrationLib.segmentation.prompts import POSITIVE, Prompt, PromptSet, Structure
from segmentation_samples import dice

FIXED = oblique_grid((42, 38, 11), (1.4, 1.5, 5.0))
MOVING = oblique_grid((38, 42, 12), (1.5, 1.4, 4.6), (0.5, -0.2, 0.6), FIXED.origin)
MAPPING = affine_and_waves(FIXED.center)


class Ellipsoid(NamedTuple):
    """A structure around the middle of the fixed volume, in mm along the world's axes."""

    name: str
    offset: tuple
    radii: tuple
    intensity: float

    @property
    def center(self):
        return FIXED.center + np.array(self.offset)

    def holds(self, points):
        return (((points - self.center) / self.radii) ** 2).sum(-1) < 1


STRUCTURES = (Ellipsoid("bright", (-9, 3, 2), (10, 13, 11), 190.0), Ellipsoid("dark", (13, -3, -2), (8, 9, 10), 40.0))
BODY = Ellipsoid("body", (0, 0, 0), (29, 26, 24), 110.0)


def volumes(grid, mapping=lambda points: points):
    """Image and label image of what lies at mapping(point), with noise."""
    points = mapping(voxel_centers(grid))
    image, labels = np.where(BODY.holds(points), BODY.intensity, 0.0), np.zeros(len(points), np.uint8)
    for number, structure in enumerate(STRUCTURES, 1):
        image[structure.holds(points)], labels[structure.holds(points)] = structure.intensity, number
    image += np.random.default_rng(3).normal(0, 3, len(points))
    return grid.image(image.reshape(grid.shape).astype(np.float32)), grid.image(labels.reshape(grid.shape))


def clicks(places, path):
    structures = (
        Structure(structure.name, number, prompts=(Prompt(POSITIVE, (tuple(place),)),))
        for number, (structure, place) in enumerate(zip(STRUCTURES, places), 1)
    )
    PromptSet(tuple(structures)).save(path)
    return str(path)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    for name, (image, labels) in (("fixed", volumes(FIXED)), ("moving", volumes(moving_grid(), MAPPING))):
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
        sitk.WriteImage(labels, str(folder / f"{name}_truth.nii.gz"))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def embeddings_are_kept():
    """Both volumes are the same in all tests of this file, and so are the embeddings of their slices."""
    kept, embed = {}, CompactPredictor.embed

    def once(predictor, image, pixel_size):
        key = image.tobytes(), image.shape, tuple(pixel_size)
        if key not in kept:
            kept[key] = embed(predictor, image, pixel_size)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompactPredictor, "embed", once)
        yield


def moving_grid():
    """The moving grid, its middle where the middle of the fixed one is shown."""
    origin = np.asarray(MOVING.origin) + FIXED.center - MOVING.center
    return Grid(MOVING.size, MOVING.spacing, tuple(origin), MOVING.direction)


def register(pair, *more):
    output = pair / f"output{len(list(pair.glob('output*')))}"
    files = [str(pair / "fixed.nii.gz"), str(pair / "moving.nii.gz")]
    options = ["--preset", "fast", "--no-network", "--device", "cpu", "--quiet"]
    assert main(["register", *files, "-o", str(output), *options, *more]) == 0
    return output


def overlaps(pair, transform):
    """Dice of each structure's truth, resampled by plain SimpleITK."""
    fixed, moving = (sitk.ReadImage(str(pair / f"{name}_truth.nii.gz")) for name in ("fixed", "moving"))
    warped = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, transform, sitk.sitkNearestNeighbor, 0))
    truth = sitk.GetArrayFromImage(fixed)
    return np.array([dice(warped == label, truth == label) for label in (1, 2)])


def test_one_click_a_structure_in_the_fixed_volume_alone_registers_the_pair(pair):
    prompts = clicks([structure.center for structure in STRUCTURES], pair / "fixed.json")
    output = register(pair, "--fixed-prompts", prompts)
    before = overlaps(pair, sitk.Transform(3, sitk.sitkIdentity))
    after = overlaps(pair, sitk.ReadTransform(str(output / "transform.h5")))
    assert (after > before).all()
    assert (after > 0.85).all()
    measured = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    assert measured["facts"]["mask_tolerance"] == CLICKED_TOLERANCE
    masks = [[structure["dice"] for structure in measured[when]["structures"]] for when in ("before", "after")]
    assert np.mean(masks[1]) > np.mean(masks[0])
    truth = sitk.GetArrayFromImage(sitk.ReadImage(str(pair / "fixed_truth.nii.gz")))
    warped = sitk.GetArrayFromImage(sitk.ReadImage(str(output / "warped_labels.nii.gz")))
    assert min(dice(warped == label, truth == label) for label in (1, 2)) > 0.75


def test_clicks_of_the_moving_volume_are_taken_instead(pair, monkeypatch):
    here = clicks([structure.center for structure in STRUCTURES], pair / "fixed.json")
    points = voxel_centers(moving_grid())
    shown = MAPPING(points)
    nearest = [points[np.linalg.norm(shown - structure.center, axis=1).argmin()] for structure in STRUCTURES]
    there = clicks(nearest, pair / "moving.json")
    monkeypatch.delattr(prompted, "_carried_over")
    output = register(pair, "--fixed-prompts", here, "--moving-prompts", there)
    assert (overlaps(pair, sitk.ReadTransform(str(output / "transform.h5"))) > 0.85).all()


def test_landmarks_guide_beside_clicks(pair):
    prompts = clicks([structure.center for structure in STRUCTURES], pair / "fixed.json")
    counterpart = np.add(moving_grid().center, (8.0, 0.0, 0.0))
    for name, point in (("fixed", MAPPING(counterpart[None])[0]), ("moving", counterpart)):
        (pair / f"{name}.csv").write_text("x,y,z\n" + ",".join(map(str, point)) + "\n", encoding="utf-8")
    guides = ["--fixed-guide-landmarks", str(pair / "fixed.csv"), "--moving-guide-landmarks", str(pair / "moving.csv")]
    output = register(pair, "--fixed-prompts", prompts, *guides)
    measured = json.loads((output / "metrics.json").read_text(encoding="utf-8"))
    assert measured["after"]["guiding_landmarks"]["largest_mm"] < 0.7
    assert measured["before"]["guiding_landmarks"]["largest_mm"] > 1.0


def test_true_masks_bring_both_structures_nearer_than_the_images_alone(pair):
    masks = ["--fixed-masks", str(pair / "fixed_truth.nii.gz"), "--moving-masks", str(pair / "moving_truth.nii.gz")]
    plain, guided = (
        overlaps(pair, sitk.ReadTransform(str(register(pair, *more) / "transform.h5"))) for more in ((), masks)
    )
    assert (guided > plain).all()
