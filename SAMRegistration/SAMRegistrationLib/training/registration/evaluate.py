"""Evaluation on the pairs of a data list, one row of numbers per method, as in the tables of papers."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ...errors import InputError
from ...files import PathLike, require_writable_folder
from ...geometry.grid import Grid
from ...job import Job
from ...metrics import compare_labels, deformation_statistics, jacobian_image, target_registration_errors
from ...registration import RegistrationOptions, register
from ...volumes import NamedMask, StructureMasks
from ..random_stream import RandomStream
from ..settings import read_settings
from ..threads import limit_threads
from .check import check_data_list, read_image, read_label_volume, read_landmarks
from .datalist import SPLITS, Case, DataList, read_data_list
from .degrade import Degradation, degrade_masks
from .memory import PeakMemory
from .tables import Measurement, write_tables

METHODS = ("initial", "affine", "refinement", "network", "network + refinement")


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated.

    Attributes:
        list: data list.
        output: folder of the tables.
        split: whose pairs.
        pairs: at most this many, the first of the split; 0 takes all.
        methods: out of METHODS.
        masks: "without", "with" or both: whether the masks guide the registration.
        mask_dice: Dice of the masks that are shown and those of the list, which get random errors; 1: as they are.
        seed: of these errors.
        weights: of the network; none: those that ship.
        preset: of the registration.
        levels: (shrink factor, steps) of the refinement; none: those of the preset.
        levels_after_network: the same for "network + refinement"; none: as `levels`.
        threads: of torch and SimpleITK; 0 leaves them.
    """

    list: Path
    output: Path
    split: str = "test"
    pairs: int = 0
    methods: Tuple[str, ...] = METHODS
    masks: Tuple[str, ...] = ("without", "with")
    mask_dice: float = 1.0
    seed: int = 0
    weights: Optional[Path] = None
    preset: str = "balanced"
    levels: Tuple[Tuple[int, int], ...] = ()
    levels_after_network: Tuple[Tuple[int, int], ...] = ()
    threads: int = 0


def read_evaluation(path: PathLike) -> Evaluation:
    """Read an evaluation's TOML file.

    Raises:
        InputError: the file or an entry cannot be used; the sentence names both.
    """
    evaluation = read_settings(path, Evaluation)
    for what, values, allowed in (
        ("method", evaluation.methods, METHODS),
        ("masks", evaluation.masks, ("without", "with")),
        ("split", (evaluation.split,), SPLITS),
    ):
        for value in values:
            if value not in allowed:
                raise InputError(f"The configuration {path} has no {what} {value!r}; choose of {', '.join(allowed)}.")
    return evaluation


def evaluate(evaluation: Evaluation, job: Optional[Job] = None) -> Dict[str, Any]:
    """Register every pair with every method, and write results.csv, table.csv and table.md.

    The affine part is found once per pair and shared by all methods; its time is reported as that of "affine". Labels
    are warped by nearest neighbor onto the fixed labels' grid; a structure counts in the pairs whose two label maps
    have it. Results are written after every pair.

    Returns:
        "rows" (header, then a row per method), "files" and "pairs" (their number).

    Raises:
        InputError, WeightsError: the data or the weights cannot be used.
        Canceled: the job was canceled; what was measured so far is on disk.
    """
    job = job or Job()
    require_writable_folder(evaluation.output)
    limit_threads(evaluation.threads)
    data = read_data_list(evaluation.list)
    pairs = data.pairs_of(evaluation.split)[: evaluation.pairs or None]
    _require_labels(evaluation, pairs)
    check_data_list(_only(data, pairs), job.part(0.0, 0.05))
    measurements: List[Measurement] = []
    for number, (fixed, moving) in enumerate(pairs):
        part = job.part(0.05 + 0.95 * number / len(pairs), 0.05 + 0.95 * (number + 1) / len(pairs))
        measurements += _Pair(evaluation, data, fixed, moving, number).measure(part)
        rows = write_tables(measurements, data, evaluation)
    files = [str(evaluation.output / name) for name in ("table.md", "table.csv", "results.csv")]
    return {"rows": rows, "files": files, "pairs": len(pairs)}


