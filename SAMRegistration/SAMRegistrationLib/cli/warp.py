"""``sam-registration warp``: apply a saved result to another volume, label map or point list, in either direction."""

from pathlib import Path

from ..errors import InputError
from .console import add_output_options, say, show

POINT_FILES = (".csv", ".fcsv", ".json")


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "warp",
        help="apply a saved registration to another volume, label map or point list",
        description="Moving data is brought to the fixed space; with --inverse, fixed data to the moving space.",
    )
    parser.add_argument("input", metavar="INPUT", help="volume, label map, segmentation (.seg.nrrd) or point list")
    parser.add_argument("-r", "--result", metavar="DIR", required=True, help="folder that register wrote")
    parser.add_argument("-o", "--output", metavar="FILE", required=True)
    parser.add_argument("--like", metavar="IMAGE", help="the result gets the grid of this image (needed for volumes)")
    parser.add_argument("--labels", action="store_true", help="the input is a label map (a .seg.nrrd always is)")
    parser.add_argument("--smooth", action="store_true", help="smooth label surfaces instead of nearest neighbor")
    parser.add_argument("--inverse", action="store_true", help="from fixed to moving space")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Warp one file."""
    from ..files import require_writable_file
    from ..geometry.transforms import read_transform
    from ..image_files import require_image_path

    points = Path(options.input).suffix.lower() in POINT_FILES
    (require_writable_file if points else require_image_path)(options.output)
    names = ("transform.h5", "inverse.h5")
    pull, push = (
        read_transform(Path(options.result) / name) for name in (reversed(names) if options.inverse else names)
    )
    if points:
        _warp_points(options, push)
    else:
        _warp_image(options, pull)
    show(options, {"output": options.output}, f"Wrote {options.output}")


def _warp_points(options, push) -> None:
    from ..geometry.transforms import transform_points
    from ..points import PointList, read_points, write_points

    points = read_points(options.input)
    write_points(options.output, PointList(transform_points(push, points.points), points.names))


def _warp_image(options, pull) -> None:
    from ..files import keep_file
    from ..geometry.grid import Grid
    from ..geometry.resample import warp_volume
    from ..image_files import write_image
    from ..volumes import is_segmentation_file, read_image, read_labels
    from .structure_files import require_room, write_structures

    if not options.like:
        raise InputError("Say with --like which image gives the grid of the result.")
    grid = Grid.of(read_image(options.like))
    if options.labels or is_segmentation_file(options.input):
        structures = read_labels(options.input)
        for note in structures.notes:
            say(options, f"Note: {note}")
        require_room(structures, options.input, options.output)
        moved = structures.warped(pull, grid, options.smooth)
        keep_file(options.output, lambda path: write_structures(moved, path))
        return
    warped = warp_volume(read_image(options.input), pull, grid)
    keep_file(options.output, lambda path: write_image(warped, path))
