"""Synthetic slices through a trunk: packed muscles, bones with marrow, organs, bowel with contents, lungs.

Every tissue has the attenuation that it has in CT, or a random intensity as in some MR sequence; masks are exact, and
what belongs together is one structure whatever it looks like: cortex and marrow, wall and contents, organ and vessels.
Which parts a slice has, and all numbers, are in torso.toml; torso_parts.py draws the parts.
"""

from typing import Any, Dict, List, Tuple

import numpy as np

from ...segmentation.regions import depth
from .drawing import Drawing, drawn, numbers
from .noise import texture_noise
from .torso_parts import Trunk, draw_parts


def torso_slice(size: int, rng: np.random.Generator) -> Tuple[np.ndarray, List[np.ndarray]]:
    """An image (S, S) in [0, 1] and masks (S, S) bool of everything in it that can be asked for."""
    drawing = Drawing(size, rng)
    levels = numbers()["levels"]
    level = levels[rng.choice(len(levels), p=[entry["probability"] for entry in levels])]
    draw_parts(level["parts"], _trunk(drawing, rng, level))
    return drawing.finished(), drawing.structures


def _trunk(drawing: Drawing, rng: np.random.Generator, level: Dict[str, Any]) -> Trunk:
    """Skin, fat and the wall of muscles around an empty cavity."""
    of = numbers()["trunk"]
    fat, wall = drawn(rng, level["fat"]), drawn(rng, level["wall"])
    middle = 0.5 + drawn(rng, of["off_middle"], 2)
    width, aspect = drawn(rng, of["width"]), drawn(rng, of["aspect"])
    body = drawing.blob(middle, width, aspect, of["rough"], turn=drawn(rng, of["turn"]))
    drawing.paint(body, "fat", texture=0.5)
    inside = depth(body)
    drawing.body = inside > 1.5
    inside = inside / drawing.size
    muscles, cavity = inside > fat, inside > fat + wall
    drawing.paint(muscles, "muscle")
    if rng.random() < of["muscles_are_one_too"]:
        drawing.add(muscles)
    _muscles(drawing, rng, muscles & ~cavity, int(rng.integers(*of["muscles"])))
    drawing.paint(cavity, "fat", texture=0.5)
    drawing.cover(cavity)
    height = width * aspect
    back = height * drawn(rng, level["back_heights"]) if "back_heights" in level else 0.0
    if "mediastinal_fat" in level:
        drawing.paint(cavity, "fat", vary=level["mediastinal_fat"])
    return Trunk(drawing, rng, middle, width, height, back, {"cavity": cavity})


def _muscles(drawing: Drawing, rng: np.random.Generator, region: np.ndarray, count: int) -> None:
    """Split a region into muscles that touch, or that thin planes of fat part here and there."""
    of, places = numbers()["trunk"], np.argwhere(region)
    if not len(places):
        return
    y, x = np.indices(region.shape, np.float32)
    nearest = second = np.full(region.shape, np.inf, np.float32)
    label = np.zeros(region.shape, int)
    for k, (row, column) in enumerate(rng.choice(places, count).tolist()):
        turn, stretch = rng.uniform(0, np.pi), np.exp(drawn(rng, of["muscle_stretch"]))
        (a, b), (c, d) = _metric(turn, stretch)
        distance = np.sqrt((a * (y - row) + b * (x - column)) ** 2 + (c * (y - row) + d * (x - column)) ** 2)
        second = np.minimum(second, np.maximum(nearest, distance))
        label[distance < nearest] = k
        nearest = np.minimum(nearest, distance)
    plane = drawn(rng, of["fat_plane"]) * drawing.size * (1 + texture_noise(rng, drawing.size, 6))
    apart = region & (second - nearest < plane)
    for k in range(count):
        muscle = region & (label == k)
        if muscle.any():
            drawing.paint(muscle, "muscle", vary=0.7, texture=rng.exponential(of["muscle_texture"]))
            drawing.add(muscle & ~apart)
    drawing.paint(apart, "fat", vary=2.0)


def _metric(turn, stretch):
    """Rows of the matrix that turns and stretches; plain numbers, which keep arrays of 32 bits."""
    sine, cosine = float(np.sin(turn)), float(np.cos(turn))
    return (sine * stretch, cosine * stretch), (cosine / stretch, -sine / stretch)
