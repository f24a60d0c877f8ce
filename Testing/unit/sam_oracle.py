"""The package segment-anything as the reference of our network, for its tests only.

Its ``__init__`` imports torchvision, of which the network itself uses nothing, so only its part ``modeling`` is loaded.
"""

import importlib.util
import sys
from importlib.machinery import PathFinder
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image


def modeling() -> ModuleType:
    """The part ``segment_anything.modeling``; skips the test where the package is not installed."""
    name = "segment_anything_reference"
    if name not in sys.modules:
        package = PathFinder.find_spec("segment_anything")
        if package is None:
            pytest.skip("compares with the package segment-anything of the extra [test], which is not installed")
        folder = package.submodule_search_locations[0]
        spec = importlib.util.spec_from_file_location(
            name, f"{folder}/modeling/__init__.py", submodule_search_locations=[f"{folder}/modeling"]
        )
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Predictor:
    """What SamPredictor does to a picture, with Pillow and the reference network.

    Args:
        sam: ``Sam`` of the reference.
        gray: picture (H, W) of 8-bit values.
    """

    def __init__(self, sam, gray: np.ndarray):
        self.sam = sam
        scale = sam.image_encoder.img_size / max(gray.shape)
        self.shape = gray.shape
        self.inside = tuple(int(side * scale + 0.5) for side in gray.shape)
        resized = np.asarray(Image.fromarray(gray).resize(self.inside[::-1], Image.Resampling.BILINEAR), np.float32)
        colors = torch.from_numpy(np.repeat(resized[None, None], 3, 1))
        with torch.no_grad():
            self.features = sam.image_encoder(sam.preprocess(colors))

    @torch.no_grad()
    def predict(self, points, labels, box=None, logits=None, several=True):
        """Masks as logits (K, H, W), scores (K,) and logits (K, h, w) of the network."""
        scale = np.array(self.inside[::-1]) / self.shape[::-1]
        clicks = (torch.tensor(points * scale, dtype=torch.float)[None], torch.tensor(labels, dtype=torch.int)[None])
        boxes = None if box is None else torch.tensor(box.reshape(2, 2) * scale, dtype=torch.float).reshape(1, 4)
        masks = None if logits is None else torch.tensor(logits)[None]
        sparse, dense = self.sam.prompt_encoder(clicks, boxes, masks)
        position = self.sam.prompt_encoder.get_dense_pe()
        low_res, scores = self.sam.mask_decoder(self.features, position, sparse, dense, several)
        full = self.sam.postprocess_masks(low_res, self.inside, self.shape)
        return full[0].numpy(), scores[0].numpy(), low_res[0].numpy()
