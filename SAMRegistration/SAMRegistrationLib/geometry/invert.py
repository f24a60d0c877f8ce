"""The inverse of transforms; that of dense parts is found by iteration."""

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from .grid import Grid
from .transforms import continued, parts_of, physical_displacement, transform_points, voxel_displacement

ITERATIONS = 60
NEAR_ENOUGH = 0.01  # voxels; where the iteration stops
NO_INVERSE = "The initial transform has no inverse; give a rigid, affine or smooth deformable one."
FAR = 0.5  # voxels; a field whose inverse misses by more folds or is torn


def inverse_of(transform: sitk.Transform) -> sitk.Transform:
    """The inverse of a transform, whose parts may be dense.

    Linear transforms give theirs. For dense parts (displacement fields, B-splines), ``v(y) = -u(y + v(y))`` is
    iterated, the fixed-point method of Chen et al., Med. Phys. 35, 2008. Beyond its grid a field fades to zero within
    some voxels, where a transform of ITK would end at once.

    Raises:
        InputError: a part has no inverse, because it folds, or is of an unknown kind.
    """
    parts = [_inverse_of_part(part) for part in reversed(parts_of(transform))]
    return parts[0] if len(parts) == 1 else sitk.CompositeTransform(parts)


def _inverse_of_part(part: sitk.Transform) -> sitk.Transform:
    if part.GetTransformEnum() == sitk.sitkDisplacementField:
        return _inverse_of_field(sitk.DisplacementFieldTransform(part).GetDisplacementField())
    if part.GetTransformEnum() == sitk.sitkBSplineTransform:
        return _inverse_of_field(_sampled(sitk.BSplineTransform(part)))
    try:
        inverse = part.GetInverse()
    except RuntimeError as error:
        raise InputError(NO_INVERSE) from error
    if not np.allclose(transform_points(inverse, transform_points(part, np.eye(3))), np.eye(3), atol=1e-6):
        raise InputError(NO_INVERSE)
    return inverse


def _sampled(spline: sitk.BSplineTransform) -> sitk.Image:
    """The displacement of a B-spline on a grid of four samples to each of its mesh, over its domain."""
    direction = np.array(spline.GetTransformDomainDirection()).reshape(3, 3)
    size = np.array(spline.GetTransformDomainMeshSize()) * 4 + 1
    spacing = np.array(spline.GetTransformDomainPhysicalDimensions()) / (size - 1)
    return sitk.TransformToDisplacementField(
        spline,
        sitk.sitkVectorFloat64,
        size.tolist(),
        spline.GetTransformDomainOrigin(),
        spacing.tolist(),
        direction.ravel().tolist(),
    )


def _inverse_of_field(field: sitk.Image) -> sitk.DisplacementFieldTransform:
    """The inverse of a displacement field (LPS mm), which is continued beyond its grid.

    Raises:
        InputError: the iteration does not come to an end, because the field folds.
    """
    vectors = sitk.GetArrayFromImage(sitk.Cast(field, sitk.sitkVectorFloat64))
    faded, grid = continued(voxel_displacement(vectors, Grid.of(field)), Grid.of(field))
    image = grid.image(physical_displacement(faded, grid))
    inverse = -sitk.GetArrayFromImage(image)
    for _ in range(ITERATIONS):
        back = sitk.DisplacementFieldTransform(grid.image(inverse))
        pulled = sitk.Resample(image, grid.empty_image(), back, sitk.sitkLinear, 0.0, sitk.sitkVectorFloat64)
        found = -sitk.GetArrayFromImage(pulled)
        change = np.abs((found - inverse) @ np.linalg.inv(grid.axes).T).max()
        inverse = found
        if change < NEAR_ENOUGH:
            break
    if change > FAR:
        raise InputError("The initial transform folds, so it has no inverse; give a smoother one.")
    return sitk.DisplacementFieldTransform(grid.image(inverse))
