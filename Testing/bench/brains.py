"""The two brains of the demonstration as a pair of the benchmark, at 2 mm and at 1 mm."""

import sys
from pathlib import Path
from typing import Tuple

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "Resources" / "SampleData"))

from fetch import FetchError
from subjects import GRAY, WHITE, load


def write_brains(folder: Path) -> None:
    """Write icbm152 and colin27, `NAME-1mm.nii.gz` and so on with `NAME-1mm-tissues.nii.gz`, where they are missing.

    Raises:
        FetchError: one of the two cannot be fetched; the simulated brain of the demonstration is none to compare by.
    """
    if len(list(folder.glob("*.nii.gz"))) == 8:
        return
    subjects = load()
    if subjects.atlas is None:
        raise FetchError("the second brain is not to be had")
    folder.mkdir(parents=True, exist_ok=True)
    for name, image, tissues in (
        ("icbm152", subjects.fixed, subjects.fixed_tissues),
        ("colin27", subjects.moving, subjects.moving_tissues),
    ):
        for size, pair in (("1mm", (image, sitk.Cast(tissues, sitk.sitkUInt8))), ("2mm", halved(image, tissues))):
            for file, volume in zip((f"{name}-{size}.nii.gz", f"{name}-{size}-tissues.nii.gz"), pair):
                sitk.WriteImage(volume, str(folder / file), True)


def halved(image: sitk.Image, tissues: sitk.Image) -> Tuple[sitk.Image, sitk.Image]:
    """Means of 2 x 2 x 2 voxels, and in them the tissue, or none, that has most voxels."""
    shares = [
        sitk.GetArrayFromImage(sitk.BinShrink(sitk.Cast(tissues == value, sitk.sitkFloat32), [2] * 3))
        for value in (0, GRAY, WHITE)
    ]
    small = sitk.BinShrink(image, [2] * 3)
    labels = sitk.GetImageFromArray(np.array((0, GRAY, WHITE), np.uint8)[np.argmax(shares, axis=0)])
    labels.CopyInformation(small)
    return small, labels
