"""``sam-registration export``: a saved result in the forms that other programs read."""

from .. import engine
from ..choices import EXPORTS
from ..errors import InputError
from .console import add_output_options, console_job, show


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="write a saved result for ANTs, FSL, elastix, or as DICOM or PDF",
        description="Writes a folder for each form. ITK and 3D Slicer read transform.h5 of the result as it is.",
    )
    parser.add_argument("result", metavar="RESULT", help="folder that register wrote")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for what is written")
    parser.add_argument("--to", nargs="+", choices=EXPORTS, required=True, metavar="FORM", help=", ".join(EXPORTS))
    parser.add_argument("--fixed", metavar="VOLUME", help="the fixed volume; for DICOM, its series")
    parser.add_argument("--moving", metavar="VOLUME", help="the moving volume, needed for fsl; for DICOM, its series")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Read the result and write each form."""
    from ..export import read_saved, read_source
    from ..volumes import read_volume

    if "fsl" in options.to and not options.moving:
        raise InputError("FSL counts along the axes of both volumes; give the moving one with --moving.")
    result = read_saved(options.result)
    sources = (read_source(path) if path else None for path in (options.fixed, options.moving))
    volume = read_volume(options.moving) if "fsl" in options.to else None
    files = engine.write_forms(result, options.to, options.output, *sources, volume, console_job(options))
    text = f"Wrote {len(files)} files into {options.output}"
    show(options, {"output": options.output, "files": [str(file) for file in files]}, text)
