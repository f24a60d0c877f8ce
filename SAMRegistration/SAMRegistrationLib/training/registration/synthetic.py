"""Synthetic pairs with known deformation in any number: random anatomy, contrast and appearance."""

from dataclasses import dataclass, field, fields, replace
from typing import Dict, Tuple

import torch

from ...geometry.dense import warp
from ..random_stream import RandomStream
from .anatomy import random_anatomy
from .appearance import random_field_of_view, related_contrasts, render
from .deformation import DeformationRange, random_pair_of_maps
from .degrade import Degradation, degrade_masks
from .pair import TrainingPair

MARGIN = 4  # voxels simulated around the volume, so that tissue can move in and out of it


@dataclass(frozen=True)
class SyntheticOptions:
    """What synthetic pairs are like; probabilities are per pair.

    Attributes:
        shapes: sizes (D, H, W) in voxels, one drawn per pair.
        multimodal: of tissues that look different in the two images.
        hidden: of a structure looking like another tissue, so that only its mask tells where it ends.
        masks: of masks being shown to the network.
        partial_view: of one image missing a part at a border.
        pool, reuse: this many pairs are kept and each is seen `reuse` times, turned and mirrored at random, before
            the next ones are made: a pair costs about as much as a training step.
    """

    shapes: Tuple[Tuple[int, int, int], ...] = ((48, 48, 48),)
    multimodal: float = 0.3
    hidden: float = 0.3
    masks: float = 0.85
    partial_view: float = 0.15
    pool: int = 32
    reuse: int = 1
    deformation: DeformationRange = field(default_factory=DeformationRange)
    degradation: Degradation = field(default_factory=Degradation)


class SyntheticPairs:
    """Pair number i for every i >= 0, generated from (seed, i) alone.

    Example:
        >>> pair = SyntheticPairs(SyntheticOptions(shapes=((16, 20, 24),)), seed=1)[7]
        >>> tuple(pair.fixed.shape), tuple(pair.truth.shape)
        ((1, 1, 16, 20, 24), (1, 3, 16, 20, 24))
    """

    def __init__(self, options: SyntheticOptions, seed: int):
        self.options = options
        self.seed = seed
        self._pool: Dict[int, TrainingPair] = {}

    def __getitem__(self, index: int) -> TrainingPair:
        if self.options.reuse <= 1:
            return self._generated(index)
        block, place = divmod(index, self.options.pool * self.options.reuse)
        number = block * self.options.pool + place % self.options.pool
        if number not in self._pool:
            first = block * self.options.pool
            self._pool = {key: pair for key, pair in self._pool.items() if key >= first}
            self._pool[number] = self._generated(number)
        return randomly_oriented(self._pool[number], RandomStream(self.seed, index, 2))

    def _generated(self, number: int) -> TrainingPair:
        options, stream = self.options, RandomStream(self.seed, number)
        shape = stream.choice(options.shapes)
        padded = [n + 2 * MARGIN for n in shape]
        tissues, structures = random_anatomy(padded, stream)
        to_fixed, to_moving, truth = random_pair_of_maps(padded, options.deformation, stream)
        fixed_tissues, moving_tissues = _warp_tissues(tissues, to_fixed), _warp_tissues(tissues, to_moving)
        fixed, moving, same = self._images(structures, fixed_tissues, moving_tissues, to_fixed, to_moving, stream)
        fixed_labels, moving_labels = one_hot(fixed_tissues, structures), one_hot(moving_tissues, structures)
        fixed, moving, fixed_labels, moving_labels, truth = (
            _inner(volume) for volume in (fixed, moving, fixed_labels, moving_labels, truth)
        )
        views = [torch.ones(1, 1, *shape), torch.ones(1, 1, *shape)]
        if stream.happens(options.partial_view):
            views[stream.integer(0, 1)] = random_field_of_view(shape, stream)
        masks = (None, None)
        if structures and stream.happens(options.masks):
            shown = stream.subset(len(structures), stream.integer(1, len(structures)))
            masks = tuple(
                degrade_masks(labels[:, shown] * view, options.degradation, stream)
                for labels, view in zip((fixed_labels, moving_labels), views)
            )
        return TrainingPair(
            fixed * views[0],
            moving * views[1],
            fixed_labels if structures else None,
            moving_labels if structures else None,
            *masks,
            truth=truth,
            same_contrast=same,
        )

    def _images(self, structures, fixed_tissues, moving_tissues, to_fixed, to_moving, stream: RandomStream):
        shape = fixed_tissues.shape[2:]
        values = 1 + int(max(fixed_tissues.max(), moving_tissues.max()))
        fixed_contrast, moving_contrast, same = related_contrasts(values, self.options.multimodal, stream)
        for hidden in (value for value in structures if stream.happens(self.options.hidden)):
            like = stream.integer(1, values - 1)
            fixed_contrast[hidden], moving_contrast[hidden] = fixed_contrast[like], moving_contrast[like]
        grain = stream.uniform(1.5, 6.0)
        texture = stream.smooth(1, shape, grain)
        other = texture if stream.happens(0.3) else stream.smooth(1, shape, grain)
        fixed = render(fixed_tissues, fixed_contrast, warp(texture, to_fixed), stream)
        return fixed, render(moving_tissues, moving_contrast, warp(other, to_moving), stream), same


def randomly_oriented(pair: TrainingPair, stream: RandomStream) -> TrainingPair:
    """The pair with its axes exchanged and mirrored at random, the truth included; its voxels must be cubes."""
    order = [int(axis) for axis in stream.numbers.permutation(3)]
    mirrored = [axis for axis in range(3) if stream.happens(0.5)]

    def turn(volume: torch.Tensor) -> torch.Tensor:
        return volume.permute(0, 1, *(2 + axis for axis in order)).flip([2 + axis for axis in mirrored]).contiguous()

    sign = torch.tensor([-1.0 if axis in mirrored else 1.0 for axis in range(3)]).view(1, 3, 1, 1, 1)
    volumes = {
        entry.name: turn(getattr(pair, entry.name))
        for entry in fields(pair)
        if isinstance(getattr(pair, entry.name), torch.Tensor)
    }
    if pair.truth is not None:
        volumes["truth"] = volumes["truth"][:, order] * sign
    return replace(pair, **volumes)


def one_hot(tissues: torch.Tensor, values) -> torch.Tensor:
    """Channels (1, len(values), D, H, W) of float 0 / 1 for these values of a map (1, 1, D, H, W)."""
    return torch.cat([(tissues == value).float() for value in values], dim=1) if values else tissues[:, :0].float()


def _warp_tissues(tissues: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    """The tissue with the largest trilinear share at every warped place: smooth borders instead of steps."""
    values = torch.unique(tissues)
    shares = warp((tissues == values.view(1, -1, 1, 1, 1)).float(), displacement)
    return values[shares.argmax(dim=1, keepdim=True)]


def _inner(volume: torch.Tensor) -> torch.Tensor:
    return volume[..., MARGIN:-MARGIN, MARGIN:-MARGIN, MARGIN:-MARGIN]
