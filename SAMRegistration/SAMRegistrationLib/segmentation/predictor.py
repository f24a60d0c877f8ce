"""What a model must offer to be clicked on: one slice in, candidate masks out."""

from typing import Any, NamedTuple, Optional, Protocol, Tuple

import numpy as np


class SlicePrediction(NamedTuple):
    """Candidate masks of one slice.

    Attributes:
        masks: (C, H, W) float32 logits at the resolution of the slice; a pixel is inside where the logit is > 0.
        scores: (C,) predicted intersection over union of each candidate.
        low_res_logits: (C, h, w) float32 logits in the predictor's own frame, to be handed back when correcting.
    """

    masks: np.ndarray
    scores: np.ndarray
    low_res_logits: np.ndarray


class SlicePredictor(Protocol):
    """A promptable model of 2D images. `embed` must be callable from a background thread."""

    name: str

    def embed(self, image: np.ndarray, pixel_size: Tuple[float, float] = (1.0, 1.0)) -> Any:
        """The embedding of a slice, opaque but for its attribute ``nbytes``.

        Args:
            image: (H, W) float32 in [0, 1], already windowed.
            pixel_size: height and width of a pixel in mm; only their ratio matters.
        """

    def predict(
        self,
        embedding: Any,
        points: np.ndarray,
        labels: np.ndarray,
        box: Optional[np.ndarray] = None,
        logits: Optional[np.ndarray] = None,
    ) -> SlicePrediction:
        """Candidate masks for prompts on an embedded slice.

        Args:
            points: (N, 2) float, (column x, row y) in pixels of the slice; pixel centers are at integers.
            labels: (N,) 1 inside, 0 outside.
            box: (4,) x0, y0, x1, y1 in pixels of the slice, or None.
            logits: (h, w) low-resolution logits of a previous prediction on this slice or a neighbor, or None.
        """

    def mask_prompt(self, embedding: Any, mask: np.ndarray) -> Optional[np.ndarray]:
        """Low-resolution logits (h, w) that stand for a mask (H, W, bool) of the slice, for ``logits`` of
        :meth:`predict`; None when the model takes no masks as prompts.
        """
