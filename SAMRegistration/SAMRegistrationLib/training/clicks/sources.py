"""Where training pictures come from: labeled volumes, proposed masks, and synthetic slices."""

from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...files import PathLike
from ...volumes import read_image
from .sample import CT_WINDOWS, Sample, augment_appearance, deformed, jittered_window
from .synthetic import synthetic_slice

SMALLEST = 40
SYNTHETIC_SIZE = 192


class Case(NamedTuple):
    """A slice and one structure in it, for evaluation.

    Attributes:
        image: (H, W) float32 in [0, 1].
        pixel_size: height and width of a pixel in mm.
        mask: (H, W) bool.
        structure: its name in tables.
    """

    image: np.ndarray
    pixel_size: Tuple[float, float]
    mask: np.ndarray
    structure: str


class SyntheticSource:
    """Synthetic slices, in any number."""

    def draw(self, size: int, masks: int, rng: np.random.Generator) -> Optional[Sample]:
        image, structures = synthetic_slice(max(size, SYNTHETIC_SIZE), rng)
        return picture(image, structures, (1.0, 1.0), size, masks, rng)

    def cases(self, count: int, seed: int) -> List[Case]:
        """A fixed set of evaluation cases."""
        cases = []
        for k in range(count):
            rng = np.random.default_rng([seed, k])
            sample = None
            while sample is None:
                sample = self.draw(256, 1, rng)
            cases.append(Case(sample.image[0].numpy(), (1.0, 1.0), sample.masks[0].numpy() > 0.5, "synthetic"))
        return cases


class LabeledVolume:
    """Slices of a volume with a label map, along all three axes.

    Args:
        image, labels: files of one grid.
        modality: "ct" (random windows in HU) or "mr" (random percentiles).
        held_out: fraction of the slices along the last axis (the axial slices on top) kept for validation.

    Raises:
        InputError: a file cannot be read, or the two do not lie on one grid.
    """

    def __init__(self, image: PathLike, labels: PathLike, modality: str, held_out: float = 0.0):
        if modality not in ("ct", "mr"):
            raise InputError(f"Unknown modality '{modality}' of {image}; use ct or mr.")
        volume, label = oriented_image(image), oriented_image(labels)
        if volume.GetSize() != label.GetSize():
            raise InputError(f"{labels} has another grid than {image}; resample one of them first.")
        self._modality = modality
        self._name = Path(image).name.split(".")[0]
        self._spacing = volume.GetSpacing()[::-1]
        array = sitk.GetArrayFromImage(volume).astype(np.float32)
        label = sitk.GetArrayFromImage(label).astype(np.int32)
        self._percentiles = np.percentile(array, np.linspace(0, 100, 201))
        cut = len(array) - round(held_out * len(array))
        self._array, self._label = array[:cut], label[:cut]
        self._held_array, self._held_label = array[cut:], label[cut:]
        self._planes = _labeled_planes(self._label)
        if not self._planes:
            raise InputError(f"{labels} holds no structure of {SMALLEST} pixels in any slice; nothing can be learned.")

    def draw(self, size: int, masks: int, rng: np.random.Generator) -> Optional[Sample]:
        axis, index = self._planes[rng.integers(len(self._planes))]
        label = np.take(self._label, index, axis)
        structures = [label == value for value in np.unique(label[label > 0])]
        pixel = tuple(mm for k, mm in enumerate(self._spacing) if k != axis)
        return picture(self._windowed(np.take(self._array, index, axis), rng), structures, pixel, size, masks, rng)

    def cases(self, count: int, seed: int) -> List[Case]:
        """Evaluation cases of the held-out axial slices, spread over structures and slices."""
        found = [
            Case(self._windowed(image), self._spacing[1:], label == value, f"{self._name} {value}")
            for image, label in zip(self._held_array, self._held_label)
            for value in np.unique(label[label > 0])
            if (label == value).sum() >= 2 * SMALLEST
        ]
        order = np.random.default_rng(seed).permutation(len(found))[:count]
        return [found[k] for k in order]

    def _windowed(self, image, rng=None):
        if self._modality == "ct":
            low, high = CT_WINDOWS[0] if rng is None else CT_WINDOWS[rng.integers(len(CT_WINDOWS))]
        else:
            below, above = (0.5, 99.5) if rng is None else (rng.uniform(0, 2), rng.uniform(98, 100))
            low, high = np.interp([below, above], np.linspace(0, 100, 201), self._percentiles)
        return jittered_window(image, low, high, rng)


