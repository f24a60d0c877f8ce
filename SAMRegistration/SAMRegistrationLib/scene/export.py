"""A result of nodes in the forms that other programs read.

Files know nothing of the parent transforms of a scene. So what is written fits the volumes as their files hold them:
points and voxels are in the coordinates that a volume has below its parents. Measures and the report are those of the
world, which the user sees.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import SimpleITK as sitk
import slicer
from slicer.i18n import tr as _

from .. import engine
from ..errors import InputError
from ..files import whole_files
from ..geometry.affine_maps import matrix_of
from ..geometry.frames import RAS_LPS
from ..geometry.grid import Grid
from ..geometry.linear import affine_of
from ..inside import inside
from ..job import Job
from ..volumes import StructureMasks
from .earlier import Earlier
from .landmarks import has_no_points
from .masks import SegmentMask, masks_of
from .pairing import one_side
from .run import Inputs, read
from .space import parent_to_world
from .transforms import carried
from .volumes import VolumeCopy

ITK = "itk"  # the folder that the command register writes
DICOM, DICOM_SEGMENTATION, DICOM_REGISTRATION = "dicom", "dicom-seg", "dicom-registration"


@dataclass(frozen=True)
class ShownResult:
    """A result as its nodes hold it now.

    Attributes:
        inputs: the pair in the world.
        warped, warped_masks: what the nodes show, in the world.
        earlier: both transforms.
        parents: of the fixed and of the moving volume, from its own coordinates to the world (LPS mm).
        files: of the DICOM instances that the volumes were loaded from; none for other volumes.
        names: of both volumes.
    """

    inputs: Inputs
    warped: VolumeCopy
    warped_masks: List[SegmentMask]
    earlier: Earlier
    parents: Tuple[sitk.AffineTransform, sitk.AffineTransform]
    files: Tuple[List[str], List[str]]
    names: Tuple[str, str]

    def names_patient(self, form: str) -> bool:
        """Whether DICOM objects of it belong to a patient: that of the moving series; structures, of the fixed one."""
        fixed, moving = self.files
        return bool(moving or (fixed and form == DICOM_SEGMENTATION))


def read_result(nodes) -> ShownResult:
    """Read a result and its pair; nothing in the scene changes. On the main thread.

    Args:
        nodes: what names them: the parameter node.

    Raises:
        InputError: the nodes do not belong together any more, or a volume is under a deformable transform.
    """
    pair = (nodes.fixedVolume, nodes.movingVolume)
    kind = slicer.vtkMRMLTransformNode
    roles = (kind.GetFixedNodeReferenceRole(), kind.GetMovingNodeReferenceRole())
    if any(nodes.resultTransform.GetNodeReference(role) is not node for role, node in zip(roles, pair)):
        raise InputError(_("The result is one of other volumes; choose those again, or register these."))
    lists = ((nodes.fixedLandmarks, nodes.movingLandmarks), (nodes.fixedHeldOut, nodes.movingHeldOut))
    landmarks = [(None, None) if has_no_points(both) else both for both in lists]
    inputs = read(*pair, nodes.fixedSegmentation, nodes.movingSegmentation, *landmarks)
    warped = VolumeCopy(nodes.resultVolume)
    if not warped.grid.matches(inputs.fixed.grid):
        raise InputError(_("The fixed volume was changed since the registration; register again."))
    return ShownResult(
        inputs,
        warped,
        [] if nodes.resultSegmentation is None else masks_of(nodes.resultSegmentation),
        Earlier(nodes.resultTransform, nodes.resultInverse),
        tuple(_parent(node) for node in pair),
        tuple(_dicom_files(node) for node in pair),
        tuple(node.GetName() for node in pair),
    )


def write_result(result: ShownResult, form: str, folder: str, job: Optional[Job] = None) -> List[Path]:
    """Write a result into the folder of that name in a folder; may run on any thread.

    Args:
        form: ITK, or one of :data:`..choices.EXPORTS`.

    Returns:
        The files.

    Raises:
        InputError: the form cannot hold the result, or something that it needs is missing.
        PackageError: a package is not installed that writes it.
        Canceled: through `job`.
    """
    from ..export import SavedResult, read_saved

    job = job or Job()
    job.update(0.0, "Reading")
    inputs = result.inputs
    in_world = result.earlier.result(inputs.fixed.image, inputs.moving.image)
    own = _in_own_coordinates(in_world, *result.parents)
    if form == ITK:
        return _write_folder(result, in_world, own, inside(folder, ITK), job)
    title = _("{moving} to {fixed}").format(fixed=result.names[0], moving=result.names[1])
    if form == "pdf":
        with tempfile.TemporaryDirectory(prefix="samregistration-") as temporary:
            _write_folder(result, in_world, in_world, Path(temporary), job.part(0.0, 0.8))
            return engine.write_forms(replace(read_saved(temporary), title=title), [form], folder)
    fixed, moving = _sources(result, form)
    forms = [DICOM, form] if form == DICOM_SEGMENTATION and fixed is None else [form]
    saved = SavedResult(
        own.transform,
        own.inverse,
        _carried(result.warped.image, result.parents[0]),
        _carried_masks(one_side(_marked(result.warped_masks), inputs.fixed.grid), result.parents[0]),
        in_world.summary(),
        Path(folder),
        own.linear,
        title,
    )
    return engine.write_forms(saved, forms, folder, fixed, moving, own.moving, job.part(0.5, 1.0))


def _write_folder(result: ShownResult, in_world, written, folder: Path, job: Job) -> List[Path]:
    """What the command register writes, of the result in some coordinates with the measures of the world."""
    from ..registration import Guidance
    from ..report.results import FILES, write_results

    inputs = result.inputs
    masks = (
        one_side(_marked(inputs.fixed_masks), inputs.fixed.grid),
        one_side(_marked(inputs.moving_masks), inputs.moving.grid),
    )
    job.update(0.1, "Measuring")
    jacobian = engine.jacobian_map(in_world.transform, inputs.fixed.grid, job)
    guides = None if inputs.landmarks is None else Guidance(inputs.landmarks.fixed, inputs.landmarks.moving)
    held_out = (None, None) if inputs.held_out is None else (inputs.held_out.fixed, inputs.held_out.moving)
    measures = engine.measure(in_world.transform, *masks, *held_out, jacobian, guides)
    job.update(0.6, "Writing")
    if written is not in_world:
        masks = tuple(_carried_masks(side, parent) for side, parent in zip(masks, result.parents))
    with whole_files(folder, FILES) as staging:
        write_results(staging, written, measures, *masks)
        names = sorted(path.name for path in staging.iterdir())
    return [folder / name for name in names]


def _sources(result: ShownResult, form: str):
    """The DICOM series of both volumes; None for other volumes, and where the form does not ask for them."""
    from ..export import source_of

    if form not in (DICOM, DICOM_SEGMENTATION, DICOM_REGISTRATION):
        return None, None
    found = [source_of(files) if files else None for files in result.files]
    placed = (result.inputs.fixed.grid, result.inputs.moving.grid)[: 2 if form == DICOM_REGISTRATION else 1]
    for source, grid, parent, name in zip(found, placed, result.parents, result.names):
        if source is not None and not source.has_corners(carried(grid, parent.GetInverse())):
            text = _("{name} does not lie any more as its DICOM series does; load the series again and register that.")
            raise InputError(text.format(name=name))
    return found


def _in_own_coordinates(result, fixed: sitk.AffineTransform, moving: sitk.AffineTransform):
    """A RegistrationResult of the world between the own coordinates of both volumes, given their parents."""
    forward = _joined([moving.GetInverse(), result.transform, fixed])
    backward = _joined([fixed.GetInverse(), result.inverse, moving])
    linear = affine_of(_joined([moving.GetInverse(), result.linear, fixed]))
    images = (_carried(result.fixed, fixed), _carried(result.moving, moving))
    return replace(result, transform=forward, inverse=backward, linear=linear, fixed=images[0], moving=images[1])


def _joined(parts: Sequence[sitk.Transform]) -> sitk.CompositeTransform:
    """Transforms one after the other, the last one first, without those that do nothing."""
    return sitk.CompositeTransform([part for part in parts if not _does_nothing(part)] or [sitk.AffineTransform(3)])


def _does_nothing(transform: sitk.Transform) -> bool:
    return transform.IsLinear() and bool(np.array_equal(matrix_of(transform), np.eye(4)))


def _carried(image: sitk.Image, parent: sitk.AffineTransform) -> sitk.Image:
    """An image of the world in the own coordinates of a volume below a parent."""
    if _does_nothing(parent):
        return image
    return carried(Grid.of(image), parent.GetInverse()).image(sitk.GetArrayViewFromImage(image))


def _carried_masks(masks: Optional[StructureMasks], parent: sitk.AffineTransform) -> Optional[StructureMasks]:
    return None if masks is None else masks.with_layers(lambda layer: _carried(layer, parent))


def _marked(masks: Sequence[SegmentMask]) -> List[SegmentMask]:
    return [mask for mask in masks if mask.image is not None]


def _parent(node) -> sitk.AffineTransform:
    matrix = RAS_LPS @ parent_to_world(node) @ RAS_LPS
    parent = sitk.AffineTransform(3)
    parent.SetMatrix(matrix[:3, :3].ravel().tolist())
    parent.SetTranslation(matrix[:3, 3].tolist())
    return parent


def _dicom_files(node) -> List[str]:
    """Files of the DICOM instances that a volume node was loaded from; none where one of them is not there any more."""
    database = getattr(slicer, "dicomDatabase", None)
    instances = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    files = [] if database is None else [database.fileForInstance(instance) for instance in instances]
    return files if all(file and Path(file).is_file() for file in files) else []
