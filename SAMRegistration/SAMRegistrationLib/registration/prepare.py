"""What is known of a pair before it is aligned: modalities, and intensities in [0, 1]."""

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
import SimpleITK as sitk

from ..choices import AUTO
from ..geometry.grid import Grid
from ..job import Job
from ..losses.similarity import default_similarity
from ..volumes import NAMES, guess_modality, holds_hounsfield_units, normalize, pair_windows
from .options import RegistrationOptions

SIDES = ("fixed", "moving")
QUANTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
ALIKE = 0.1  # of the range of intensities: quantiles that differ by less are those of one scale
STRANGE_RATIO = 50.0  # of the diagonals of both volumes


@dataclass(frozen=True)
class Prepared:
    """Both volumes, the fixed one first.

    Attributes:
        modalities: "ct", "mr" or "other", as said or guessed.
        similarity: a name of :data:`..losses.similarity.SIMILARITIES`.
        units: float volumes with intensities in [0, 1].
        notes: a sentence for what was guessed where both sides differ, for values that contradict what was said, and
            for NaN.
        same_scale: whether the same tissue has the same intensity in both, as in two phases of one examination: volumes
            on the same grid whose intensities are distributed alike. CTs do not count: their scale is always the same,
            whoever is shown, and a share of what differs between persons is intensity.
    """

    modalities: List[str]
    similarity: str
    units: List[sitk.Image]
    notes: List[str]
    same_scale: bool = False

    @property
    def within_a_modality(self) -> bool:
        """Whether both volumes are of the same kind."""
        return self.modalities[0] == self.modalities[1]


def prepare(fixed: sitk.Image, moving: sitk.Image, options: RegistrationOptions, job: Job) -> Prepared:
    """Tell what both volumes are, and scale them.

    Raises:
        Canceled: through `job`.
    """
    images = [fixed, moving]
    said = [options.fixed_modality, options.moving_modality]
    modalities = [name or guess_modality(image) for name, image in zip(said, images)]
    similarity = options.similarity
    if similarity == AUTO:
        similarity = default_similarity(modalities[0] == modalities[1])
    notes = _on_sizes(images) + _on_kinds(modalities, said, options)
    for side, image, name in zip(SIDES, images, said):
        notes += _on_values(side, image, name)
    job.check()
    units = []
    for image, modality, window in zip(images, modalities, pair_windows(images, modalities)):
        units.append(normalize(image, modality, window))
        job.check()
    return Prepared(modalities, similarity, units, notes, _same_scale(images, modalities))


def _same_scale(images: List[sitk.Image], modalities: List[str]) -> bool:
    if "ct" in modalities or modalities[0] != modalities[1] or not Grid.of(images[0]).matches(Grid.of(images[1])):
        return False
    fixed, moving = (np.nanpercentile(sitk.GetArrayViewFromImage(image), QUANTILES) for image in images)
    return bool(np.abs(fixed - moving).max() <= ALIKE * max(np.ptp(fixed), np.ptp(moving)))


def _on_sizes(images: List[sitk.Image]) -> List[str]:
    fixed, moving = (np.linalg.norm(np.multiply(image.GetSize(), image.GetSpacing())) for image in images)
    ratio = max(fixed, moving) / min(fixed, moving)
    if ratio < STRANGE_RATIO:
        return []
    larger, smaller = SIDES if fixed > moving else SIDES[::-1]
    return [f"The {larger} volume is {ratio:.0f} times as long as the {smaller} one; check the unit of their spacing."]


def _on_kinds(modalities, said, options: RegistrationOptions) -> List[str]:
    if modalities[0] == modalities[1] or None not in said:
        return []
    kinds = [f"the {side} volume was {verb} {NAMES[kind]}" for side, kind, verb in zip(SIDES, modalities, _verbs(said))]
    follows = []
    if options.similarity == AUTO:
        follows.append("they are compared across modalities (MIND)")
    if options.use_network and not options.weights:
        follows.append("the network does not predict")
    text = " and ".join(kinds) + (", so " if follows else "") + " and ".join(follows)
    ways_out = "say what they are (--fixed-modality and --moving-modality, or the boxes beside the volumes)"
    return [f"By their values {text}; if that is wrong, {ways_out}."]


def _verbs(said) -> Tuple[str, str]:
    return tuple("taken for" if name is None else "called" for name in said)


def _on_values(side: str, image: sitk.Image, said) -> List[str]:
    array, notes = sitk.GetArrayViewFromImage(image), []
    if array.dtype.kind == "f" and np.isnan(array).any():
        share = 100 * np.count_nonzero(np.isnan(array)) / array.size
        notes.append(f"{share:.2g} % of the {side} volume's voxels are NaN and were taken as background.")
    if said == "ct" and not holds_hounsfield_units(image):
        low, high = np.nanmin(array), np.nanmax(array)
        notes.append(
            f"The {side} volume is called CT, but its values ({low:.4g} to {high:.4g}) are no Hounsfield units, so "
            "they were scaled by percentiles; if it is a CT, its rescale slope and intercept are missing."
        )
    if said in ("mr", "other") and guess_modality(image) == "ct":
        notes.append(f"The {side} volume is called {NAMES[said]}, but its values look like Hounsfield units of a CT.")
    return notes
