"""Dice of the masks after one, two, ... simulated clicks."""

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...files import PathLike
from ...geometry.grid import Grid
from ...job import Job
from ...metrics import mask_dice
from ...segmentation.predictor import SlicePredictor
from ...volumes import read_image, read_volume
from .click_simulation import first_click, next_click
from .sources import Case


class ClickScores(NamedTuple):
    """Dice after each click.

    Attributes:
        structures: (cases,) name of the structure of each case.
        dice: (cases, clicks) Dice after 1, 2, ... clicks; a perfect mask keeps its 1.
    """

    structures: List[str]
    dice: np.ndarray

    def mean(self) -> np.ndarray:
        """Mean Dice (clicks,) over all cases."""
        return self.dice.mean(0)

    def by_structure(self) -> Dict[str, np.ndarray]:
        """Mean Dice (clicks,) of each structure, in alphabetical order."""
        names = np.array(self.structures)
        return {name: self.dice[names == name].mean(0) for name in sorted(set(self.structures))}


def volume_cases(
    image: PathLike,
    labels: PathLike,
    low: float,
    high: float,
    smallest: int = 100,
    names: Optional[Mapping[int, str]] = None,
) -> List[Case]:
    """All slices of a volume along its last axis, with each structure of at least `smallest` pixels in them.

    Args:
        image, labels: files of one grid.
        low, high: intensities that become 0 and 1.
        names: of the label values; others are called by their number.

    Raises:
        InputError: a file cannot be read, or the two do not lie on one grid.
    """
    volume, label = read_volume(image), read_image(labels)
    if not Grid.of(volume).matches(Grid.of(label)):
        raise InputError(f"{labels} has another grid than {image}; resample one of them first.")
    column, row = volume.GetSpacing()[:2]
    array, label = sitk.GetArrayFromImage(volume), sitk.GetArrayFromImage(label)
    cases = []
    for picture, values in zip(np.clip((array - low) / (high - low), 0, 1).astype(np.float32), label):
        for value in np.unique(values[values > 0]):
            if (values == value).sum() >= smallest:
                name = (names or {}).get(int(value), str(value))
                cases.append(Case(picture, (row, column), values == value, name))
    return cases


def evaluate_clicks(
    predictor: SlicePredictor, cases: Sequence[Case], clicks: int = 5, job: Optional[Job] = None
) -> ClickScores:
    """Click `clicks` times on every case: first deepest inside, then deepest in the largest error.

    Of several candidates the one with the best score that holds the click is taken, without looking at the truth.

    Raises:
        Canceled: when the user asked to stop.
    """
    job = job or Job()
    dice = np.zeros((len(cases), clicks))
    for n, case in enumerate(cases):
        job.update(n / len(cases), "clicking")
        dice[n] = _clicked(predictor, case, clicks)
    return ClickScores([case.structure for case in cases], dice)


def _clicked(predictor, case, clicks):
    embedding = predictor.embed(case.image, case.pixel_size)
    points, labels, logits = [], [], None
    scores = np.ones(clicks)
    mask = np.zeros(case.mask.shape, bool)
    for k in range(clicks):
        click = next_click(case.mask, mask) if k else first_click(case.mask)
        if click is None:
            break
        points.append(click[:2])
        labels.append(click[2])
        prediction = predictor.predict(embedding, np.array(points), np.array(labels), None, logits)
        best = _best(prediction, np.array(points, int), np.array(labels))
        mask, logits = prediction.masks[best] > 0, prediction.low_res_logits[best]
        scores[k] = mask_dice(mask, case.mask)
    return scores


def _best(prediction, points, labels):
    inside = prediction.masks[:, points[:, 1], points[:, 0]] > 0
    return int(((inside == (labels == 1)).sum(1) + 0.5 * np.clip(prediction.scores, 0, 1)).argmax())
