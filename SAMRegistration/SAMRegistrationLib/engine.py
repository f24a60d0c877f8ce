"""The one door to everything that computes: the command line and the Slicer module call nothing else.

Every method takes plain callables for progress and cancel, and SimpleITK images or file paths for data.
"""

from typing import Any, Dict, Optional

import SimpleITK as sitk

from .job import CancelCallback, Job, ProgressCallback


class Engine:
    """Registration, segmentation, training and evaluation without any widget.

    Args:
        progress: called with (fraction in [0, 1], stage message).
        cancelled: returns True once the user asked to stop; the running method then raises Cancelled.

    Example:
        >>> engine = Engine(progress=lambda fraction, message: print(f"{fraction:.0%} {message}"))  # doctest: +SKIP
        >>> result = engine.register(fixed, moving)                                                 # doctest: +SKIP
        >>> result.save_transforms("out")                                                           # doctest: +SKIP
    """

    def __init__(self, progress: Optional[ProgressCallback] = None, cancelled: Optional[CancelCallback] = None):
        self._job = Job(progress, cancelled)

    def register(
        self,
        fixed: sitk.Image,
        moving: sitk.Image,
        fixed_masks: Optional[sitk.Image] = None,
        moving_masks: Optional[sitk.Image] = None,
        options=None,
    ):
        """Register two volumes; see :func:`.registration.register`."""
        from .registration import register

        return register(fixed, moving, fixed_masks, moving_masks, options, self._job)

    def measure(
        self,
        result,
        fixed_labels: Optional[sitk.Image] = None,
        moving_labels: Optional[sitk.Image] = None,
        fixed_landmarks=None,
        moving_landmarks=None,
    ) -> Dict[str, Any]:
        """Measure a registration result.

        Returns:
            "before" (the pair as it lies in space) and "after", each as :func:`.metrics.measure` gives it; only "after"
            has the regularity of the deformation.

        Raises:
            InputError: landmarks that cannot be paired.
        """
        from .geometry.grid import Grid
        from .metrics import jacobian_image, measure

        data = (fixed_labels, moving_labels, fixed_landmarks, moving_landmarks)
        jacobian = jacobian_image(result.transform, Grid.of(result.fixed))
        return {
            "before": measure(sitk.Transform(3, sitk.sitkIdentity), *data),
            "after": measure(result.transform, *data, jacobian=jacobian),
        }

    def train(self, config) -> Dict[str, Any]:
        """Train the registration network as a TOML file says; see :func:`.training.trainer.train`."""
        from .training.config import read_config
        from .training.trainer import train

        return train(read_config(config), self._job)

    def evaluate(self, config) -> Dict[str, Any]:
        """Tables over the pairs of a data list as a TOML file says; see :func:`.training.evaluate.evaluate`."""
        from .training.evaluate import evaluate, read_evaluation

        return evaluate(read_evaluation(config), self._job)
