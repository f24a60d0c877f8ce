"""``sam-registration metrics``: measure a registration with labels and landmarks."""

from typing import Dict, List, Optional

from ..errors import InputError
from ..quantities import number_text
from .console import add_output_options, say, show, table


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

    from .. import engine
    from ..geometry.transforms import read_transform
    from ..metrics import comparison_notes, measure
    from ..points import read_points
    from ..volumes import read_labels

    transform = read_transform(options.transform) if options.transform else sitk.Transform(3, sitk.sitkIdentity)
    inputs: Dict = {}
    if labels:
        inputs.update(fixed_labels=read_labels(options.fixed_labels), moving_labels=read_labels(options.moving_labels))
        if options.transform:
            inputs["jacobian"] = engine.jacobian_map(transform, inputs["fixed_labels"].grid)
    if landmarks:
        inputs["fixed_landmarks"] = read_points(options.fixed_landmarks)
        inputs["moving_landmarks"] = read_points(options.moving_landmarks)
    result = measure(transform, **inputs)
    notes = comparison_notes(inputs["fixed_labels"], inputs["moving_labels"]) if labels else []
    for note in notes:
        say(options, f"Note: {note}")
    show(options, {**result, "notes": notes}, _text(result))


def _both(fixed: Optional[str], moving: Optional[str], what: str) -> bool:
    if bool(fixed) != bool(moving):
        raise InputError(f"Give {what} of both images: --fixed-{what} and --moving-{what}.")
    return bool(fixed)


def _text(result: Dict) -> str:
    from ..metrics import mean_over_structures

    parts: List[str] = []
    if "structures" in result:
        structures = result["structures"]
        columns = (("dice", 3), ("hd95_mm", 2), ("assd_mm", 2))
        rows = [
            [s["name"] or s["label"], *(number_text(s[key], digits) for key, digits in columns)] for s in structures
        ]
        means = [number_text(mean_over_structures(structures, key), digits) for key, digits in columns]
        rows.append(["mean", *means])
        parts.append(table(["structure", "Dice", "HD95 mm", "ASSD mm"], rows))
    if "landmarks" in result:
        landmarks = result["landmarks"]
        parts.append(
            f"TRE of {len(landmarks['errors_mm'])} landmarks: mean {number_text(landmarks['mean_mm'], 2)} mm, "
            f"largest {number_text(landmarks['largest_mm'], 2)} mm"
        )
    if "deformation" in result:
        d = result["deformation"]
        parts.append(
            f"SDlogJ {d['sd_log_jacobian']:.3f} (Learn2Reg form {d['sd_log_jacobian_learn2reg']:.3f}), folded voxels "
            f"{d['folded_voxels']} ({100 * d['folded_fraction']:.3f} %), J from {d['smallest_jacobian']:.2f} "
            f"to {d['largest_jacobian']:.2f}"
        )
    return "\n\n".join(parts)
