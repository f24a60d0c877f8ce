"""The compact SAM behind the protocol that every click model here speaks."""

from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch

from ...errors import InputError
from ...files import PathLike
from ...resources import MODELS
from ..letterbox import Letterbox
from ..predictor import SlicePrediction
from .model import CompactSam, Encoded, load_compact_sam
from .prompts import Prompts
from .quality import consensus

BUILT_IN_WEIGHTS = MODELS / "sam-compact.safetensors"


class CompactEmbedding(NamedTuple):
    """Embedding of one slice."""

    encoded: Encoded
    letterbox: Letterbox

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        tensors = (*self.encoded.features, *self.encoded.guide)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class CompactPredictor:
    """Clicks on slices with the compact SAM.

    Args:
        path: weights; None takes those that come with the extension.
        device: "cpu", "cuda", ...

    Raises:
        WeightsError: the weights cannot be used.
    """

    name = "compact"

    def __init__(self, path: Optional[PathLike] = None, device: str = "cpu"):
        self._model = load_compact_sam(BUILT_IN_WEIGHTS if path is None else path, device)

    @classmethod
    def from_model(cls, model: CompactSam) -> "CompactPredictor":
        """A predictor around a model in memory, which it puts into evaluation mode."""
        predictor = cls.__new__(cls)
        predictor._model = model.eval()
        return predictor

    def embed(self, image: np.ndarray, pixel_size: Tuple[float, float] = (1.0, 1.0)) -> CompactEmbedding:
        """See :meth:`SlicePredictor.embed`.

        Raises:
            InputError: the image is not two-dimensional, or empty, or holds values that are not finite.
        """
        image = np.asarray(image, dtype=np.float32)
        if image.ndim != 2 or not image.size:
            raise InputError(f"A slice has rows and columns, but an array of shape {image.shape} was given.")
        if not np.isfinite(image).all():
            raise InputError("The slice holds values that are not numbers; replace them before segmenting.")
        letterbox = Letterbox.fit(image.shape, pixel_size, self._model.config.size)
        with torch.inference_mode():
            tensor = torch.from_numpy(np.clip(image, 0, 1))[None, None].to(self._device)
            return CompactEmbedding(self._model.encode(letterbox.image(tensor)), letterbox)

    def predict(
        self,
        embedding: CompactEmbedding,
        points: np.ndarray,
        labels: np.ndarray,
        box: Optional[np.ndarray] = None,
        logits: Optional[np.ndarray] = None,
    ) -> SlicePrediction:
        """See :meth:`SlicePredictor.predict`. The first prompt gives what four candidates agree on, then these, best
        first; corrections (with `logits`, or with several clicks) give one mask, since there is less to guess.

        Raises:
            InputError: points and labels differ in number, or there is no prompt at all.
        """
        points = np.asarray(points, dtype=np.float32).reshape(-1, 2)
        labels = np.asarray(labels).reshape(-1)
        if len(points) != len(labels):
            raise InputError(f"{len(points)} clicks came with {len(labels)} labels; each click needs one.")
        if not len(points) and box is None and logits is None:
            raise InputError("Click into the structure or draw a box around it first.")
        with torch.inference_mode():
            prompts = self._prompts(embedding.letterbox, points, labels, box, logits)
            if logits is None and len(points) <= 1:
                low_res, scores = _candidates(*(part[0] for part in self._model.rank(embedding.encoded, prompts)))
            else:
                low_res, scores = (part[0, :1] for part in self._model.decode(embedding.encoded, prompts))
            masks = embedding.letterbox.back(low_res[None])[0]
        return SlicePrediction(masks.cpu().numpy(), scores.cpu().numpy(), low_res.cpu().numpy())

    def decoded(
        self, embedding: CompactEmbedding, points: np.ndarray, labels: np.ndarray
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits (4, S/2, S/2) and expected IoU (4,) of all masks that the network gives for points alone."""
        with torch.inference_mode():
            prompts = self._prompts(embedding.letterbox, points, labels, None, None)
            low_res, scores = self._model.decode(embedding.encoded, prompts)
        return low_res[0], scores[0]

    def mask_prompt(self, embedding: CompactEmbedding, mask: np.ndarray) -> np.ndarray:
        """See :meth:`SlicePredictor.mask_prompt`."""
        letterbox = embedding.letterbox
        return (12 * (letterbox.shrunk(torch.from_numpy(np.asarray(mask, bool)), letterbox.size // 2) - 0.5)).numpy()

    def _prompts(self, letterbox, points, labels, box, logits):
        def tensor(array):
            return torch.as_tensor(np.asarray(array, dtype=np.float32), device=self._device)

        side = letterbox.size // 2
        if not len(points):
            points, labels = np.zeros((1, 2)), np.array([-1])
        boxes = None if box is None else letterbox.points(tensor(box).reshape(2, 2)).reshape(1, 4)
        previous = None if logits is None else tensor(logits).reshape(1, 1, side, side)
        labels = torch.as_tensor(np.asarray(labels, dtype=np.int64), device=self._device)
        return Prompts(letterbox.points(tensor(points))[None], labels[None], boxes, previous)

    @property
    def _device(self):
        return next(self._model.parameters()).device


def _candidates(logits: torch.Tensor, scores: torch.Tensor, worth: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Logits (K + 1, h, w) and scores (K + 1,): the consensus of K candidates, then the candidates, best first.

    The consensus has the best candidate's score, as what a structure's border is guessed to be in several ways is
    nearer to it on average than any single guess.
    """
    order = scores.argsort(descending=True)
    logits, scores, worth = logits[order], scores[order], worth[order]
    return torch.cat([consensus(logits[None], worth[None]), logits]), torch.cat([scores[:1], scores])
