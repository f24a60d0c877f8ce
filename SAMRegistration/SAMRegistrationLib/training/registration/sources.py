"""Where training pairs come from: a data list, or the synthetic generator."""

import hashlib
import json
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ...choices import PREALIGNMENT
from ...errors import InputError
from ...files import whole_file
from ...geometry.dense import integrate, warp
from ...geometry.grid import Grid
from ...job import Job
from ...losses.contours import ContourSet
from ...registration.mask_channels import shared_structures
from ...registration.prealign import prealign
from ...registration.working import on_grid, working_grid
from ...volumes import guess_modality, normalize
from ..random_stream import RandomStream
from .check import check_data_list, read_image, read_label_volume
from .config import TrainingConfig
from .datalist import Case, DataList, read_data_list
from .deformation import STEPS, DeformationRange, random_velocity
from .degrade import degrade_masks
from .pair import TrainingPair
from .synthetic import SyntheticPairs
from .workers import Workers

Contours = Tuple[Optional[ContourSet], Optional[ContourSet]]


def training_pairs(config: TrainingConfig, job: Job, workers: Workers):
    """What has a pair for every index: synthetic pairs, or those of the configured data list, checked and prepared.

    Raises:
        InputError: the data list cannot be trained on.
    """
    if config.data.list is None:
        return SyntheticPairs(config.synthetic, config.seed)
    data = read_data_list(config.data.list)
    if workers.first:
        check_data_list(data, job.part(0.0, 0.3))
    pairs = ListPairs(data, config)
    if workers.first:
        pairs.prepare(job.part(0.3, 1.0))
    workers.wait()
    return pairs


class ListPairs:
    """Training pairs of a data list, affine-aligned onto the fixed volume's grid as the registration does it.

    Pair i is one of the list's training pairs and draws its masks from (seed, i). Prepared pairs are kept in a folder:
    the configured cache, or one in the output.
    """

    def __init__(self, data: DataList, config: TrainingConfig):
        self._data, self._config = data, config
        pairs = data.pairs_of("train")
        if not pairs:
            raise InputError(f"The data list {config.data.list} has no training pairs.")
        if config.data.pairs:
            order = np.random.default_rng(config.seed).permutation(len(pairs))
            pairs = [pairs[index] for index in order[: config.data.pairs]]
        self._pairs: List[Tuple[Case, Case]] = pairs
        self._known_contours: Dict[str, Contours] = {}
        self._folder = config.data.cache or config.output / "pairs"

    def __getitem__(self, index: int) -> TrainingPair:
        stream = RandomStream(self._config.seed, index)
        fixed, moving = stream.choice(self._pairs)
        tensors = {name: tensor.float() for name, tensor in self._prepared(fixed, moving).items()}
        spacing = tuple(tensors.pop("spacing").tolist())
        contours = self._contours(fixed, moving, tensors, spacing)
        if self._config.data.deformation.strength:
            tensors, contours = _deformed(tensors, contours, spacing, self._config.data.deformation, stream)
        masks: Tuple[Optional[torch.Tensor], Optional[torch.Tensor]] = (None, None)
        if "fixed_masks" in tensors and stream.happens(self._config.data.masks):
            masks = tuple(
                degrade_masks((tensors[name] > 0.5).float(), self._config.data.degradation, stream)
                for name in ("fixed_masks", "moving_masks")
            )
        images = [tensors[name].clamp(min=0) ** stream.uniform(0.8, 1.25) for name in ("fixed", "moving")]
        labels = [tensors.get(name) for name in ("fixed_labels", "moving_labels")]
        return TrainingPair(
            *images, *labels, *masks, spacing=spacing, fixed_contours=contours[0], moving_contours=contours[1]
        )

    def prepare(self, job: Job) -> None:
        """Align and store every pair that is not stored yet."""
        for number, (fixed, moving) in enumerate(self._pairs):
            job.update(number / len(self._pairs), f"prepare {moving.id} on {fixed.id}")
            self._prepared(fixed, moving)

    def _prepared(self, fixed: Case, moving: Case) -> Dict[str, torch.Tensor]:
        path = self._folder / f"{self._key(fixed, moving)}.safetensors"
        if path.exists():
            try:
                return load_file(path)
            except SafetensorError as error:
                raise InputError(f"The prepared pair {path} is damaged; remove it and start again.") from error
        options = self._config.data
        tensors = prepare_pair(self._data, fixed, moving, options.largest_grid, options.masks > 0, options.prealignment)
        with whole_file(path) as temporary:
            save_file(tensors, temporary)
        return tensors

    def _contours(self, fixed: Case, moving: Case, tensors: Dict[str, torch.Tensor], spacing) -> Contours:
        """Contour points of the true structures, found once per pair; None where no loss asks for them."""
        if not self._config.loss.contour or "fixed_labels" not in tensors:
            return None, None
        key = f"{fixed.id} {moving.id}"
        if key not in self._known_contours:
            labels = (tensors[name][0] for name in ("fixed_labels", "moving_labels"))
            self._known_contours[key] = tuple(ContourSet.from_masks(masks, spacing) for masks in labels)
        return self._known_contours[key]

    def _key(self, fixed: Case, moving: Case) -> str:
        options = self._config.data
        stamps = [options.largest_grid, options.masks > 0, options.prealignment, sorted(self._data.structures)]
        for case in (fixed, moving):
            for path in filter(None, (case.image, case.labels, case.masks)):
                status = Path(path).stat()
                stamps.append([str(path), status.st_size, status.st_mtime_ns])
        return hashlib.sha256(json.dumps(stamps).encode()).hexdigest()[:24]


