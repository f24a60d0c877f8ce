"""Pseudo-labels for unlabeled images: LiteMedSAM's masks for boxes, kept when a shifted box gives nearly the same.

Boxes are used because LiteMedSAM segments poorly from clicks.
"""

from typing import List

import numpy as np
import SimpleITK as sitk
import torch

from ...files import PathLike
from ...segmentation.regions import intersection_over_union
from .lite_medsam import SIZE, read_lite_medsam

SMALLEST = 60  # pixels of a mask
LARGEST = 0.35  # of the picture
STABLE = 0.85  # IoU of the masks for a box and for the shifted one
SAME = 0.8  # IoU from which two masks are one structure


class LiteMedSamTeacher:
    """Proposes masks on slices.

    Args:
        weights: lite_medsam.pth.

    Raises:
        WeightsError: the file is missing, or does not hold the weights of LiteMedSAM.
    """

    def __init__(self, weights: PathLike):
        self._model = read_lite_medsam(weights)

    def propose(self, image: np.ndarray, rng: np.random.Generator, boxes: int = 20) -> np.ndarray:
        """Masks (K, 256, 256) bool of distinct structures in an image (256, 256) in [0, 1]."""
        guesses = candidate_boxes(image, rng, boxes)
        if not len(guesses):
            return np.zeros((0, SIZE, SIZE), bool)
        moved = guesses + rng.uniform(-0.08, 0.08, guesses.shape) * np.tile(guesses[:, 2:] - guesses[:, :2], 2)
        with torch.inference_mode():
            embedding = self._model.encoder(torch.from_numpy(image.astype(np.float32))[None, None])
            first, second = (self._masks(embedding, group) for group in (guesses, moved))
        kept: List[np.ndarray] = []
        for a, b in zip(first, second):
            size_fits = SMALLEST <= a.sum() <= LARGEST * a.size
            if (
                size_fits
                and intersection_over_union(a, b) >= STABLE
                and all(intersection_over_union(a, other) < SAME for other in kept)
            ):
                kept.append(a)
        return np.array(kept, bool).reshape(-1, SIZE, SIZE)

    def _masks(self, embedding, boxes):
        boxes = torch.as_tensor(np.clip(boxes, 0, SIZE - 1), dtype=torch.float32)
        tokens, previous = self._model.prompts(boxes=boxes)
        logits, _ = self._model.decoder(embedding, self._model.prompts.positions(), tokens, previous)
        logits = torch.nn.functional.interpolate(logits, (SIZE, SIZE), mode="bilinear", align_corners=False)
        return (logits[:, 0] > 0).numpy()


def candidate_boxes(image: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    """Boxes (N, 4) x0 y0 x1 y1: around regions between random intensity levels, and some anywhere."""
    smooth = sitk.DiscreteGaussian(sitk.GetImageFromArray(image.astype(np.float32)), 2.0)
    values = image[(image > 0.02) & (image < 0.98)]
    if values.size < SMALLEST:
        return np.zeros((0, 4))
    boxes = []
    for _ in range(count):
        low, high = np.sort(np.quantile(values, rng.uniform(0, 1, 2)))
        region = sitk.BinaryOpeningByReconstruction(sitk.BinaryThreshold(smooth, float(low), float(high)), [2, 2])
        shapes = sitk.LabelShapeStatisticsImageFilter()
        shapes.Execute(sitk.ConnectedComponent(region))
        fitting = [n for n in shapes.GetLabels() if SMALLEST <= shapes.GetPhysicalSize(n) <= LARGEST * image.size]
        if fitting:
            x, y, width, height = shapes.GetBoundingBox(int(rng.choice(fitting)))
            boxes.append([x, y, x + width - 1, y + height - 1])
    for _ in range(count // 4):
        size = np.exp(rng.uniform(np.log(14), np.log(110), 2))
        corner = rng.uniform(0, 1, 2) * (SIZE - size)
        boxes.append([*corner, *(corner + size)])
    return np.array(boxes, float).reshape(-1, 4)
