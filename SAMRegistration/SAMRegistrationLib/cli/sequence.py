"""``sam-registration sequence``: register all frames of a cine or a 4D CT to one of them."""

from ..choices import AUTO, BUILT_IN_CLICK_MODEL, MODALITIES, PRESET, PRESETS
from ..errors import InputError
from ..losses.similarity import SIMILARITIES, similarity_help
from ..quantities import number_text
from .console import add_driven_option, add_output_options, console_job, say_needs, show, table


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "sequence",
        help="register all frames of a cine or a 4D CT to one of them",
        description="Writes a folder for every frame (transform.h5, inverse.h5, labels) and the curves of volumes and "
        "points: volumes.csv, points.csv, sequence.json, sequence.html. Stopped and started again, it goes on.",
    )
    parser.add_argument("sequence", metavar="SEQUENCE", help="a 4D file, or a folder with a volume for every frame")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the results")
    parser.add_argument(
        "--reference", type=int, default=0, metavar="N", help="frame that the others are registered to, from 0"
    )
    parser.add_argument(
        "--cyclic", action="store_true", help="the first frame follows the last one, as in a cine of the heart"
    )
    parser.add_argument("--masks", metavar="FILE", help="label map of structures in the reference")
    parser.add_argument("--prompts", metavar="FILE", help="clicks in the reference (JSON), made into masks")
    parser.add_argument("--sam-model", default=BUILT_IN_CLICK_MODEL, help="model for the clicks")
    parser.add_argument(
        "--points", metavar="FILE", help="points in the reference, .csv (x, y, z in LPS mm) or .mrk.json"
    )
    parser.add_argument("--warped", action="store_true", help="also write every frame on the reference")
    parser.add_argument("--preset", choices=PRESETS, default=PRESET)
    parser.add_argument("--stiffness", type=float, default=1.0, metavar="NUMBER", help="see the command register")
    parser.add_argument("--similarity", choices=(AUTO, *SIMILARITIES), default=AUTO, help=similarity_help())
    parser.add_argument("--modality", choices=MODALITIES, help="default: guessed")
    parser.add_argument("--device", default=AUTO, help="auto, cpu, cuda, or one of several GPUs: cuda:1")
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(run=run, when_stopped="finished frames are kept, and the same command goes on from there")


def run(options) -> None:
    """Read, register, write."""
    from .. import engine
    from ..points import read_points
    from ..registration import RegistrationOptions
    from ..sequences import MotionOptions, open_frames, require_frame
    from ..volumes import read_labels

    if options.masks and options.prompts:
        raise InputError("Give either prompts or masks, not both.")
    frames, job = open_frames(options.sequence), console_job(options)
    require_frame(len(frames), options.reference)
    masks = read_labels(options.masks) if options.masks else None
    points = read_points(options.points) if options.points else None
    if options.prompts:
        from ..segmentation.prompts import PromptSet

        reference = frames.read(options.reference)
        prompts = PromptSet.load(options.prompts)
        say_needs(options, options.sam_model)
        masks = engine.segment_structures(reference, prompts, options.sam_model, options.device, job.part(0.0, 0.1))
        job = job.part(0.1, 1.0)
    registration = RegistrationOptions.preset(
        options.preset,
        stiffness=options.stiffness,
        similarity=options.similarity,
        fixed_modality=options.modality,
        device=options.device,
    )
    summary = engine.register_sequence(
        frames,
        options.output,
        options.reference,
        masks=masks,
        points=points,
        options=MotionOptions(registration, options.cyclic),
        warped=options.warped,
        job=job,
    )
    show(options, {"output": options.output, **summary}, _text(summary, options.output))


def _text(summary, folder: str) -> str:
    parts = []
    if summary["structures"]:
        rows = [
            [
                entry["name"],
                number_text(entry["largest_ml"], 1),
                str(entry["largest_frame"]),
                number_text(entry["smallest_ml"], 1),
                str(entry["smallest_frame"]),
                number_text(entry["ejection_fraction_percent"], 1),
            ]
            for entry in summary["structures"]
        ]
        parts.append(table(["structure", "largest ml", "frame", "smallest ml", "frame", "ejection %"], rows))
    parts += [
        f"Point {entry['name']}: moves by up to {entry['largest_displacement_mm']:.2f} mm"
        for entry in summary["points"]
    ]
    return "\n".join([*parts, f"{len(summary['frames'])} frames; results in {folder}"])
