"""The two brains of the demonstration, as images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional

import numpy as np
import SimpleITK as sitk
from fetch import FetchError, cache_folder, fetch

GRAY, WHITE = 1, 2
TISSUES = {GRAY: "gray matter", WHITE: "white matter"}


@dataclass(frozen=True)
class Subjects:
    """A fixed and a moving brain.

    Attributes:
        fixed, moving: T1 images.
        fixed_tissues, moving_tissues: gray and white matter, only measured, never shown to the registration.
        atlas, atlas_names: regions drawn in the moving brain, to be carried over; None for the simulated one.
        description: what the moving brain is.
    """

    fixed: sitk.Image
    moving: sitk.Image
    fixed_tissues: sitk.Image
    moving_tissues: sitk.Image
    atlas: Optional[sitk.Image]
    atlas_names: Dict[int, str]
    description: str


def load(say: Callable[[str], None] = print) -> Subjects:
    """The real pair; with a simulated second subject, and saying so, where the real one is not to be had.

    Raises:
        FetchError: not even the fixed brain can be fetched.
    """
    folder = cache_folder()
    files = fetch("fixed", folder, say)
    fixed = sitk.ReadImage(str(files["icbm152_t1.nii.gz"]), sitk.sitkFloat32)
    gray, white = (sitk.ReadImage(str(files[f"icbm152_{name}.nii.gz"]), sitk.sitkFloat32) for name in ("gm", "wm"))
    tissues = sitk.Cast((gray > 127) * GRAY + (white > 127) * WHITE, sitk.sitkInt32)
    try:
        files = fetch("moving", folder, say)
    except FetchError as error:
        say(f"The second brain cannot be fetched ({error})")
        say("A second subject is SIMULATED from the first one instead: these results are not about two real brains.")
        return _simulated(fixed, tissues)
    moving = sitk.ReadImage(str(files["colin27_t1.nii.gz"]), sitk.sitkFloat32)
    atlas = sitk.ReadImage(str(files["colin27_aal.nii.gz"]), sitk.sitkInt32)
    names = _atlas_names(files["colin27_aal.txt"])
    return Subjects(fixed, moving, tissues, _tissues_of(moving), atlas, names, "Colin27, a real second brain")


def _atlas_names(file: Path) -> Dict[int, str]:
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {int(line[0]): line[1].replace("_", " ") for line in lines}


def _tissues_of(brain: sitk.Image) -> sitk.Image:
    """Gray and white matter by Otsu's thresholds of the brain's own intensities (three classes: fluid, gray, white)."""
    method = sitk.OtsuMultipleThresholdsImageFilter()
    method.SetNumberOfThresholds(3)
    classes = method.Execute(brain)  # background, fluid, gray, white
    return sitk.Cast((classes == 2) * GRAY + (classes == 3) * WHITE, sitk.sitkInt32)


def _simulated(fixed: sitk.Image, tissues: sitk.Image, seed: int = 7) -> Subjects:
    generator = np.random.default_rng(seed)
    bend = sitk.BSplineTransformInitializer(fixed, [5, 6, 5], 3)
    bend.SetParameters(generator.normal(0, 6, len(bend.GetParameters())).tolist())
    turn = sitk.Euler3DTransform(fixed.TransformContinuousIndexToPhysicalPoint([n / 2 for n in fixed.GetSize()]))
    turn.SetRotation(0.12, -0.08, 0.15)
    turn.SetTranslation((6.0, -9.0, 4.0))
    transform = sitk.CompositeTransform([bend, turn])
    moving = sitk.GetArrayFromImage(sitk.Resample(fixed, fixed, transform, sitk.sitkLinear))
    moving = 255 * (moving / 255) ** 1.3 + generator.normal(0, 4, moving.shape) * (moving > 0)
    image = sitk.GetImageFromArray(moving.astype(np.float32))
    image.CopyInformation(fixed)
    moved_tissues = sitk.Resample(tissues, fixed, transform, sitk.sitkNearestNeighbor)
    return Subjects(fixed, image, tissues, moved_tissues, None, {}, "SIMULATED from the first brain")
