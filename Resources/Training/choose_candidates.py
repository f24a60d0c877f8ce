"""Train the head by which the built-in click model chooses among the candidates of a first click.

    python choose_candidates.py DATA OUTPUT.safetensors

DATA holds ``scd-lv-crops`` (CC0) and ``msd-hippocampus`` (CC BY-SA 4.0), which no other weight of the model was trained
on; synthetic slices with seeds of their own are added. Patients 28 to 39 of the crops and hippocampi from number 120 on
are left out, to choose on. All other weights stay as they are.
"""

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from SAMRegistrationLib.segmentation.compact.model import load_compact_sam, save_compact_sam
from SAMRegistrationLib.segmentation.compact.predictor import BUILT_IN_WEIGHTS
from SAMRegistrationLib.segmentation.regions import depth
from SAMRegistrationLib.training.clicks.choice import Judged, judge, with_choice, without_choice
from SAMRegistrationLib.training.clicks.click_simulation import first_click
from SAMRegistrationLib.training.clicks.sources import Case, picture
from SAMRegistrationLib.training.clicks.synthetic import synthetic_slice
from torch.nn import functional as F

CLICKS = 4
SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    model = load_compact_sam(BUILT_IN_WEIGHTS)
    without_choice(model)
    sources = []
    for name, cases in (
        ("left ventricles", ventricles(options.data / "scd-lv-crops" / "crops.npz")),
        ("hippocampi", hippocampi(options.data / "msd-hippocampus")),
        ("synthetic slices", synthetic(60)),
    ):
        judged = [judge(model, case, clicks(case.mask, number)) for number, case in enumerate(cases)]
        sources.append(Judged(*(torch.cat(part) for part in zip(*judged))))
        print(f"{name}: {len(judged)} structures, {len(sources[-1].dice)} clicks", flush=True)
    save_compact_sam(with_choice(model, sources), options.output)


def clicks(mask, number):
    """The deepest place, and random ones at 0.2 to 0.9 of its depth or more."""
    found, distance = [first_click(mask)], depth(mask)
    for k in range(1, CLICKS):
        rng = np.random.default_rng([k, number])
        least = max(min(2.0, distance.max()), rng.uniform(0.2, 0.9) * distance.max())
        row, column = rng.choice(np.argwhere(distance >= least))
        found.append((float(column), float(row), 1))
    return found


def ventricles(path):
    """Every fourth crop of patients 0 to 27: cavity, ring, and both; with mirrored surroundings in two thirds."""
    with np.load(path, allow_pickle=False) as file:
        images, rings, patients = file["images"], file["myocardium"], file["case"]
    for index in np.flatnonzero(patients < 28)[::4]:
        ring = rings[index] > 0
        if ring.sum() < 20:
            continue
        pad = int(np.random.default_rng([1, index]).choice([0, 24, 63]))
        filled = sitk.GetArrayFromImage(sitk.BinaryFillhole(sitk.GetImageFromArray(ring.astype(np.uint8)))) > 0
        masks = [np.pad(mask, pad).astype(np.float32) for mask in (filled & ~ring, ring, filled)]
        stack = np.stack([np.pad(unit(images[index]), pad, mode="reflect"), *masks])
        large = F.interpolate(torch.from_numpy(stack)[None], (SIDE, SIDE), mode="bicubic", align_corners=False)
        image, *masks = large[0].numpy()
        for mask in masks:
            if (mask > 0.5).sum() >= 40:
                yield Case(np.clip(image, 0, 1), (1.0, 1.0), mask > 0.5, "left ventricle")


def hippocampi(folder):
    """One slice of every third of the first 120 cases: both parts and the whole, surroundings mirrored in a third."""
    for index, path in enumerate(sorted((folder / "images").glob("*.nii.gz"))[:120:3]):
        rng = np.random.default_rng([2, 3 * index])
        volume = unit(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "labels" / path.name)))
        axis = int(rng.integers(3))
        others = tuple(other for other in range(3) if other != axis)
        place = rng.choice(np.flatnonzero((labels > 0).sum(others) >= 40))
        pad = int(rng.choice([0, 0, 20]))
        image, label = (np.pad(np.take(v, place, axis), pad, mode="reflect") for v in (volume, labels))
        inside = np.zeros(label.shape, bool)
        inside[pad : label.shape[0] - pad, pad : label.shape[1] - pad] = True
        for mask in _distinct([label == 1, label == 2, label > 0]):
            if (mask & inside).sum() >= 30:
                yield Case(image, (1.0, 1.0), mask & inside, "hippocampus")


def synthetic(count):
    """Up to four structures of each synthetic slice."""
    for index in range(count):
        rng, sample = np.random.default_rng([2001, index]), None
        while sample is None:
            image, structures = synthetic_slice(SIDE, rng)
            sample = picture(image, structures, (1.0, 1.0), SIDE, 4, rng)
        for mask in _distinct(list(sample.masks.numpy() > 0.5)):
            yield Case(sample.image[0].numpy(), (1.0, 1.0), mask, "synthetic")


def unit(image):
    """Intensities between their 0.5 and 99.5 percentiles as float32 in [0, 1]."""
    low, high = np.percentile(image, (0.5, 99.5))
    return np.clip((image.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _distinct(masks):
    return [mask for n, mask in enumerate(masks) if not any(np.array_equal(mask, other) for other in masks[:n])]


if __name__ == "__main__":
    main()
