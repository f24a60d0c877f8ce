"""``sam-registration metrics``: measure a registration with labels and landmarks."""

import statistics
from typing import Dict, List, Optional

from ..errors import InputError
from .console import add_output_options, show, table


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "metrics",
        help="measure how well labels and landmarks agree",
        description="Dice, surface distances, landmark errors and regularity of a registration. Without a transform, "
        "the moving labels and landmarks are compared where they are.",
    )
    parser.add_argument("--fixed-labels", metavar="FILE", help="label map of the fixed image")
    parser.add_argument("--moving-labels", metavar="FILE", help="label map of the moving image")
    parser.add_argument("--fixed-landmarks", metavar="FILE", help="landmarks, .csv (x, y, z in LPS mm) or .mrk.json")
    parser.add_argument("--moving-landmarks", metavar="FILE", help="their counterparts in the moving image")
    parser.add_argument("--transform", metavar="FILE", help="maps fixed points to moving points (transform.h5)")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Print the metrics as a table or as JSON."""
    labels = _both(options.fixed_labels, options.moving_labels, "labels")
    landmarks = _both(options.fixed_landmarks, options.moving_landmarks, "landmarks")
    if not labels and not landmarks:
        raise InputError("Nothing to measure: give label maps or landmarks of both images.")
    import SimpleITK as sitk

    transform = _read_transform(options.transform) if options.transform else sitk.Transform(3, sitk.sitkIdentity)
    result: Dict = {}
    if labels:
        result.update(_label_metrics(options, transform))
    if landmarks:
        result["landmarks"] = _landmark_metrics(options, transform)
    show(options, result, _text(result))


def _both(fixed: Optional[str], moving: Optional[str], what: str) -> bool:
    if bool(fixed) != bool(moving):
        raise InputError(f"Give {what} of both images: --fixed-{what} and --moving-{what}.")
    return bool(fixed)


def _label_metrics(options, transform) -> Dict:
    from ..geometry.grid import Grid
    from ..geometry.resample import warp_labels
    from ..metrics import compare_labels, deformation_statistics, jacobian_image

    fixed, moving = _read_labels(options.fixed_labels), _read_labels(options.moving_labels)
    grid = Grid.of(fixed)
    structures = compare_labels(fixed, warp_labels(moving, transform, grid))
    if not structures:
        raise InputError("There is no structure to measure: the label maps hold only background.")
    result: Dict = {"structures": [structure.as_dict() for structure in structures]}
    if options.transform:
        result["deformation"] = deformation_statistics(jacobian_image(transform, grid)).as_dict()
    return result


def _landmark_metrics(options, transform) -> Dict:
    from ..metrics import pair_landmarks, target_registration_errors
    from ..points import read_points

    fixed, moving = pair_landmarks(read_points(options.fixed_landmarks), read_points(options.moving_landmarks))
    errors = target_registration_errors(fixed.points, moving.points, transform).tolist()
    return {"mean_mm": statistics.fmean(errors), "largest_mm": max(errors), "errors_mm": errors, "names": fixed.names}


def _text(result: Dict) -> str:
    parts: List[str] = []
    if "structures" in result:
        structures = result["structures"]
        rows = [[s["label"], f"{s['dice']:.3f}", _mm(s["hd95_mm"]), _mm(s["assd_mm"])] for s in structures]
        rows.append(["mean", f"{_mean(structures, 'dice'):.3f}"] + [_mm(_mean(structures, m)) for m in _DISTANCES])
        parts.append(table(["structure", "Dice", "HD95 mm", "ASSD mm"], rows))
    if "landmarks" in result:
        landmarks = result["landmarks"]
        parts.append(
            f"TRE of {len(landmarks['errors_mm'])} landmarks: mean {landmarks['mean_mm']:.2f} mm, "
            f"largest {landmarks['largest_mm']:.2f} mm"
        )
    if "deformation" in result:
        d = result["deformation"]
        parts.append(
            f"SDlogJ {d['sd_log_jacobian']:.3f} (Learn2Reg form {d['sd_log_jacobian_learn2reg']:.3f}), folded voxels "
            f"{d['folded_voxels']} ({100 * d['folded_fraction']:.3f} %), J from {d['smallest_jacobian']:.2f} "
            f"to {d['largest_jacobian']:.2f}"
        )
    return "\n\n".join(parts)


_DISTANCES = ("hd95_mm", "assd_mm")


def _mean(structures: List[Dict], key: str) -> Optional[float]:
    values = [structure[key] for structure in structures if structure[key] is not None]
    return statistics.fmean(values) if values else None


def _mm(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.2f}"


def _read_labels(path: str):
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(path)
    except RuntimeError as error:
        raise InputError(f"The label map {path} cannot be read.") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"The label map {path} is not a 3D image with one value per voxel.")
    whole = sitk.Cast(image, sitk.sitkInt32)
    if image.GetPixelID() in (sitk.sitkFloat32, sitk.sitkFloat64):
        import numpy as np

        if not np.array_equal(sitk.GetArrayViewFromImage(image), sitk.GetArrayViewFromImage(whole)):
            raise InputError(f"The label map {path} holds values that are not whole numbers.")
    return whole


def _read_transform(path: str):
    import SimpleITK as sitk

    try:
        transform = sitk.ReadTransform(path)
    except RuntimeError as error:
        raise InputError(f"The transform {path} cannot be read.") from error
    if transform.GetDimension() != 3:
        raise InputError(f"The transform {path} is not three-dimensional.")
    return transform
