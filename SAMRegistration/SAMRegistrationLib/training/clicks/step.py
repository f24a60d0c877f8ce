"""One training step: simulated clicks on a batch of pictures, and the loss of the model's answers."""

from typing import List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch.nn import functional as F

from ...segmentation.compact.model import CompactSam, Encoded
from ...segmentation.compact.prompts import Prompts
from ...segmentation.compact.quality import QUALITY_TRUST, consensus
from .click_simulation import first_click, loose_box, next_click
from .losses import click_loss, mask_loss, quality_loss
from .sample import Sample

MOST_CORRECTIONS = 4
BOXES, GUESSED_MASKS = 0.2, 0.15


class Batch(NamedTuple):
    """Pictures and the masks asked for in them.

    Attributes:
        images: (B, 1, S, S).
        owner: (N,) number of the picture that mask n lies in.
        targets: (N, S/2, S/2) in [0, 1].
        features: (B, 256, S/4, S/4), of the TinyViT, where they are known.
    """

    images: torch.Tensor
    owner: torch.Tensor
    targets: torch.Tensor
    features: Optional[torch.Tensor] = None


def collate(samples: List[Sample]) -> Batch:
    """A batch of pictures with equally many masks each."""
    owner = torch.arange(len(samples)).repeat_interleave(len(samples[0].masks))
    targets = F.avg_pool2d(torch.cat([sample.masks for sample in samples])[None], 2)[0]
    features = None if samples[0].features is None else torch.stack([sample.features for sample in samples])
    return Batch(torch.stack([sample.image for sample in samples]), owner, targets, features)


def interactive_loss(model: CompactSam, batch: Batch, rng: np.random.Generator) -> Tuple[torch.Tensor, List[float]]:
    """Loss of the first answer and of one later correction, and the mean Dice of both.

    The first prompt is a click inside, sometimes a box or the mask of another slice; the corrections between the first
    and the last answer are simulated without gradient.
    """
    encoded = model.encode(batch.images, batch.features)
    per_mask = encoded.select(batch.owner)
    detached = Encoded(*(type(part)(*(tensor.detach() for tensor in part)) for part in per_mask))
    wanted = batch.targets.numpy() > 0.5
    prompts = _first_prompts(batch, wanted, rng)
    logits, quality = model.decode(per_mask, prompts)
    target = batch.targets[:, None].expand_as(logits)
    losses = mask_loss(logits, target)
    loss = (losses[:, 0] + losses[:, 1:].amin(1) + 0.05 * losses[:, 1:].mean(1)).mean()
    loss = loss + 2 * quality_loss(quality, logits, target).mean()
    chosen = consensus(logits.detach(), QUALITY_TRUST * quality.detach())
    scores = [soft_dice(chosen, batch.targets)]
    corrections = int(rng.integers(1, MOST_CORRECTIONS + 1))
    for k in range(corrections):
        prompts = _corrected(prompts, chosen, wanted, rng)
        if k < corrections - 1:
            with torch.no_grad():
                chosen = model.decode(detached, prompts)[0][:, 0]
    logits, quality = model.decode(per_mask, prompts)
    last = mask_loss(logits[:, 0], batch.targets) + quality_loss(quality[:, 0], logits[:, 0], batch.targets)
    loss = loss + last.mean() + 0.2 * click_loss(logits[:, 0], prompts.points, prompts.labels)
    scores.append(soft_dice(logits[:, 0].detach(), batch.targets))
    return loss, scores


def soft_dice(logits: torch.Tensor, targets: torch.Tensor) -> float:
    """Mean Dice of logits > 0 against targets > 0.5, both (N, h, w)."""
    a, b = logits > 0, targets > 0.5
    return float((2 * (a & b).sum((1, 2)) / (a.sum((1, 2)) + b.sum((1, 2))).clamp(min=1)).mean())


def _first_prompts(batch, wanted, rng):
    kind = rng.random()
    with_box, with_mask = kind < BOXES, BOXES <= kind < BOXES + GUESSED_MASKS
    clicks = [first_click(mask, rng) if mask.any() else (0.0, 0.0, -1) for mask in wanted]
    points, labels = _stack([[click] for click in clicks], rng)
    boxes = logits = None
    if with_box:
        boxes = [2 * loose_box(mask, rng) + 0.5 if mask.any() else np.zeros(4) for mask in wanted]
        boxes = torch.tensor(np.array(boxes), dtype=torch.float32)
        if rng.random() < 0.6:
            labels = torch.full_like(labels, -1)
    elif with_mask:
        logits = _mask_of_another_slice(batch.targets, rng)
    return Prompts(points, labels, boxes, logits)


def _corrected(prompts, chosen, wanted, rng):
    clicks = []
    for mask, predicted in zip(wanted, (chosen > 0).numpy()):
        clicks.append([next_click(mask, predicted, rng) or (0.0, 0.0, -1)])
    points, labels = _stack(clicks, rng)
    return Prompts(
        torch.cat([prompts.points, points], 1),
        torch.cat([prompts.labels, labels], 1),
        prompts.boxes,
        chosen.detach()[:, None],
    )


def _stack(clicks, rng):
    clicks = np.array(clicks, float)
    points = 2 * clicks[..., :2] + 0.5 + rng.uniform(-0.5, 0.5, clicks[..., :2].shape)
    return torch.tensor(points, dtype=torch.float32), torch.tensor(clicks[..., 2]).long()


def _mask_of_another_slice(targets, rng):
    """Logits as if the same structure had been segmented in a neighboring slice: moved and bent a little."""
    count, side = len(targets), targets.shape[-1]
    bend = F.interpolate(torch.randn(count, 2, 4, 4, generator=_generator(rng)), (side, side), mode="bicubic")
    shift = torch.from_numpy(rng.normal(0, 0.03, (count, 1, 1, 2)).astype(np.float32))
    grid = F.affine_grid(torch.eye(2, 3).expand(count, -1, -1), [count, 1, side, side], align_corners=False)
    grid = grid + shift + 0.04 * rng.random() * bend.permute(0, 2, 3, 1)
    return 12 * (F.grid_sample(targets[:, None], grid, align_corners=False) - 0.5)


def _generator(rng):
    return torch.Generator().manual_seed(int(rng.integers(1 << 31)))