class _Pair:
    """One pair, read once, registered by every method."""

    def __init__(self, evaluation: Evaluation, data: DataList, fixed: Case, moving: Case, number: int):
        self.evaluation, self.data, self.cases, self.number = evaluation, data, (fixed, moving), number
        self.images = [read_image(case.image, case) for case in self.cases]
        self.labels = [read_label_volume(case.labels, case, data) for case in self.cases]
        self.shared = set(self.labels[0].labels) & set(self.labels[1].labels)
        if not self.shared:
            raise InputError(f'Cases "{fixed.id}" and "{moving.id}" of {data.name} have no structure in common.')
        self.masks = [self._guidance(case, side) for side, case in enumerate(self.cases)]
        self.linear: Dict[bool, sitk.Transform] = {}

    def measure(self, job: Job) -> List[Measurement]:
        """All methods, first without, then with masks; "initial" once."""
        runs = [(method, masks == "with") for masks in self.evaluation.masks for method in self.evaluation.methods]
        runs = [run for index, run in enumerate(runs) if run[0] != "initial" or index < len(self.evaluation.methods)]
        found = []
        for index, (method, guided) in enumerate(runs):
            name = " on ".join(case.id for case in self.cases[::-1])
            job.update(index / len(runs), f"{name}: {method}{', masks' if guided else ''}")
            found.append(self._measure(method, guided and method != "initial", job.part(index / len(runs), 1.0)))
        return found

    def _measure(self, method: str, guided: bool, job: Job) -> Measurement:
        job.check()
        with PeakMemory() as memory:
            start = time.perf_counter()
            transform = self._transform(method, guided, job)
            seconds = time.perf_counter() - start
        scores = compare_labels(self.labels[0], self.labels[1].warped(transform, self.labels[0].grid))
        scores = [score for score in scores if score.label in self.shared]
        regularity = deformation_statistics(jacobian_image(transform, Grid.of(self.images[0])))
        return Measurement(
            method=method,
            guided=guided,
            fixed=self.cases[0].id,
            moving=self.cases[1].id,
            scores=scores,
            landmark_errors=self._landmark_errors(transform),
            regularity=regularity,
            seconds=seconds,
            peak_mb=memory.peak_mb,
        )

    def _transform(self, method: str, guided: bool, job: Job) -> sitk.Transform:
        if method == "initial":
            return sitk.Transform(3, sitk.sitkIdentity)
        masks = self.masks if guided else (None, None)
        result = register(
            *self.images, *masks, options=self._options(method, guided), job=Job(None, lambda: job.canceled)
        )
        self.linear.setdefault(guided, result.linear)
        return result.transform

    def _options(self, method: str, guided: bool) -> RegistrationOptions:
        evaluation = self.evaluation
        options = RegistrationOptions.preset(
            evaluation.preset,
            use_network=method.startswith("network"),
            use_refinement=method.endswith("refinement"),
            weights=str(evaluation.weights) if evaluation.weights else None,
            initial_transform=self.linear.get(guided) if method != "affine" else None,
        )
        levels = evaluation.levels_after_network if method.startswith("network") else ()
        levels = levels or evaluation.levels
        return replace(options, refinement=replace(options.refinement, levels=levels)) if levels else options

    def _guidance(self, case: Case, side: int) -> StructureMasks:
        masks = read_label_volume(case.guidance, case, self.data)
        wanted = self.evaluation.mask_dice
        if wanted >= 1:
            return masks
        channels = torch.from_numpy(np.stack([masks.inside(label) for label in masks.labels])[None].astype(np.float32))
        errors = Degradation(missing=0.0, lowest=wanted, highest=wanted)
        worse = degrade_masks(channels, errors, RandomStream(self.evaluation.seed, self.number, side))
        degraded = (
            NamedMask(structure.label, structure.name, channel > 0.5)
            for structure, channel in zip(masks.structures, worse[0].numpy())
        )
        return StructureMasks.of_masks(degraded, masks.grid)

    def _landmark_errors(self, transform: sitk.Transform) -> Optional[np.ndarray]:
        if not all(case.landmarks for case in self.cases):
            return None
        points = [read_landmarks(case.landmarks, case) for case in self.cases]
        if len(points[0]) != len(points[1]):
            names = " and ".join(f"{len(p)} of {case.landmarks}" for p, case in zip(points, self.cases))
            raise InputError(f"A pair needs as many fixed as moving landmarks, not {names}.")
        return target_registration_errors(*points, transform)


def _require_labels(evaluation: Evaluation, pairs) -> None:
    if not pairs:
        raise InputError(f"The data list {evaluation.list} has no pairs of the split {evaluation.split}.")
    for case in {case.id: case for pair in pairs for case in pair}.values():
        if case.labels is None:
            raise InputError(f'Case "{case.id}" of the data list {evaluation.list} has no labels to evaluate with.')


def _only(data: DataList, pairs) -> DataList:
    """The list with the cases of `pairs`, and those of the other splits to compare them with."""
    used = {case.id for pair in pairs for case in pair}
    split = pairs[0][0].split
    return replace(data, cases=tuple(case for case in data.cases if case.id in used or case.split != split))
