"""``sam-registration register``: register a pair of volumes and write everything about it."""

from typing import Any, Dict, List

from ..choices import CLICKED_TOLERANCE
from ..errors import InputError
from ..quantities import number_text
from .console import add_driven_option, add_output_options, console_job, say, say_needs, show, table
from .guides import add_guides, files_read, read_guidance
from .settings import add_settings


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "register",
        help="register a moving volume to a fixed one",
        description="Writes transform.h5 (fixed points to moving points), inverse.h5, warped.nii.gz, metrics.json, "
        "report.html, report.png and, with labels, warped_labels.nii.gz, or .seg.nrrd where structures overlap.",
    )
    parser.add_argument("fixed", metavar="FIXED", help="fixed volume: an image file or a DICOM series folder")
    parser.add_argument("moving", metavar="MOVING", help="moving volume")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the results")
    guide = parser.add_argument_group("guiding the registration")
    guide.add_argument("--fixed-masks", metavar="FILE", help="label map of structures in the fixed volume")
    guide.add_argument("--moving-masks", metavar="FILE", help="the same structures in the moving volume")
    guide.add_argument("--fixed-prompts", metavar="FILE", help="clicks in the fixed volume (JSON), made into masks")
    guide.add_argument("--moving-prompts", metavar="FILE", help="clicks in the moving volume; default: carried over")
    add_guides(guide)
    measure = parser.add_argument_group("only warped and measured")
    measure.add_argument("--fixed-labels", metavar="FILE", help="label map of the fixed volume")
    measure.add_argument("--moving-labels", metavar="FILE", help="label map of the moving volume")
    measure.add_argument("--fixed-landmarks", metavar="FILE", help="points, .csv (x, y, z in LPS mm) or .mrk.json")
    measure.add_argument("--moving-landmarks", metavar="FILE", help="their counterparts in the moving volume")
    parser.add_argument(
        "--initial-transform", metavar="FILE", help="start from this transform, not from a pre-alignment"
    )
    add_settings(parser)
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Read, register, measure, write."""
    from .. import engine
    from ..files import keep_results, require_writable_folder
    from ..geometry.grid import Grid
    from ..image_files import has_right_angles, write_image
    from ..metrics import comparison_notes
    from ..points import read_points
    from ..report import FILES, write_results
    from ..segmentation.prompts import PromptSet
    from ..volumes import load_volume, read_labels

    _check_guides(options)
    require_writable_folder(options.output)
    loaded = [load_volume(path) for path in (options.fixed, options.moving)]
    fixed, moving = (one.image for one in loaded)
    fixed_masks, moving_masks, fixed_labels, moving_labels = (
        read_labels(path) if path else None
        for path in (options.fixed_masks, options.moving_masks, options.fixed_labels, options.moving_labels)
    )
    landmarks = [read_points(path) if path else None for path in (options.fixed_landmarks, options.moving_landmarks)]
    choices, guidance = _choices(options), read_guidance(options)
    job = console_job(options)
    if options.fixed_prompts:
        prompts = [PromptSet.load(path) if path else None for path in (options.fixed_prompts, options.moving_prompts)]
        say_needs(options, options.sam_model)
        result, fixed_masks, moving_masks = engine.register_from_prompts(
            fixed, moving, *prompts, choices, options.sam_model, job, guidance
        )
    else:
        result = engine.register(fixed, moving, fixed_masks, moving_masks, choices, job, guidance)
    result = result.with_notes(before=[note for one in loaded for note in one.notes])
    measured = (fixed_masks, moving_masks)
    if fixed_labels or moving_labels:
        measured = (fixed_labels, moving_labels)
        result = result.with_notes(comparison_notes(fixed_labels, moving_labels))
    result = result.naming(files_read(options))
    jacobian = engine.jacobian_map(result.transform, Grid.of(fixed), job)
    measures = engine.measure(result.transform, *measured, *landmarks, jacobian, guidance)

    def write(folder):
        summary = write_results(folder, result, measures, *measured)
        ending = ".nii.gz" if has_right_angles(fixed) else ".nrrd"
        if options.displacement_magnitude:
            lengths = engine.displacement_map(result.transform, Grid.of(fixed), result.linear, job)
            write_image(lengths, folder / f"displacement_magnitude{ending}")
        if options.displacement_field:
            result.save_displacement_field(folder / f"displacement_field{ending}")
        return summary

    summary = keep_results(options.output, write, replaces=FILES)
    for note in result.notes:
        say(options, f"Note: {note}")
    show(options, {"output": options.output, **summary}, _text(summary, options.output))


def _check_guides(options) -> None:
    if options.moving_prompts and not options.fixed_prompts:
        raise InputError("Give --fixed-prompts as well: clicks are carried from the fixed to the moving volume.")
    if options.fixed_prompts and (options.fixed_masks or options.moving_masks):
        raise InputError("Give either prompts or masks, not both.")


def _choices(options):
    from ..geometry.transforms import read_transform
    from ..registration import RegistrationOptions

    without_network = {"use_network": False} if options.no_network else {}
    return RegistrationOptions.preset(
        options.preset,
        **without_network,
        prealignment=options.prealign,
        initial_transform=read_transform(options.initial_transform) if options.initial_transform else None,
        weights=options.weights,
        use_refinement=not options.no_refinement,
        stiffness=options.stiffness,
        mask_tolerance=_mask_tolerance(options),
        confidence=options.confidence_map,
        similarity=options.similarity,
        fixed_modality=options.fixed_modality,
        moving_modality=options.moving_modality,
        device=options.device,
    )


def _mask_tolerance(options) -> float:
    if options.mask_tolerance is not None:
        return options.mask_tolerance
    return CLICKED_TOLERANCE if options.fixed_prompts else 0.0


def _text(summary: Dict[str, Any], folder: str) -> str:
    from ..metrics import mean_over_structures
    from ..registration.agreement import agreement_text

    parts: List[str] = []
    before, after = summary["before"], summary["after"]
    if "structures" in after:
        first = {structure["label"]: structure for structure in before["structures"]}
        rows = [_row(s["name"] or s["label"], first.get(s["label"], {}), s) for s in after["structures"]]
        means = [
            {score: mean_over_structures(side["structures"], score) for score in ("dice", "hd95_mm")}
            for side in (before, after)
        ]
        rows.append(_row("mean", *means))
        parts.append(table(["structure", "Dice before", "after", "HD95 mm before", "after"], rows))
    for key, title in (("guiding_landmarks", "Error of guiding landmarks"), ("landmarks", "Landmark error")):
        if key in after:
            before_mm, after_mm = (number_text(side[key]["mean_mm"], 2) for side in (before, after))
            parts.append(f"{title}: {before_mm} mm before, {after_mm} mm after")
    deformation = after["deformation"]
    parts.append(
        f"Folded voxels: {deformation['folded_voxels']} ({100 * deformation['folded_fraction']:.3f} %), "
        f"SDlogJ {deformation['sd_log_jacobian']:.3f} (Learn2Reg form {deformation['sd_log_jacobian_learn2reg']:.3f})"
    )
    agreement = agreement_text(summary["facts"].get("image_agreement", {}))
    if agreement:
        parts.append(f"Local correlation of the images: {agreement}")
    differing = summary["facts"].get("disagreement")
    if differing:
        parts.append(
            f"Two solutions disagree by {differing['median_mm']:.2f} mm in the median, {differing['p95_mm']:.2f} mm at "
            f"the 95th percentile, more than a voxel in {100 * differing['share_above_voxel']:.1f} % of what is shown"
        )
    seconds = sum(summary["seconds"].values())
    parts.append(f"Registered in {seconds:.1f} s on {summary['facts']['device']}; results in {folder}")
    return "\n".join(parts)


def _row(name, before: Dict[str, Any], after: Dict[str, Any]) -> List[str]:
    cells = [
        number_text(side.get(score), digits)
        for score, digits in (("dice", 3), ("hd95_mm", 2))
        for side in (before, after)
    ]
    return [str(name), *cells]
