"""Registrations with the whole pipeline while a training runs."""

from dataclasses import dataclass
from typing import Dict, List, Optional

import numpy as np
import SimpleITK as sitk

from ...errors import InputError
from ...geometry.grid import Grid
from ...job import Job
from ...metrics import deformation_statistics, dice, jacobian_image
from ...network.checkpoint import save_network
from ...network.model import RegistrationNetwork
from ...registration import RegistrationOptions, register
from ...volumes import NamedMask, StructureMasks
from .check import read_image, read_label_volume
from .config import TrainingConfig
from .datalist import read_data_list
from .pair import TrainingPair
from .synthetic import SyntheticPairs

HELD_OUT = 10**9  # synthetic pairs from here on are never trained on


@dataclass
class _ValidationPair:
    fixed: sitk.Image
    moving: sitk.Image
    fixed_labels: StructureMasks
    moving_labels: StructureMasks
    linear: Optional[sitk.Transform] = None


class Validation:
    """Registers held-out pairs with pre-alignment and network, without masks and without refinement.

    Raises:
        InputError: the configured data list has no validation pair with labels.
    """

    def __init__(self, config: TrainingConfig):
        self._weights = config.output / "validating.safetensors"
        self._pairs = _held_out_pairs(config)

    def run(self, network: RegistrationNetwork, job: Job) -> Dict[str, float]:
        """Means over the pairs: "dice" after the network, "dice affine" before it, "folded" share of the voxels."""
        save_network(network, self._weights)
        scores: Dict[str, List[float]] = {"dice": [], "dice affine": [], "folded": []}
        for pair in self._pairs:
            job.check()
            options = RegistrationOptions(
                use_refinement=False, weights=str(self._weights), initial_transform=pair.linear, device="auto"
            )
            result = register(pair.fixed, pair.moving, options=options)
            pair.linear = result.linear
            grid = Grid.of(pair.fixed)
            for name, transform in (("dice", result.transform), ("dice affine", result.linear)):
                found = dice(pair.fixed_labels, pair.moving_labels.warped(transform, grid))
                scores[name].append(float(np.mean(list(found.values()))))
            scores["folded"].append(deformation_statistics(jacobian_image(result.transform, grid)).folded_fraction)
        self._weights.unlink()
        return {name: float(np.mean(values)) for name, values in scores.items()}


def _held_out_pairs(config: TrainingConfig) -> List[_ValidationPair]:
    count, path = config.validation.pairs, config.validation.list or config.data.list
    if path is None:
        found = (_from_synthetic(SyntheticPairs(config.synthetic, config.seed)[HELD_OUT + n]) for n in range(2 * count))
        return [pair for pair in found if pair is not None][:count]
    data = read_data_list(path)
    pairs = [pair for pair in data.pairs_of("validation") if all(case.labels for case in pair)][:count]
    if not pairs:
        raise InputError(f"The data list {path} has no validation pairs with labels; add some, or set every = 0.")
    return [
        _ValidationPair(
            *(read_image(case.image, case) for case in pair),
            *(read_label_volume(case.labels, case, data) for case in pair),
        )
        for pair in pairs
    ]


def _from_synthetic(pair: TrainingPair) -> Optional[_ValidationPair]:
    if pair.fixed_labels is None or not pair.fixed_labels.any() or not pair.moving_labels.any():
        return None
    grid = Grid(tuple(pair.fixed.shape[:1:-1]))
    images = [grid.image(image[0, 0].numpy()) for image in (pair.fixed, pair.moving)]
    labels = (
        StructureMasks.of_masks((NamedMask(n, "", mask) for n, mask in enumerate(part[0].numpy(), start=1)), grid)
        for part in (pair.fixed_labels, pair.moving_labels)
    )
    return _ValidationPair(*images, *labels)
