"""Dice of one scribble or lasso against one click, on slices that the built-in click model was never trained on.

    python Testing/bench/scribbles.py [--weights FILE] [--every 10] [--threads 2]

The simulated scribble goes through the deepest place of the structure's largest part, along its longest direction,
bent a little, over 30 % of its extent, as far as it stays inside. The lasso is drawn by an unsteady hand around that
part, 8 % larger than it. The click is set at the deepest place. Slices and structures are those of click_accuracy.py.
Seconds of a prompt are those of the processor, without the embedding of the slice.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Dict, List, Sequence

import numpy as np
import SimpleITK as sitk
import torch
from click_accuracy import ct_cases, heart_cases
from conditions import conditions
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import mask_dice
from SAMRegistrationLib.segmentation.candidates import Clicks
from SAMRegistrationLib.segmentation.compact.predictor import CompactPredictor
from SAMRegistrationLib.segmentation.planes import SlicePlane
from SAMRegistrationLib.segmentation.predictor import SlicePredictor
from SAMRegistrationLib.segmentation.regions import components, deepest, depth
from SAMRegistrationLib.segmentation.slice_segmenter import SliceSegmenter
from SAMRegistrationLib.segmentation.strokes import stroke_pixels
from SAMRegistrationLib.training.clicks.sources import Case

SHARE = 0.3  # of the structure's extent that a scribble goes through
WIDER = 0.08  # of its size by which a lasso is larger than the structure
PLANE = SlicePlane(2, 0)


def scribble(mask: np.ndarray, rng: np.random.Generator) -> Clicks:
    """A stroke through the interior of the largest part of a mask (H, W), as the pixels under it."""
    part = components(mask)[0]
    middle = np.array(deepest(part), dtype=float)
    places = np.argwhere(part)[:, ::-1].astype(float)
    _, _, axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
    half = SHARE * np.ptp(places @ axes[0]) / 2
    bend = rng.uniform(-0.15, 0.15) * half
    kept = [middle]
    inside = depth(part) >= min(2.0, depth(part).max())
    for sign in (1, -1):
        for step in np.arange(1.0, half + 1, 1.0) if half >= 1 else ():
            place = middle + sign * step * axes[0] + bend * (step / half) ** 2 * axes[1]
            column, row = np.round(place).astype(int)
            if not (0 <= row < mask.shape[0] and 0 <= column < mask.shape[1] and inside[row, column]):
                break
            kept = [*kept, place] if sign > 0 else [place, *kept]
    pixels = stroke_pixels(np.array(kept), mask.shape)
    return Clicks.of_prompts([[(float(column), float(row), True) for column, row in pixels]])


def lasso(mask: np.ndarray, rng: np.random.Generator) -> Clicks:
    """An outline around the largest part of a mask (H, W): its hull as seen from its middle, larger and unsteady."""
    part = components(mask)[0]
    places = np.argwhere(part)[:, ::-1].astype(float)
    middle = places.mean(axis=0)
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    away = places - middle
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    reach = (away @ directions.T).max(axis=0)
    reach = (reach + 0.5) * (1 + WIDER) + rng.normal(0, 0.02, len(angles)) * reach.max()
    return of_outline(middle + np.maximum(reach, 1)[:, None] * directions, mask.shape)


def of_outline(vertices: np.ndarray, shape: Sequence[int]) -> Clicks:
    """The prompt of an outline (N, 2) of (column, row), cut to the slice."""
    vertices = np.clip(vertices, -0.49, np.array(shape[::-1]) - 0.51)
    box = tuple(float(value) for value in (*vertices.min(axis=0), *vertices.max(axis=0)))
    return Clicks((), box, (), tuple((float(x), float(y)) for x, y in vertices))


def click(mask: np.ndarray) -> Clicks:
    """One click at the deepest place of a mask."""
    return Clicks(((*(float(value) for value in deepest(mask)), True),))


def compared(predictor: SlicePredictor, cases: Sequence[Case], seed: int = 0) -> Dict[str, List[List[float]]]:
    """Per prompt: Dice and processor seconds of each case."""
    found: Dict[str, List[List[float]]] = {"click": [], "scribble": [], "lasso": []}
    for number, case in enumerate(cases):
        rng = np.random.default_rng([seed, number])
        height, width = case.mask.shape
        grid = Grid((width, height, 1), (case.pixel_size[1], case.pixel_size[0], 1.0))
        segmenter = SliceSegmenter(case.image[None], grid, predictor)
        segmenter.cache.get(PLANE)
        prompts = {"click": click(case.mask), "scribble": scribble(case.mask, rng), "lasso": lasso(case.mask, rng)}
        for name, clicks in prompts.items():
            start = time.process_time()
            mask = segmenter.predict(PLANE, [clicks]).mask
            found[name].append([mask_dice(mask, case.mask), time.process_time() - start])
        segmenter.close()
    return found


def table(title: str, found: Dict[str, List[List[float]]]) -> str:
    """One row of Markdown for each prompt."""
    rows = []
    for name, values in found.items():
        dice, seconds = np.array(values).T
        rows.append(f"| {title} | {len(dice)} | {name} | {dice.mean():.3f} | {1000 * np.median(seconds):.0f} ms |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="default: those that come with the extension")
    parser.add_argument("--every", type=int, default=10, help="take only every n-th case of the CT")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    data = Path(os.environ.get("SAMREGISTRATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "totalseg-ct-mr").is_dir():
        print(f"Scribbles were left out: no volumes in {data}; set SAMREGISTRATION_DATA to their folder.")
        return
    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    predictor = CompactPredictor(options.weights)
    print(f"{conditions(options.threads)}.\n\n| slices of | cases | prompt | Dice | time |\n|---|---|---|---|---|")
    for title, cases in (("CT organs", ct_cases(data)[:: options.every]), ("cine MR heart", heart_cases(data))):
        print(table(title, compared(predictor, cases)), flush=True)


if __name__ == "__main__":
    main()
