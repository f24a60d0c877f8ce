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
    from ..files import require_writable_folder, whole_file
    from ..geometry.grid import Grid
    from ..quantities import volume_text
    from ..segmentation.prompts import PromptSet
    from ..volumes import read_volume

    prompts = PromptSet.load(options.prompts)
    require_writable_folder(_folder_of(options.output))
    image = read_volume(options.image)
    labels = Engine(console_job(options).update).segment(image, prompts, options.model, options.device)
    with whole_file(options.output) as temporary:
        sitk.WriteImage(labels, str(temporary), useCompression=True)
    voxels = sitk.GetArrayViewFromImage(labels)
    voxel_ml = Grid.of(labels).voxel_volume / 1000
    volume = {s.name: float((voxels == s.label).sum()) * voxel_ml for s in prompts.structures}
    lines = [f"{s.label} {s.name}: {volume_text(volume[s.name])}" for s in prompts.structures]
    show(options, {"labels": options.output, "volume_ml": volume}, "\n".join([*lines, f"Wrote {options.output}"]))


def _folder_of(path: str) -> str:
    import os

    return os.path.dirname(os.path.abspath(path))
