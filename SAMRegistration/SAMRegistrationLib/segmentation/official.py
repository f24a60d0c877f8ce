"""Official Segment Anything checkpoints (ViT-B, ViT-L, ViT-H) and MedSAM's, which has the shape of ViT-B.

Sources: Kirillov et al., Segment Anything, ICCV 2023; Ma et al., Segment anything in medical images, Nature
Communications 15:654, 2024.
"""

from pathlib import Path
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch

from ..errors import InputError
from ..files import PathLike
from .letterbox import Letterbox
from .predictor import SlicePrediction
from .sam.checkpoint import load_sam


class OfficialEmbedding(NamedTuple):
    """Embedding (1, C, h, w) of a slice and how the slice lies in the model's square input."""

    features: torch.Tensor
    letterbox: Letterbox

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        return self.features.numel() * self.features.element_size()


class OfficialPredictor:
    """Clicks on slices with an official checkpoint.

    SAM gets the slice scaled to its input with square pixels kept square, padded, in the colors it was trained with.
    MedSAM was trained on slices stretched to the square with values in [0, 1], and for boxes; it gets that.

    Args:
        path: checkpoint, .pth or .safetensors; its architecture is read from the file.
        device: torch device.
        name: shown to the user; default the file's name. MedSAM is recognized by "medsam" in it.

    Raises:
        WeightsError: the file is missing, damaged, unsafe or no SAM checkpoint.
    """

    def __init__(self, path: PathLike, device: str = "cpu", name: Optional[str] = None):
        self.name = Path(path).stem if name is None else name
        self._medsam = "medsam" in self.name.lower()
        self._sam = load_sam(path).to(device).eval()

    @torch.inference_mode()
    def embed(self, image: np.ndarray, pixel_size: Tuple[float, float] = (1.0, 1.0)) -> OfficialEmbedding:
        """See :meth:`SlicePredictor.embed`.

        Raises:
            InputError: the image is not two-dimensional, or empty.
        """
        image = np.asarray(image, dtype=np.float32)
        if image.ndim != 2 or not image.size:
            raise InputError(f"A slice has rows and columns, but an array of shape {image.shape} was given.")
        tensor = torch.from_numpy(np.clip(image, 0, 1))[None, None].to(self._sam.device)
        if self._medsam:
            letterbox = Letterbox(image.shape, (self._sam.size, self._sam.size), self._sam.size)
            low, high = tensor.min(), tensor.max()
            colors = (letterbox.image(tensor) - low) / (high - low).clamp(min=1e-8)
            return OfficialEmbedding(self._sam.image_encoder(colors.expand(-1, 3, -1, -1)), letterbox)
        letterbox = Letterbox.fit(image.shape, pixel_size, self._sam.size)
        gray = 255.0 * letterbox.image(tensor)[..., : letterbox.inside[0], : letterbox.inside[1]]
        return OfficialEmbedding(self._sam.image_encoder(self._sam.colors(gray.expand(-1, 3, -1, -1))), letterbox)

    @torch.inference_mode()
    def predict(
        self,
        embedding: OfficialEmbedding,
        points: np.ndarray,
        labels: np.ndarray,
        box: Optional[np.ndarray] = None,
        logits: Optional[np.ndarray] = None,
    ) -> SlicePrediction:
        """See :meth:`SlicePredictor.predict`.

        A single point gives SAM's three candidates for ambiguous prompts; with more prompts its mask for clear
        prompts comes first, then those three. MedSAM has one candidate.

        Raises:
            InputError: there is no prompt.
        """
        points = np.asarray(points, dtype=np.float32).reshape(-1, 2)
        if not len(points) and box is None and logits is None:
            raise InputError("Click into the structure or draw a box around it first.")
        low_res, scores = self._sam.masks(
            embedding.features,
            clicks=self._points(embedding.letterbox, points, labels),
            boxes=None if box is None else self._pixels(embedding.letterbox, box).reshape(1, 4),
            masks=None if logits is None else torch.as_tensor(logits, device=self._sam.device).float()[None, None],
        )
        wanted = slice(0, None)
        if self._medsam:
            wanted = slice(0, 1)
        elif len(points) == 1 and box is None and logits is None:
            wanted = slice(1, None)
        low_res, scores = low_res[0, wanted], scores[0, wanted]
        masks = embedding.letterbox.back(low_res[None])[0]
        return SlicePrediction(masks.cpu().numpy(), scores.cpu().numpy(), low_res.cpu().numpy())

    def mask_prompt(self, embedding: OfficialEmbedding, mask: np.ndarray) -> Optional[np.ndarray]:
        """See :meth:`SlicePredictor.mask_prompt`; MedSAM was not trained for masks."""
        if self._medsam:
            return None
        side = self._sam.prompt_encoder.mask_size
        return (20 * (embedding.letterbox.shrunk(torch.from_numpy(np.asarray(mask, bool)), side) - 0.5)).numpy()

    def _points(self, letterbox: Letterbox, points: np.ndarray, labels: np.ndarray):
        if not len(points):
            return None
        labels = torch.as_tensor(np.asarray(labels), dtype=torch.int, device=self._sam.device)
        return self._pixels(letterbox, points)[None], labels[None]

    def _pixels(self, letterbox: Letterbox, positions: np.ndarray) -> torch.Tensor:
        positions = np.asarray(positions, dtype=np.float32).reshape(-1, 2)
        return letterbox.points(torch.as_tensor(positions, device=self._sam.device))
