"""``sam-registration segment``: from prompts to a label image."""

from .console import add_output_options, console_job, show


def add_parser(commands) -> None:
    parser = commands.add_parser("segment", help="segment structures of a volume from points and boxes")
    parser.add_argument("image", help="volume to segment")
    parser.add_argument("--prompts", required=True, help="JSON file with structures, points and boxes (LPS mm)")
    parser.add_argument("-o", "--output", required=True, help="label image to write, e.g. labels.nii.gz")
    parser.add_argument(
        "--model", default="compact", help="compact (built in), a name of 'weights list', or a checkpoint file"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    import SimpleITK as sitk

    from ..engine import Engine
    from ..image_files import require_image_path, write_image
    from ..segmentation.prompts import PromptSet
    from ..volumes import read_volume

    prompts = PromptSet.load(options.prompts)
    require_image_path(options.output)
    image = read_volume(options.image)
    labels = Engine(console_job(options).update).segment(image, prompts, options.model, options.device)
    write_image(labels, options.output)
    voxels = sitk.GetArrayViewFromImage(labels)
    volume = {s.name: float((voxels == s.label).sum()) * _voxel_ml(labels) for s in prompts.structures}
    lines = [f"{structure.label} {structure.name}: {volume[structure.name]:.1f} ml" for structure in prompts.structures]
    show(options, {"labels": options.output, "volume_ml": volume}, "\n".join([*lines, f"Wrote {options.output}"]))


def _voxel_ml(image) -> float:
    spacing = image.GetSpacing()
    return spacing[0] * spacing[1] * spacing[2] / 1000.0
