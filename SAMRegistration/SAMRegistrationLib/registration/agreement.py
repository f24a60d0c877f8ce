"""Whether the images of a pair look alike after the registration: their correlation, place by place.

A registration that failed, or whose volumes do not show the same anatomy, is told by it where no mask or landmark says
so: the deformation bends one image towards the other everywhere, but edges still do not meet.
"""

from typing import Dict, Iterable, List, Optional, Sequence

import torch

from ..geometry import dense, separable
from .image_term import sigmas_in_voxels
from .refine import level_shape
from .working_pair import WorkingPair

VOXELS = 48**3  # on which images are compared, about
SURROUNDINGS = 2.0  # smallest edges of these voxels: Gaussian surroundings of a place
FLAT = 1e-3  # of the product of both images' variances: below that, nothing is there to correlate
COUNTED = 0.99  # share of a voxel that both volumes show, from which on it counts
USUAL = 0.75  # correlation after a registration that succeeded, at least
LOW = 0.6  # below which it is said


def image_agreement(pair: WorkingPair, velocity: Optional[torch.Tensor]) -> Dict[str, float]:
    """The mean local correlation of both images, from -1 to 1, after the pre-alignment and after the registration.

    Args:
        velocity: (1, 3, D, H, W) over the extent of the working grid, in its own voxels; None where there is none.

    Returns:
        "prealigned" and "registered"; nothing where there is nothing to compare. The mean is over what both volumes
        show and no region to be ignored covers, weighted by the contrast of the fixed image.
    """
    spacing = pair.grid.spacing[::-1]
    shape = level_shape(pair.grid.shape, spacing, max(1.0, (pair.fixed.numel() / VOXELS) ** (1 / 3)))
    spacing = [s * n / m for s, n, m in zip(spacing, pair.grid.shape, shape)]
    still = dense.resize_field(pair.fixed.new_zeros((1, 3, 1, 1, 1)), shape)
    fields = {"prealigned": still}
    if velocity is not None:
        flow = dense.resize_field(velocity.to(pair.fixed.device), shape)
        fields["registered"] = dense.integrate(flow, dense.integration_steps(flow))
    shrink = separable.shrink(pair.fixed.shape[2:], shape, pair.fixed)
    fixed, moving = (separable.apply(shrink, image) for image in (pair.fixed, pair.moving))
    parts = [_shrunk(shrink, side) for side in zip(pair.covered, pair.heeded)]
    found = {}
    for stage, field in fields.items():
        seen = [*parts[0], *(dense.warp(part, field) for part in parts[1])]
        found[stage] = local_correlation(fixed, dense.warp(moving, field), _both(seen, fixed), spacing)
    return {stage: value for stage, value in found.items() if value is not None}


def local_correlation(
    fixed: torch.Tensor, moving: torch.Tensor, counted: torch.Tensor, spacing: Sequence[float]
) -> Optional[float]:
    """The mean of Pearson's correlation over Gaussian surroundings, weighted by the contrast of `fixed` there.

    Args:
        fixed, moving: (1, 1, D, H, W).
        counted: 1 where a voxel counts, else 0, of the same shape.
        spacing: of the voxels, along the array axes (z, y, x).

    Returns:
        From -1 to 1; None where no voxel counts or `fixed` has no contrast.
    """
    smoothing = separable.gaussian(fixed.shape[2:], sigmas_in_voxels(SURROUNDINGS, spacing), fixed)
    share = separable.apply(smoothing, counted).clamp_min(FLAT)

    def mean(image: torch.Tensor) -> torch.Tensor:
        return separable.apply(smoothing, image * counted) / share

    fixed, moving = (image - (image * counted).sum() / counted.sum().clamp_min(1.0) for image in (fixed, moving))
    means = mean(fixed), mean(moving)
    spreads = [
        (mean(image.square()) - center.square()).clamp_min(0).sqrt() for image, center in zip((fixed, moving), means)
    ]
    together = mean(fixed * moving) - means[0] * means[1]
    overall = [(image.square() * counted).sum() / counted.sum().clamp_min(1.0) for image in (fixed, moving)]
    least = FLAT * (overall[0] * overall[1]).sqrt().clamp_min(torch.finfo(fixed.dtype).tiny)
    contrast = (spreads[0] * counted).sum() / counted.sum().clamp_min(1.0)
    weight = counted * (spreads[0] / contrast.clamp_min(torch.finfo(fixed.dtype).tiny)).clamp_max(1.0)
    if float(weight.sum()) == 0:
        return None
    return float((together / torch.maximum(spreads[0] * spreads[1], least) * weight).sum() / weight.sum())


def unlike(agreement: Dict[str, float]) -> List[str]:
    """The sentence that tells of images that stay unlike each other; nothing where they agree, or nothing is known."""
    found = agreement.get("registered")
    if found is None or found >= LOW:
        return []
    return [
        f"The images are still unlike each other (local correlation {found:.2f}; {USUAL:g} and more is usual): they "
        "may show different anatomy or contrasts, or the alignment failed. Look at the outlines first."
    ]


def agreement_text(agreement: Dict[str, float]) -> str:
    """In words what :func:`image_agreement` found."""
    stages = (("prealigned", "after the pre-alignment"), ("registered", "at the end"))
    return ", ".join(f"{agreement[name]:.2f} {when}" for name, when in stages if name in agreement)


def _shrunk(shrink: separable.Matrices, parts: Iterable[Optional[torch.Tensor]]) -> List[torch.Tensor]:
    return [separable.apply(shrink, part) for part in parts if part is not None]


def _both(parts: Sequence[torch.Tensor], like: torch.Tensor) -> torch.Tensor:
    counted = torch.ones_like(like)
    for part in parts:
        counted = counted * (part > COUNTED)
    return counted
