"""Where the features of the moving volume are found again near each voxel of the fixed one."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn


class LocalMatching(nn.Module):
    """Expected displacement under a softmax over local feature correlations, for each head.

    Every voxel's fixed features are compared with the moving features at all offsets o of at most `radius` voxels
    along each axis; the heads compare disjoint shares of the channels. With p(o) = softmax(correlation) a head tells
    sum_o p(o) o. Unlike attention within windows, the search is centered on the voxel, so that a match in place tells
    exactly zero. It starts out as plain feature matching: both projections are the same orthogonal matrix. The moving
    side has no biases: a softmax over its places would not see them.

    Source: the local cost volumes of Sun et al., PWC-Net, CVPR 2018; the expectation over matches of Xu et al.,
    GMFlow, CVPR 2022.

    Shape: fixed, moving (B, C, D, H, W), result (B, 3 * heads, D, H, W), in voxels, (z, y, x) of one head after the
    other.
    """

    def __init__(self, channels: int, heads: int, radius: int):
        super().__init__()
        self.heads, self.radius = heads, radius
        self.norm_fixed, self.norm_moving = nn.LayerNorm(channels), nn.LayerNorm(channels, bias=False)
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels, bias=False)
        nn.init.orthogonal_(self.query.weight)
        nn.init.zeros_(self.query.bias)
        with torch.no_grad():
            self.key.weight.copy_(self.query.weight)

    def forward(self, fixed: torch.Tensor, moving: torch.Tensor) -> torch.Tensor:
        query = self._heads(self.query(self.norm_fixed(fixed.movedim(1, -1))))
        key = self._heads(self.key(self.norm_moving(moving.movedim(1, -1))))
        radius, shape = self.radius, fixed.shape[2:]
        key = F.pad(key.flatten(0, 1), 6 * [radius], mode="replicate").unflatten(0, key.shape[:2])
        offsets = list(itertools.product(range(-radius, radius + 1), repeat=3))
        correlations = []
        for offset in offsets:
            z, y, x = (slice(radius + o, radius + o + n) for o, n in zip(offset, shape))
            correlations.append((query * key[..., z, y, x]).sum(dim=2))
        share = torch.stack(correlations, dim=2).mul(query.shape[2] ** -0.5).softmax(dim=2)
        expected = torch.einsum("bhodef,oc->bhcdef", share, share.new_tensor(offsets))
        return expected.flatten(1, 2)

    def _heads(self, features: torch.Tensor) -> torch.Tensor:
        """(B, D, H, W, C) as (B, heads, C / heads, D, H, W)."""
        return features.movedim(-1, 1).unflatten(1, (self.heads, -1))
