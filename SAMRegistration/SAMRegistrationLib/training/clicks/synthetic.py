"""Synthetic slices with exact masks, in any number: partitions, bodies with organs, short-axis hearts, and trunks."""

from typing import List, Tuple

import numpy as np

from .noise import smooth_noise, texture_noise
from .shapes import blob
from .torso import torso_slice

Picture = Tuple[np.ndarray, np.ndarray]


def synthetic_slice(size: int, rng: np.random.Generator) -> Picture:
    """An image (S, S) in [0, 1] and masks (K, S, S) bool of everything in it that can be asked for."""
    kind = rng.choice(4, p=(0.15, 0.2, 0.2, 0.45))
    image, masks = (_partition, _body, _heart, torso_slice)[kind](size, rng)
    visible = [mask for mask in masks if mask.sum() > 1.2e-3 * size**2]
    texture = texture_noise(rng, size, int(rng.integers(16, 64))) * rng.exponential(0.015)
    return np.clip(image + texture, 0, 1).astype(np.float32), np.array(visible, bool).reshape(-1, size, size)


def _partition(size, rng):
    """Label maps as the argmax of smooth noises (as SynthMorph's, Hoffmann et al., TMI 2022)."""
    labels = int(rng.integers(3, 12))
    coarse = int(rng.integers(3, 14))
    label = smooth_noise(rng, labels, size, coarse).argmax(0).numpy()
    means = rng.uniform(0, 1, labels)
    return means[label], [label == k for k in range(labels)]


def _body(size, rng):
    """A trunk or head with a wall, organs of little contrast that touch, cavities, bones and vessels."""
    middle = size * (0.5 + rng.normal(0, 0.04, 2))
    body = blob(size, rng, middle, size * rng.uniform(0.38, 0.52), rng.uniform(0.65, 1.0), 0.05)
    soft, fat = rng.uniform(0.4, 0.7), rng.uniform(0.05, 0.35)
    image = np.where(body, fat, rng.uniform(0, 0.05))
    inner = blob(size, rng, middle, size * rng.uniform(0.3, 0.42), rng.uniform(0.65, 1.0), 0.05) & body
    image[inner] = soft if rng.random() < 0.6 else rng.uniform(0.2, 0.8)
    structures: List[np.ndarray] = [inner]
    spread = rng.choice([0.05, 0.12, 0.3])
    for _ in range(int(rng.integers(4, 18))):
        place = middle + size * rng.uniform(-0.36, 0.36, 2)
        radius = size * np.exp(rng.uniform(np.log(0.02), np.log(0.16)))
        shape, aspect, rough = int(rng.integers(1 << 30)), rng.uniform(0.35, 1.0), rng.choice([0.05, 0.2])
        organ = blob(size, np.random.default_rng(shape), place, radius, aspect, rough) & body
        if rng.random() < 0.4:  # a thin layer of fat around it
            outside = radius + size * rng.uniform(0.004, 0.02)
            image[blob(size, np.random.default_rng(shape), place, outside, aspect, rough) & body] = fat
        value, inside_value, mottled = _contents(soft, spread, rng)
        image[organ] = np.clip(value, 0, 1)
        if inside_value is not None:  # marrow, lumen, medulla: another intensity that belongs to the organ
            inside = radius * rng.uniform(0.5, 0.93)
            core = blob(size, np.random.default_rng(shape), place, inside, aspect, rough) & organ
            spots = mottled * texture_noise(rng, size, int(rng.integers(size // 8, size // 3)))
            image[core] = np.clip(inside_value + spots[core], 0, 1)
        structures = [structure & ~organ for structure in structures] + [organ]
        if radius > 0.08 * size and rng.random() < 0.5:
            for _ in range(int(rng.integers(2, 12))):  # vessels belong to the organ they run through
                spot = place + radius * rng.uniform(-0.8, 0.8, 2)
                vessel = blob(size, rng, spot, size * rng.uniform(0.006, 0.015), rng.uniform(0.3, 1), 0.1)
                image[vessel & organ] = np.clip(value + rng.normal(0, 0.15), 0, 1)
    return image, structures


def _contents(soft, spread, rng):
    """Intensity of an organ's outer part and of its core (None when alike), and how mottled the core is."""
    kind = rng.random()
    if kind < 0.6:
        value = soft + rng.normal(0, spread)
        return value, (value + rng.normal(0, 0.3) if rng.random() < 0.3 else None), 0.0
    if kind < 0.8:  # bone: cortex and marrow
        return rng.uniform(0.75, 1), rng.uniform(soft, 0.95), rng.uniform(0, 0.15)
    return soft + rng.normal(0, 0.05), rng.uniform(0, 0.6), rng.uniform(0, 0.3)  # bowel: wall and contents


def _heart(size, rng):
    """A bright cavity with papillary muscles, the myocardium around it, a crescent beside it, and the chest."""
    image, structures = _body(size, rng)
    place = size * (0.5 + rng.normal(0, 0.08, 2))
    outer = size * rng.uniform(0.05, 0.16)
    inner = outer * rng.uniform(0.5, 0.85)
    shape = rng.uniform(0.85, 1.0)
    blood, muscle = rng.uniform(0.5, 1.0), rng.uniform(0.05, 0.45)
    angle = rng.uniform(0, 2 * np.pi)
    away = outer * rng.uniform(0.7, 1.2) * np.array([np.sin(angle), np.cos(angle)])
    right = blob(size, rng, place + away, outer * rng.uniform(0.8, 1.3), rng.uniform(0.6, 1), 0.1)
    wall = blob(size, rng, place, outer, shape, 0.03)
    cavity = blob(size, rng, place, inner, shape, 0.05) & wall
    image[right] = np.clip(blood + rng.normal(0, 0.05), 0, 1)
    image[wall] = muscle
    image[cavity] = blood
    for _ in range(int(rng.integers(0, 4))):
        angle = rng.uniform(0, 2 * np.pi)
        spot = place + inner * rng.uniform(0.5, 0.9) * np.array([np.sin(angle), np.cos(angle)])
        image[blob(size, rng, spot, inner * rng.uniform(0.1, 0.25), 0.8, 0.1) & cavity] = muscle
    others = [structure & ~(right | wall) for structure in structures[-4:]]
    return image, 3 * [cavity] + 4 * [wall & ~cavity] + [wall, right & ~wall, *others]
