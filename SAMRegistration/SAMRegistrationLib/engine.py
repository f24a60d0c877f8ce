"""The one door to everything that computes: the command line and the Slicer module call nothing else.

Every method takes plain callables for progress and cancel, and SimpleITK images or file paths for data.
"""

from typing import Any, Dict, List, Optional, Tuple

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
        fixed_masks=None,
        moving_masks=None,
        options=None,
    ):
        """Register two volumes; see :func:`.registration.register`."""
        from .registration import register

        return register(fixed, moving, fixed_masks, moving_masks, options, self._job)

    def segment(self, image: sitk.Image, prompts, model: str = "compact", device: str = "auto") -> sitk.Image:
        """Label image of the structures clicked in `prompts`; see :func:`.segmentation.volume.segment_volume`."""
        from .segmentation.labels import flattened

        return flattened(self.segment_structures(image, prompts, model, device), prompts)

    def segment_structures(self, image: sitk.Image, prompts, model: str = "compact", device: str = "auto"):
        """The structures clicked in `prompts`, which may overlap; see :func:`.segmentation.volume.segment_structures`.

        Returns:
            :class:`.volumes.StructureMasks`.
        """
        from .segmentation.models import open_predictor
        from .segmentation.volume import segment_structures

        return segment_structures(image, prompts, open_predictor(model, device, job=self._job), self._job)

    def register_from_prompts(
        self, fixed: sitk.Image, moving: sitk.Image, fixed_prompts, moving_prompts=None, options=None, model="compact"
    ) -> Tuple[Any, Any, Any]:
        """The whole method: from clicks to masks of both images to the deformation.

        Args:
            fixed_prompts, moving_prompts: :class:`.segmentation.prompts.PromptSet`; without the second one the clicks
                of the fixed image are carried over.
            options: see :class:`.registration.RegistrationOptions`.
            model: what turns clicks into masks; see :func:`.segmentation.models.open_predictor`.

        Returns:
            (result, fixed masks, moving masks), the masks as :class:`.volumes.StructureMasks`: they may overlap.
        """
        from .registration import RegistrationOptions, register
        from .registration.prompted import masks_from_prompts
        from .segmentation.models import open_predictor

        options = options or RegistrationOptions()
        predictor, notes = open_predictor(model, options.device, job=self._job), []
        masks = masks_from_prompts(
            fixed, moving, fixed_prompts, moving_prompts, predictor, options, self._job.part(0.0, 0.6), notes
        )
        result = register(fixed, moving, *masks, options, self._job.part(0.6, 1.0))
        result.notes.extend(notes)
        return (result, *masks)

    def train_sam(self, config, resume: bool = False) -> Dict[str, Any]:
        """Train the compact click model as a TOML file says; see :func:`.training.clicks.trainer.train_sam`.

        Returns:
            "weights" (path of the file) and "history" (rows of loss and validation Dice).
        """
        from .training.clicks.config import read_config
        from .training.clicks.trainer import read_log, train_sam

        weights = train_sam(read_config(config), resume=resume, job=self._job)
        return {"weights": str(weights), "history": read_log(weights.parent)}

    def propose_masks(self, images, modality: str, teacher, output, **choices) -> int:
        """Let the LiteMedSAM weights in the file `teacher` propose masks on unlabelled volumes; how many there are.

        See :func:`.training.clicks.proposals.propose_masks` for the other arguments.
        """
        from .training.clicks.proposals import propose_masks
        from .training.clicks.teacher import LiteMedSamTeacher

        return propose_masks(images, modality, LiteMedSamTeacher(teacher), output, **choices, job=self._job)

    def measure(
        self,
        result,
        fixed_labels=None,
        moving_labels=None,
        fixed_landmarks=None,
        moving_landmarks=None,
        notes: Optional[List[str]] = None,
    ) -> Dict[str, Any]:
        """Measure a registration result.

        Args:
            fixed_labels, moving_labels: label images, or :class:`.volumes.StructureMasks`: they may overlap.
            fixed_landmarks, moving_landmarks: corresponding :class:`.points.PointList`.
            notes: receives sentences about structures that cannot be compared.

        Returns:
            "before" (the pair as it lies in space) and "after", each as :func:`.metrics.measure` gives it; only "after"
            has the regularity of the deformation.

        Raises:
            InputError: landmarks that cannot be paired, or an image that is no label map.
        """
        from .geometry.grid import Grid
        from .metrics import jacobian_image, measure

        data = (fixed_labels, moving_labels, fixed_landmarks, moving_landmarks)
        jacobian = jacobian_image(result.transform, Grid.of(result.fixed))
        return {
            "before": measure(sitk.Transform(3, sitk.sitkIdentity), *data, notes=notes),
            "after": measure(result.transform, *data, jacobian=jacobian),
        }

    def train(self, config) -> Dict[str, Any]:
        """Train the registration network as a TOML file says; see :func:`.training.registration.trainer.train`."""
        from .training.registration.config import read_config
        from .training.registration.trainer import train

        return train(read_config(config), self._job)

    def evaluate(self, config) -> Dict[str, Any]:
        """Tables over the pairs of a data list as a TOML file says.

        See :func:`.training.registration.evaluate.evaluate`.
        """
        from .training.registration.evaluate import evaluate, read_evaluation

        return evaluate(read_evaluation(config), self._job)
