"""Linear transforms and images in another unit of length."""

import numpy as np
import SimpleITK as sitk

DIGITS = 12


def in_units_of(image: sitk.Image, unit: float) -> sitk.Image:
    """The image with its geometry told in units of `unit` mm; the image itself where that is 1.

    Lengths are rounded to DIGITS, so that a volume whose header is told in another unit gives the same numbers.
    """
    if unit == 1:
        return image
    scaled = sitk.Image(image)
    scaled.SetSpacing([float(f"{value / unit:.{DIGITS}g}") for value in image.GetSpacing()])
    scaled.SetOrigin([float(f"{value / unit:.{DIGITS}g}") for value in image.GetOrigin()])
    return scaled


def of_units(transform: sitk.Transform, unit: float) -> sitk.Transform:
    """A rigid or affine transform of points told in units of `unit` mm as one of points in mm."""
    if unit == 1:
        return transform
    scaled = type(transform)(transform)
    scaled.SetCenter([value * unit for value in transform.GetCenter()])
    scaled.SetTranslation([value * unit for value in transform.GetTranslation()])
    return scaled


def inverted(transform: sitk.Transform) -> sitk.AffineTransform:
    """The inverse of a rigid or affine transform."""
    return affine_of(transform.GetInverse(), transform.TransformPoint(transform.GetCenter()))


def affine_of(transform: sitk.Transform, center=(0.0, 0.0, 0.0)) -> sitk.AffineTransform:
    """A linear transform of any kind as an affine one about `center`."""
    center = np.asarray(center, dtype=np.float64)
    origin = np.array(transform.TransformPoint(center.tolist()))
    steps = [np.array(transform.TransformPoint((center + step).tolist())) - origin for step in np.eye(3)]
    affine = sitk.AffineTransform(3)
    affine.SetCenter(center.tolist())
    affine.SetMatrix(np.transpose(steps).ravel().tolist())
    affine.SetTranslation((origin - center).tolist())
    return affine
