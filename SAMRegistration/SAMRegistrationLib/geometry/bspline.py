"""The uniform cubic B-spline."""

import torch


def cubic_bspline(distance: torch.Tensor) -> torch.Tensor:
    """Weight of a control point at a distance of 0 or more, in distances of control points; 0 from 2 on."""
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = (2 - distance).clamp(min=0) ** 3 / 6
    return torch.where(distance < 1, near, far)
