"""Training pictures with the features that the TinyViT computes of them, made once and used again and again."""

from pathlib import Path
from typing import Callable

import numpy as np
import torch

from ...files import whole_file
from .sample import Sample

Draw = Callable[[int, int, np.random.Generator], Sample]
Features = Callable[[torch.Tensor], torch.Tensor]

SPARE = 2  # masks kept for each one that is asked for


class FeatureCache:
    """A folder of pictures with their features, each made when it is first needed.

    Computing the features of a picture takes longer than a training step; kept ones make training several times faster.

    Args:
        folder: where the files are, 2 MB each at 256 x 256 pixels.
        count: how many there are of each size.
        seed: picture n of size S is drawn from (seed, S, n), whenever that happens.
        draw: makes a picture of a size with a number of masks.
        features: of an image (1, 1, S, S), as (1, 256, S/4, S/4).
    """

    def __init__(self, folder: Path, count: int, seed: int, draw: Draw, features: Features):
        self._folder, self._count, self._seed = folder, count, seed
        self._draw, self._features = draw, features
        folder.mkdir(parents=True, exist_ok=True)

    def sample(self, size: int, masks: int, rng: np.random.Generator) -> Sample:
        """A random picture of the cache, with some of its masks."""
        path = self.require(size, masks, int(rng.integers(self._count)))
        with np.load(path, allow_pickle=False) as file:
            image, structures, features = (torch.from_numpy(file[name]).float() for name in ("image", "masks", "seen"))
        chosen = torch.from_numpy(rng.permutation(len(structures))[:masks])
        return Sample(image, structures[chosen] / 255, features)

    def require(self, size: int, masks: int, number: int) -> Path:
        """The file of a picture, which is made if it is not there."""
        path = self._folder / f"{size}-{number:05d}.npz"
        if not path.exists():
            sample = self._draw(size, SPARE * masks, np.random.default_rng([self._seed, size, number]))
            features = self._features(sample.image[None])[0]
            with whole_file(path) as temporary, open(temporary, "wb") as file:
                structures = (255 * sample.masks).round().byte().numpy()
                np.savez(file, image=sample.image.numpy(), masks=structures, seen=features.half().numpy())
        return path
