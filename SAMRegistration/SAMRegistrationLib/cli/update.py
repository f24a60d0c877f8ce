"""``sam-registration update``: correct a saved result where it is wrong, without starting over."""

import json
from pathlib import Path
from typing import Any, Dict

from ..choices import AUTO, MODALITIES
from ..errors import InputError
from ..quantities import number_text
from .console import add_output_options, console_job, say, show
from .guides import add_guides, files_read, read_guidance


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "update",
        help="correct a saved registration by points or changed masks, without starting over",
        description="Changes the transform around the corrections only, and writes the same files as register. Give "
        "all guiding landmarks, those that are met already too: they stay met.",
    )
    parser.add_argument("fixed", metavar="FIXED", help="fixed volume: an image file or a DICOM series folder")
    parser.add_argument("moving", metavar="MOVING", help="moving volume")
    parser.add_argument(
        "-r",
        "--result",
        metavar="DIR",
        required=True,
        help="folder that register or update wrote, or a transform file (fixed points to moving points) of any origin",
    )
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the corrected result")
    parser.add_argument("--device", default=AUTO, help="auto, cpu, cuda, or one of several GPUs: cuda:1")
    guide = parser.add_argument_group("corrections")
    guide.add_argument("--fixed-masks", metavar="FILE", help="label map of structures in the fixed volume, as now")
    guide.add_argument("--moving-masks", metavar="FILE", help="the same structures in the moving volume, as now")
    guide.add_argument(
        "--former-fixed-masks",
        metavar="FILE",
        help="the label map with which the result was made: it changes around what differs; default: around all that "
        "the masks say otherwise than the result",
    )
    guide.add_argument("--former-moving-masks", metavar="FILE", help="the same for the moving volume")
    add_guides(guide)
    parser.add_argument("--stiffness", type=float, default=1.0, metavar="NUMBER", help="see register")
    parser.add_argument("--fixed-modality", choices=MODALITIES, help="default: that of the result, or guessed")
    parser.add_argument("--moving-modality", choices=MODALITIES, help="default: that of the result, or guessed")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Read, correct, measure, write."""
    from .. import engine
    from ..files import keep_results, require_writable_folder
    from ..geometry.grid import Grid
    from ..registration import Corrections, Guidance, RegistrationOptions
    from ..report import FILES, write_results
    from ..volumes import load_volume, read_labels

    require_writable_folder(options.output)
    loaded = [load_volume(path) for path in (options.fixed, options.moving)]
    masks = [
        read_labels(path) if path else None
        for path in (
            options.fixed_masks,
            options.moving_masks,
            options.former_fixed_masks,
            options.former_moving_masks,
        )
    ]
    guidance = read_guidance(options) or Guidance()
    choices = RegistrationOptions(
        device=options.device,
        stiffness=options.stiffness,
        fixed_modality=options.fixed_modality,
        moving_modality=options.moving_modality,
    )
    earlier = _earlier(options.result, *(one.image for one in loaded))
    result = engine.update(earlier, Corrections(guidance, *masks), choices, console_job(options))
    result = result.with_notes(before=[note for one in loaded for note in one.notes])
    result = result.naming(files_read(options))
    jacobian = engine.jacobian_map(result.transform, Grid.of(result.fixed))
    measures = engine.measure(result.transform, *masks[:2], None, None, jacobian, guidance)
    summary = keep_results(
        options.output, lambda folder: write_results(folder, result, measures, *masks[:2]), replaces=FILES
    )
    for note in result.notes:
        say(options, f"Note: {note}")
    show(options, {"output": options.output, **summary}, _text(summary, options.output))


def _earlier(path: str, fixed, moving):
    """The result in a folder, with what it says of the volumes, or that of a transform file."""
    from dataclasses import replace

    from ..geometry.transforms import read_transform
    from ..registration import result_of

    folder = Path(path)
    if not folder.is_dir():
        return result_of(read_transform(path), fixed, moving)
    inverse = folder / "inverse.h5"
    result = result_of(
        read_transform(folder / "transform.h5"), fixed, moving, read_transform(inverse) if inverse.is_file() else None
    )
    return replace(result, facts=_facts(folder / "metrics.json"))


def _facts(path: Path) -> Dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")).get("facts") or {})
    except (ValueError, AttributeError, TypeError) as error:
        raise InputError(f"{path} is damaged; remove it, or give the transform file itself.") from error


def _text(summary: Dict[str, Any], folder: str) -> str:
    said, parts = summary["facts"]["update"], []
    for row in said.get("landmarks", ()):
        before, after = (number_text(row[f"{when}_mm"], 2) for when in ("before", "after"))
        parts.append(f"Landmark {row['name']}: {before} mm off before, {after} mm after")
    for row in said.get("structures", ()):
        before, after = (number_text(row[f"dice_{when}"], 3) for when in ("before", "after"))
        parts.append(f"Structure {row['name']}: Dice {before} before, {after} after, around the correction")
    elsewhere = number_text(said["largest_change_elsewhere_mm"], 2)
    parts.append(f"Farther than {said['reach_mm']:g} mm from corrections, nothing moved by more than {elsewhere} mm")
    parts.append(f"Folded voxels: {summary['after']['deformation']['folded_voxels']}")
    parts.append(f"Updated in {sum(summary['seconds'].values()):.1f} s; results in {folder}")
    return "\n".join(parts)
