"""The one way in to long work, for command line, module and Python: plain functions that take a Job.

A function of another room that takes a Job is called through this module only (`Testing/unit/test_architecture.py`).
Images are SimpleITK images, points LPS millimeters; numerical libraries are imported when a function is called.
"""

from typing import Any, Dict, Optional, Tuple

from .choices import AUTO, BUILT_IN_CLICK_MODEL
from .job import Job
from .system_errors import translated


def register(
    fixed, moving, fixed_masks=None, moving_masks=None, options=None, job: Optional[Job] = None, guidance=None
):
    """Register two volumes; see :func:`.registration.register` for arguments, errors and the result."""
    from .registration import register as register_volumes

    return register_volumes(fixed, moving, fixed_masks, moving_masks, options, job, guidance)


def update(earlier, corrections, options=None, job: Optional[Job] = None):
    """Correct a result where it is wrong; see :func:`.registration.update` for arguments, errors and the result."""
    from .registration import update as update_result

    return update_result(earlier, corrections, options, job)


def register_from_prompts(
    fixed,
    moving,
    fixed_prompts,
    moving_prompts=None,
    options=None,
    model=BUILT_IN_CLICK_MODEL,
    job: Optional[Job] = None,
    guidance=None,
) -> Tuple[Any, Any, Any]:
    """The whole method: from clicks to masks of both images to the deformation.

    Args:
        fixed_prompts, moving_prompts: :class:`.segmentation.prompts.PromptSet`; without the second one the clicks of
            the fixed image are carried over.
        options: see :class:`.registration.RegistrationOptions`.
        model: what turns clicks into masks; see :func:`.segmentation.models.open_predictor`.
        guidance: see :class:`.registration.Guidance`.

    Returns:
        (result, fixed masks, moving masks), the masks as :class:`.volumes.StructureMasks`: they may overlap.
    """
    from .registration import RegistrationOptions
    from .registration.prompted import masks_from_prompts

    options, job = options or RegistrationOptions(), job or Job()
    predictor = open_click_model(model, options.device, job)
    with translated("The segmentation"):
        made = masks_from_prompts(
            fixed, moving, fixed_prompts, moving_prompts, predictor, options, job.part(0.0, 0.6), guidance
        )
    result = register(fixed, moving, made.fixed, made.moving, options, job.part(0.6, 1.0), guidance)
    return result.with_notes(made.notes), made.fixed, made.moving


def open_click_model(model: str = BUILT_IN_CLICK_MODEL, device: str = AUTO, job: Optional[Job] = None):
    """What turns clicks into masks; see :func:`.segmentation.models.open_predictor`."""
    from .segmentation.models import open_predictor

    return open_predictor(model, device, job=job)


def segment(image, prompts, model: str = BUILT_IN_CLICK_MODEL, device: str = AUTO, job: Optional[Job] = None):
    """Label image of the structures clicked in `prompts`; see :func:`.segmentation.labels.flattened`."""
    from .segmentation.labels import flattened

    return flattened(segment_structures(image, prompts, model, device, job), prompts)


def segment_structures(
    image, prompts, model: str = BUILT_IN_CLICK_MODEL, device: str = AUTO, job: Optional[Job] = None
):
    """The structures clicked in `prompts`, which may overlap; see :func:`.segmentation.volume.segment_structures`.

    Returns:
        :class:`.volumes.StructureMasks`.
    """
    from .segmentation.volume import segment_structures as segment_volume

    job = job or Job()
    predictor = open_click_model(model, device, job)
    with translated("The segmentation"):
        return segment_volume(image, prompts, predictor, job)


def jacobian_map(transform, grid, job: Optional[Job] = None):
    """Jacobian determinant of a transform on a grid of the fixed image; see :func:`.metrics.jacobian_image`."""
    from .metrics import jacobian_image

    return jacobian_image(transform, grid, job)


def displacement_map(transform, grid, linear=None, job: Optional[Job] = None):
    """How far a transform moves every voxel center of a grid, mm; see :func:`.metrics.displacement_magnitude`."""
    from .metrics import displacement_magnitude

    return displacement_magnitude(transform, grid, linear, job)