def _deformed(
    tensors: Dict[str, torch.Tensor], contours: Contours, spacing, limits: DeformationRange, stream: RandomStream
) -> Tuple[Dict[str, torch.Tensor], Contours]:
    """The pair with its moving volume, labels, masks and contours under one random deformation."""
    velocity = random_velocity(tensors["moving"].shape[2:], limits, stream)
    displacement = integrate(velocity, STEPS)
    fixed, moving = contours
    return {
        name: warp(tensor, displacement) if name.startswith("moving") else tensor for name, tensor in tensors.items()
    }, (fixed, None if moving is None else moving.moved(integrate(-velocity, STEPS), spacing))


def prepare_pair(
    data: DataList, fixed: Case, moving: Case, largest_grid: int, guided: bool = False, kind: str = PREALIGNMENT
) -> Dict[str, torch.Tensor]:
    """Both volumes of a pair on the working grid, after the affine pre-alignment, as the registration prepares them.

    Args:
        guided: the masks guide the pre-alignment, as where the registration is given them.
        kind: of pre-alignment.

    Returns:
        float16 "fixed", "moving" (1, 1, D, H, W); "spacing" (z, y, x in mm); and, where the cases have structures in
        common, "fixed_labels", "moving_labels", "fixed_masks", "moving_masks" (1, K, D, H, W).
    """
    images = [read_image(case.image, case) for case in (fixed, moving)]
    images = [normalize(image, guess_modality(image)) for image in images]
    label_maps = {
        kind: tuple(read_label_volume(path, case, data) for path, case in zip(paths, (fixed, moving)))
        for kind, paths in (("labels", (fixed.labels, moving.labels)), ("masks", (fixed.guidance, moving.guidance)))
        if None not in paths
    }
    linear = prealign(*images, *(label_maps.get("masks", ()) if guided else ()), kind=kind).transform
    grid = working_grid(images[0], largest_grid)
    tensors = {
        "fixed": on_grid(images[0], grid, sitk.Transform(3, sitk.sitkIdentity)).half(),
        "moving": on_grid(images[1], grid, linear).half(),
        "spacing": torch.tensor(grid.spacing[::-1], dtype=torch.float32),
    }
    for kind, maps in label_maps.items():
        structures, _notes = shared_structures(*maps, *(Grid.of(image) for image in images), grid, linear)
        if structures is not None:
            tensors[f"fixed_{kind}"], tensors[f"moving_{kind}"] = structures.fixed.half(), structures.moving.half()
    return tensors
