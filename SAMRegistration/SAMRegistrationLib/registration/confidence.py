"""How far a registration can be trusted where: by how much a second solution of the same pair differs.

The second solution goes in the other direction, from moving to fixed, which takes other gradients of other images, and
its steps look at surroundings twice as wide. Where the images tell what belongs where, both agree; where they are noisy
or show what the other one lacks, each goes its own way. It is no bound: where both err alike, they agree. Inconsistency
of the two directions as a measure of error: Christensen and Johnson, IEEE Trans. Medical Imaging 20 (2001) 568-582.
"""

from dataclasses import replace
from typing import Dict, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ..geometry import dense, separable
from ..job import Job
from .clock import Clock
from .hold import Hold
from .options import RegistrationOptions
from .stiffness import stiffened
from .working import BACKGROUND
from .working_pair import WorkingPair

IN_OTHER_WAYS = 4.0  # stiffness of the second solution's steps, which doubles their surroundings


def with_second_solution(
    pair: WorkingPair, velocity: torch.Tensor, hold: Optional[Hold], options: RegistrationOptions, job: Job
) -> Tuple[sitk.Image, Dict[str, float]]:
    """By how many mm a second solution differs from the first one, on the grid of its velocity, and a summary.

    Args:
        velocity: of the first solution, (1, 3, D, H, W) over the extent of the working grid.
        hold: what holds the second solution, or None.

    Returns:
        The distances as a float32 image, and "median_mm", "p95_mm" and "share_above_voxel", the share of distances
        that are longer than the mean edge of a voxel of the working grid ("voxel_mm"), where the fixed volume shows
        something and both volumes count.

    Raises:
        Canceled: through `job`.
    """
    in_other_ways = replace(options, refinement=stiffened(options.refinement, IN_OTHER_WAYS))
    second, _ = pair.reversed(hold).velocity(in_other_ways, job, Clock())
    grid = pair.grid.with_size(velocity.shape[:1:-1])
    ends = [dense.integrate(flow, dense.integration_steps(flow)) for flow in (velocity, -second)]
    spacing = torch.tensor(grid.spacing[::-1]).to(velocity).view(1, 3, 1, 1, 1)
    lengths = ((ends[0] - ends[1]) * spacing).norm(dim=1, keepdim=True)
    voxel_mm = pair.grid.voxel_volume ** (1 / 3)
    counted = lengths[_counting(pair, lengths.shape[2:])].cpu().numpy()
    summary = {
        "median_mm": float(np.median(counted)),
        "p95_mm": float(np.percentile(counted, 95)),
        "share_above_voxel": float((counted > voxel_mm).mean()),
        "voxel_mm": voxel_mm,
    }
    return grid.image(lengths[0, 0].cpu().numpy()), summary


def _counting(pair: WorkingPair, shape) -> torch.Tensor:
    """Where distances count for the summary, bool (1, 1, D, H, W) of a `shape` over the extent of the working grid."""
    shrink = separable.shrink(pair.fixed.shape[2:], shape, pair.fixed)
    counts = separable.apply(shrink, pair.fixed) > BACKGROUND
    for part in (*pair.covered, *pair.heeded):
        if part is not None:
            counts &= separable.apply(shrink, part) > 0.5
    return counts if counts.any() else torch.ones_like(counts)