def measure(
    transform,
    fixed_labels=None,
    moving_labels=None,
    fixed_landmarks=None,
    moving_landmarks=None,
    jacobian=None,
    guidance=None,
) -> Dict[str, Any]:
    """Measure a registration, and the pair as it lies in space without it.

    Args:
        transform: maps fixed points to moving points (LPS mm).
        fixed_labels, moving_labels: label images, or :class:`.volumes.StructureMasks`: they may overlap.
        fixed_landmarks, moving_landmarks: corresponding :class:`.points.PointList`.
        jacobian: map of :func:`jacobian_map`, for the regularity of the deformation.
        guidance: :class:`.registration.Guidance` that was followed; its landmarks are measured apart from the others.

    Returns:
        "before" and "after", each as :func:`.metrics.measure` gives it; only "after" has the regularity.

    Raises:
        InputError: landmarks that cannot be paired, or an image that is no label map.
    """
    import SimpleITK as sitk

    from .metrics import measure as measure_transform

    data = (fixed_labels, moving_labels, fixed_landmarks, moving_landmarks)
    guides = None if guidance is None else (guidance.fixed_landmarks, guidance.moving_landmarks)
    return {
        "before": measure_transform(sitk.Transform(3, sitk.sitkIdentity), *data, guides=guides),
        "after": measure_transform(transform, *data, jacobian=jacobian, guides=guides),
    }


def train(config, job: Optional[Job] = None) -> Dict[str, Any]:
    """Train the registration network as a TOML file says; see :func:`.training.registration.trainer.train`."""
    from .training.registration.config import read_config
    from .training.registration.trainer import train as train_network

    training = read_config(config)
    with translated("The training"):
        return train_network(training, job)


def train_sam(config, resume: bool = False, job: Optional[Job] = None) -> Dict[str, Any]:
    """Train the built-in click model as a TOML file says; see :func:`.training.clicks.trainer.train_sam`.

    Returns:
        "weights" (path of the file) and "history" (rows of loss and validation Dice).
    """
    from .training.clicks.config import read_config
    from .training.clicks.trainer import read_log
    from .training.clicks.trainer import train_sam as train_click_model

    training = read_config(config)
    with translated("The training"):
        weights = train_click_model(training, resume=resume, job=job)
    return {"weights": str(weights), "history": read_log(weights.parent)}


def propose_masks(images, modality: str, teacher, output, job: Optional[Job] = None, **choices) -> int:
    """Let the LiteMedSAM weights in the file `teacher` propose masks on unlabeled volumes; how many there are.

    See :func:`.training.clicks.proposals.propose_masks` for the other arguments.
    """
    from .training.clicks.proposals import propose_masks as propose
    from .training.clicks.teacher import LiteMedSamTeacher

    return propose(images, modality, LiteMedSamTeacher(teacher), output, **choices, job=job)


def evaluate(config, job: Optional[Job] = None) -> Dict[str, Any]:
    """Tables over the pairs of a data list as TOML says; see :func:`.training.registration.evaluate.evaluate`."""
    from .training.registration.evaluate import evaluate as evaluate_methods
    from .training.registration.evaluate import read_evaluation

    evaluation = read_evaluation(config)
    with translated("The evaluation"):
        return evaluate_methods(evaluation, job)


def check_data_list(data, job: Optional[Job] = None) -> None:
    """Read every file of a data list once; see :func:`.training.registration.check.check_data_list`."""
    from .training.registration.check import check_data_list as check

    check(data, job)


def sequence_motions(read, count: int, reference: int, options=None, job: Optional[Job] = None, known=None):
    """The motions of the frames of a sequence against one of them; see :func:`.sequences.chain.motions`."""
    from .sequences.chain import motions

    return motions(read, count, reference, options, job, known)


def register_sequence(frames, folder, reference: int = 0, job: Optional[Job] = None, **choices) -> Dict[str, Any]:
    """Register all frames of a sequence to one of them, from files to files.

    See :func:`.sequences.registering.register_sequence` for the other arguments, the files and the errors.
    """
    from .sequences.registering import register_sequence as register_frames

    return register_frames(frames, folder, reference, job=job, **choices)


def write_forms(result, forms, folder, fixed=None, moving=None, moving_volume=None, job: Optional[Job] = None):
    """Write a result in the forms of other programs; see :func:`.export.write_forms`."""
    from .export import write_forms as write

    with translated("The export"):
        return write(result, forms, folder, fixed, moving, moving_volume, job)


def run_batch(pairs, folder, arguments=(), jobs=None, memory_bytes=None, part=None, job: Optional[Job] = None):
    """Register many pairs, each in a process of its own; see :func:`.batch.running.run_batch`."""
    from .batch.running import run_batch as run_pairs

    return run_pairs(pairs, folder, arguments, jobs, memory_bytes, part, job)
