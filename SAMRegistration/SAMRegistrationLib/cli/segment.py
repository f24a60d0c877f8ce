"""``sam-registration segment``: from prompts to a label image or a segmentation."""

from ..choices import BUILT_IN_CLICK_MODEL, CLICK_MODELS
from .console import add_output_options, console_job, say_needs, show


def add_parser(commands) -> None:
    parser = commands.add_parser("segment", help="segment structures of a volume from clicks and strokes")
    parser.add_argument("image", help="volume to segment")
    parser.add_argument(
        "--prompts",
        required=True,
        help="JSON file with structures and their clicks and strokes (LPS mm)",
    )
    parser.add_argument("-o", "--output", required=True, help="label image (.nii.gz) or segmentation (.seg.nrrd)")
    parser.add_argument(
        "--model",
        default=BUILT_IN_CLICK_MODEL,
        help=f"{', '.join(model.name for model in CLICK_MODELS)}, a checkpoint file, or a folder of nnInteractive",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    from .. import engine
    from ..files import keep_file
    from ..image_files import require_image_path, write_image
    from ..quantities import volume_text
    from ..segmentation.labels import flattened
    from ..segmentation.prompts import PromptSet
    from ..volumes import load_volume
    from .structure_files import is_segmentation_name, write_structures

    prompts = PromptSet.load(options.prompts)
    require_image_path(options.output)
    loaded = load_volume(options.image)
    say_needs(options, options.model)
    structures = engine.segment_structures(loaded.image, prompts, options.model, options.device, console_job(options))
    notes = list(loaded.notes)
    if is_segmentation_name(options.output):
        keep_file(options.output, lambda path: write_structures(structures, path))
    else:
        keep_file(options.output, lambda path: write_image(flattened(structures, prompts), path))
        overlapping = structures.overlapping()
        if overlapping:
            notes.append(
                f"Structures overlap in {overlapping} voxels, which a label map gives to the smaller one; an output "
                "that ends in .seg.nrrd holds all of them whole."
            )
    ml = structures.volumes_ml()
    volume = {structure.name: ml.get(structure.label, 0.0) for structure in prompts.structures}
    lines = [
        f"{structure.label} {structure.name}: {volume_text(volume[structure.name])}" for structure in prompts.structures
    ]
    lines += [*(f"Note: {note}" for note in notes), f"Wrote {options.output}"]
    show(options, {"labels": options.output, "volume_ml": volume, "notes": notes}, "\n".join(lines))
