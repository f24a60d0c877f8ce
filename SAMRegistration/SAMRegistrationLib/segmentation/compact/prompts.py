"""Maps that carry clicks, boxes and the previous mask to the click decoder at half resolution.

Besides the sparse prompt tokens of SAM, every click is drawn where it is: as a disk, as a distance, as a geodesic
distance that edges of the image lengthen (the idea of DeepIGeoS, Wang et al., TPAMI 2019), and as the likeness of the
intensity to that under the click. A correction therefore acts where it was made.
"""

from typing import NamedTuple, Optional

import numpy as np
import SimpleITK as sitk
import torch
from torch.nn import functional as F

MAPS = 14
EDGE_CONTRAST = 0.02
FARTHEST = 200.0
DISK, NEAR, FAR, LIKENESS = 1.5, 16.0, 40.0, 0.08


class Prompts(NamedTuple):
    """Prompts of a batch of N masks, in pixels of the S x S input (x to the right, y down, 0 = center of a pixel).

    Attributes:
        points: (N, P, 2) float clicks (x, y).
        labels: (N, P) 1 inside, 0 outside, -1 no click (filling up to P).
        boxes: (N, 4) x0 y0 x1 y1, or None.
        logits: (N, 1, S/2, S/2) logits of the previous mask, or None.
    """

    points: torch.Tensor
    labels: torch.Tensor
    boxes: Optional[torch.Tensor] = None
    logits: Optional[torch.Tensor] = None


class Guide(NamedTuple):
    """The image as the prompt maps see it, at half resolution.

    Attributes:
        smooth: (B, 1, S/2, S/2) smoothed intensities.
        cost: (B, 1, S/2, S/2) length of a step through a pixel: 1 in flat regions, more across edges.
    """

    smooth: torch.Tensor
    cost: torch.Tensor


def make_guide(image: torch.Tensor) -> Guide:
    """Guide of images (B, 1, S, S) in [0, 1]."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0], device=image.device, dtype=image.dtype)
    kernel = (kernel[:, None] * kernel[None]).reshape(1, 1, 5, 5) / 256
    smooth = F.conv2d(F.pad(F.avg_pool2d(image, 2), (2, 2, 2, 2), mode="replicate"), kernel)
    padded = F.pad(smooth, (1, 1, 1, 1), mode="replicate")
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return Guide(smooth, 1 + (dx.square() + dy.square()) / EDGE_CONTRAST**2)


def prompt_maps(guide: Guide, prompts: Prompts) -> torch.Tensor:
    """Maps (N, MAPS, S/2, S/2) of N prompts; a guide of one image serves all of them. Absent prompts give zeros."""
    count, (height, width) = prompts.points.shape[0], guide.smooth.shape[-2:]
    smooth = guide.smooth.expand(count, -1, -1, -1)
    cost = guide.cost.expand(count, -1, -1, -1)
    half = (prompts.points + 0.5) / 2 - 0.5
    maps = []
    for sign in (1, 0):
        chosen = prompts.labels == sign
        distance = _distances(half, chosen, height, width)
        geodesic = _geodesic_distances(half, chosen, cost)
        maps += [torch.exp(-0.5 * (distance / DISK) ** 2), torch.exp(-distance / NEAR)]
        maps += [torch.exp(-geodesic / NEAR), torch.exp(-geodesic / FAR), _likeness(half, chosen, smooth)]
    maps += [_box_map(prompts.boxes, count, height, width, smooth), *_previous(prompts.logits, smooth), smooth]
    return torch.cat(maps, 1)


def _distances(points, chosen, height, width):
    """Distance (N, 1, h, w) to the nearest chosen point, infinite where there is none."""
    y = torch.arange(height, device=points.device, dtype=points.dtype)[:, None]
    x = torch.arange(width, device=points.device, dtype=points.dtype)[None]
    squared = (x - points[..., 0, None, None]) ** 2 + (y - points[..., 1, None, None]) ** 2
    squared = squared.masked_fill(~chosen[..., None, None], float("inf"))
    return squared.amin(1, keepdim=True).sqrt()


def _geodesic_distances(points, chosen, cost):
    """Distance (N, 1, h, w) to the nearest chosen point along the cheapest path, by fast marching; huge beyond."""
    result = torch.full_like(cost, float("inf"))
    height, width = cost.shape[-2:]
    for n in range(len(points)):
        seeds = points[n][chosen[n]].round().long().cpu().numpy()
        if not len(seeds):
            continue
        seeds = np.clip(seeds, 0, (width - 1, height - 1))
        speed = sitk.GetImageFromArray((1 / cost[n, 0]).cpu().numpy().astype(np.float32))
        arrival = sitk.FastMarching(speed, [tuple(int(v) for v in seed) for seed in seeds], 1.0, FARTHEST)
        result[n, 0] = torch.from_numpy(sitk.GetArrayFromImage(arrival)).to(cost)
    return result


def _likeness(points, chosen, smooth):
    """How like the intensity (N, 1, h, w) is to that under the most similar chosen point."""
    height, width = smooth.shape[-2:]
    column = points[..., 0].round().long().clamp(0, width - 1)
    row = points[..., 1].round().long().clamp(0, height - 1)
    clicked = smooth.flatten(1).gather(1, row * width + column)
    difference = (smooth - clicked[..., None, None]).abs()
    difference = difference.masked_fill(~chosen[..., None, None], float("inf"))
    return torch.exp(-difference.amin(1, keepdim=True) / LIKENESS)


def _box_map(boxes, count, height, width, like):
    if boxes is None:
        return like.new_zeros(count, 1, height, width)
    x0, y0, x1, y1 = (((boxes + 0.5) / 2 - 0.5)[:, k, None, None] for k in range(4))
    y = torch.arange(height, device=like.device, dtype=like.dtype)[:, None]
    x = torch.arange(width, device=like.device, dtype=like.dtype)[None]
    return ((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).to(like)[:, None]


def _previous(logits, like):
    if logits is None:
        return torch.zeros_like(like), torch.zeros_like(like)
    return torch.sigmoid(logits), torch.ones_like(like)