class ProposedMasks:
    """Slices with masks that a teacher proposed (see `proposals.py`).

    Args:
        path: .npz file of slices and masks.
        held_out: every how-many-th slice is kept for validation; 0 keeps none.

    Raises:
        InputError: the file cannot be read.
    """

    def __init__(self, path: PathLike, held_out: int = 0):
        try:
            with np.load(path, allow_pickle=False) as file:
                self._images, self._is_ct = file["images"], file["is_ct"]
                self._masks, self._owner = file["masks"], file["owner"]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path} cannot be read as a file of proposed masks.") from error
        owners = np.unique(self._owner)
        held = owners % held_out == held_out - 1 if held_out else np.zeros(len(owners), bool)
        self._training, self._held = owners[~held], owners[held]

    def draw(self, size: int, masks: int, rng: np.random.Generator) -> Optional[Sample]:
        number = rng.choice(self._training)
        return picture(self._windowed(number, rng), self._structures(number), (1.0, 1.0), size, masks, rng)

    def cases(self, count: int, seed: int) -> List[Case]:
        """Evaluation cases of the held-out slices."""
        found = [
            Case(self._windowed(number), (1.0, 1.0), mask, "proposed")
            for number in self._held
            for mask in self._structures(number)
        ]
        order = np.random.default_rng(seed).permutation(len(found))[:count]
        return [found[k] for k in order]

    def _structures(self, number):
        packed = self._masks[self._owner == number]
        shape = self._images.shape[1:]
        return np.unpackbits(packed, axis=1, count=shape[0] * shape[1]).reshape(-1, *shape).astype(bool)

    def _windowed(self, number, rng=None):
        windows = CT_WINDOWS if self._is_ct[number] else ((0, 1000),)
        low, high = windows[0 if rng is None else rng.integers(len(windows))]
        return jittered_window(self._images[number].astype(np.float32), low, high, rng)


def picture(
    image: np.ndarray,
    structures: Sequence[np.ndarray],
    pixel_size: Tuple[float, float],
    size: int,
    masks: int,
    rng: np.random.Generator,
) -> Optional[Sample]:
    """A random picture with `masks` of the structures, repeated when there are fewer; None when none is visible."""
    if not len(structures):
        return None
    chosen = [structures[k] for k in rng.permutation(len(structures))[: 2 * masks]]
    chosen = [_one_part(mask, rng) if rng.random() < 0.7 else mask for mask in chosen]
    sample = deformed(image, np.array(chosen, np.float32), pixel_size, size, rng)
    areas = (sample.masks > 0.5).sum((-2, -1)) * (256 / size) ** 2
    visible = sample.masks[(areas >= 2 * SMALLEST) & (areas < 0.7 * 256**2)][:masks]
    if not len(visible):
        return None
    repeated = visible[np.arange(masks) % len(visible)]
    return Sample(augment_appearance(sample.image, rng), repeated)


def oriented_image(path: PathLike) -> sitk.Image:
    """A 3D image in the type of its file, its axes near to left-posterior-superior.

    Raises:
        InputError: the file cannot be read or is not a volume.
    """
    return sitk.DICOMOrient(read_image(path), "LPS")


def _labeled_planes(label):
    planes = []
    for axis in range(3):
        others = tuple(k for k in range(3) if k != axis)
        if min(label.shape[k] for k in others) >= 32:
            planes += [(axis, int(index)) for index in np.flatnonzero((label > 0).sum(others) >= 2 * SMALLEST)]
    return planes


def _one_part(mask, rng):
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(mask.astype(np.uint8))))
    sizes = np.bincount(parts.ravel())[1:]
    big = np.flatnonzero(sizes >= SMALLEST) + 1
    return parts == rng.choice(big) if len(big) else mask
