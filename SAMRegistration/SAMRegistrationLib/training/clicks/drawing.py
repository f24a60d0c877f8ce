"""Slices that are drawn part by part, in tissues of a random appearance; their numbers are in torso.toml."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from ..settings import read_toml
from .noise import texture_noise
from .sample import CT_WINDOWS, jittered_window
from .shapes import blob, grown, shrunk, stroke


@lru_cache(maxsize=1)
def numbers() -> Dict[str, Any]:
    """The content of torso.toml."""
    return read_toml(Path(__file__).with_name("torso.toml"))


def drawn(rng: np.random.Generator, value, size: Optional[int] = None):
    """A number, or `size` of them, as torso.toml describes it: fixed, drawn from a range, or normally distributed."""
    if isinstance(value, dict):
        return rng.normal(value["mean"], value["deviation"], size)
    if not isinstance(value, list):
        return value
    low, high = value
    return rng.uniform(low, high, size) if low <= high else -rng.uniform(-low, -high, size)


class Drawing:
    """A picture in which later structures cover earlier ones.

    Args:
        size: S, pixels on a side.

    Attributes:
        structures: masks (S, S) bool, without what covers them.
        body: mask (S, S) bool of what is not air around the body.
    """

    def __init__(self, size: int, rng: np.random.Generator):
        self.size = size
        self.structures: List[np.ndarray] = []
        self.body = np.ones((size, size), bool)
        self._rng = rng
        self._appearance, self._layers = numbers()["appearance"], numbers()["layers"]
        self._tissues: Dict[str, List[float]] = numbers()["tissues"]
        self._ct = rng.random() < self._appearance["ct"]
        self._means: Dict[str, float] = {name: self._mean(name) for name in self._tissues}
        self._image = np.full((size, size), self._means["air"], np.float32)

    def paint(self, mask: np.ndarray, tissue: str, vary: float = 1.0, texture: float = 0.0) -> None:
        """Fill a mask with a tissue.

        Args:
            vary: how far its mean may be off, as a factor on the usual deviation.
            texture: amplitude of its inhomogeneity, in spreads of the tissue.
        """
        spread = self._tissues[tissue][1] if self._ct else self._appearance["other_spread"]
        value = self._means[tissue] + vary * self._rng.normal(0, self._appearance["part_spread"]) * spread
        self._image[mask] = value
        if texture:
            coarse = int(self._rng.integers(self.size // 8, self.size // 2))
            self._image[mask] += texture * spread * texture_noise(self._rng, self.size, coarse)[mask]

    def add(self, mask: np.ndarray) -> np.ndarray:
        """Make a mask a structure of its own, in front of all others."""
        self.structures = [structure & ~mask for structure in self.structures] + [mask]
        return mask

    def cover(self, mask: np.ndarray) -> None:
        """Take a mask away from all structures."""
        self.structures = [structure & ~mask for structure in self.structures]

    def solid(self, mask: np.ndarray, tissue: str = "organ", gap: Optional[float] = None) -> np.ndarray:
        """A structure of one tissue, with a thin layer of fat around it with probability `gap`."""
        if self._rng.random() < (self._layers["fat_probability"] if gap is None else gap):
            around = grown(mask, self.thickness(self._layers["fat"])) & ~mask
            self.cover(around)
            self.paint(around, "fat")
        self.paint(mask, tissue, vary=1.5, texture=self._rng.exponential(self._layers["solid_texture"]))
        return self.add(mask)

    def bone(self, mask: np.ndarray) -> np.ndarray:
        """Cortex around marrow, one structure; outside the body there is none."""
        mask = mask & self.body
        self.paint(mask, "cortex", texture=drawn(self._rng, self._layers["cortex_texture"]))
        marrow = shrunk(mask, self.thickness(self._layers["cortex"]))
        self.paint(marrow, "marrow", texture=drawn(self._rng, self._layers["marrow_texture"]))
        return self.add(mask)

    def hollow(self, mask: np.ndarray) -> np.ndarray:
        """A wall around gas, fluid, contrast medium, stool, or two of them with a horizontal level; one structure."""
        inside = shrunk(mask, self.thickness(self._layers["wall"]))
        self.paint(mask, "wall")
        contents = self._layers["contents"]
        first, second = self._rng.choice(list(contents), 2, p=list(contents.values()))
        self._fill(inside, first)
        if self._rng.random() < self._layers["two_contents"] and inside.any():
            rows = np.flatnonzero(inside.any(1))
            below = inside.copy()
            below[: int(self._rng.integers(rows[0], rows[-1] + 1))] = False
            self._fill(below, second)
        return self.add(mask)

    def blob(self, center, radius: float, aspect: float, rough: float, turn: Optional[float] = None) -> np.ndarray:
        """See :func:`~.shapes.blob`; `center` and `radius` in fractions of the side."""
        return blob(self.size, self._rng, np.array(center) * self.size, radius * self.size, aspect, rough, turn)

    def stroke(self, points: np.ndarray, radii: np.ndarray) -> np.ndarray:
        """See :func:`~.shapes.stroke`; everything in fractions of the side."""
        return stroke(self.size, points * self.size, radii * self.size)

    def thickness(self, limits: List[float]) -> int:
        """A random thickness of a layer in pixels, from fractions of the side."""
        return int(max(1, round(self.size * self._rng.uniform(*limits))))

    def finished(self) -> np.ndarray:
        """The picture in [0, 1], as a random CT window shows it."""
        if self._ct:
            noise = self._rng.standard_normal(self._image.shape, np.float32)
            noise = noise * self._rng.exponential(self._appearance["noise"])
            low, high = CT_WINDOWS[self._rng.integers(len(CT_WINDOWS))]
            return jittered_window(self._image + noise, low, high, self._rng)
        return np.clip(self._image, 0, 1)

    def _fill(self, mask, content):
        self.paint(mask, content, texture=self._layers["stool_texture" if content == "stool" else "content_texture"])

    def _mean(self, tissue):
        mean, spread = self._tissues[tissue]
        if self._ct:
            return mean + self._rng.normal(0, self._appearance["mean_spread"]) * spread
        dark = tissue in self._appearance["dark"]
        return drawn(self._rng, self._appearance["dark_intensity" if dark else "intensity"])
