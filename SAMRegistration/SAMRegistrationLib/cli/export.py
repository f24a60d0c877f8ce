"""``sam-registration export``: a saved result in the forms that other programs read."""

from pathlib import Path

from ..errors import InputError
from .console import add_output_options, show

KINDS = ("ants", "fsl", "elastix", "dicom", "dicom-seg", "dicom-registration", "pdf")


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "export",
        help="write a saved result for ANTs, FSL, elastix, or as DICOM or PDF",
        description="Writes a folder for each form. ITK and 3D Slicer read transform.h5 of the result as it is.",
    )
    parser.add_argument("result", metavar="RESULT", help="folder that register wrote")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for what is written")
    parser.add_argument("--to", nargs="+", choices=KINDS, required=True, metavar="FORM", help=", ".join(KINDS))
    parser.add_argument("--fixed", metavar="VOLUME", help="the fixed volume; for DICOM, its series")
    parser.add_argument("--moving", metavar="VOLUME", help="the moving volume, needed for fsl; for DICOM, its series")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Read the result and write each form."""
    from .. import export
    from ..files import require_writable_folder
    from ..inside import inside
    from ..volumes import read_volume

    result, folder = export.read_saved(options.result), require_writable_folder(options.output)
    fixed, moving = (export.read_source(path) if path else None for path in (options.fixed, options.moving))
    written = []

    def add(kind: str, names) -> None:
        written.extend(str(Path(folder) / kind / name) for name in names)

    for kind in dict.fromkeys(options.to):
        own = inside(folder, kind)
        if kind == "ants":
            add(kind, export.write_ants(result, own))
        elif kind == "elastix":
            add(kind, export.write_elastix(result, own))
        elif kind == "fsl":
            if not options.moving:
                raise InputError("FSL counts along the axes of both volumes; give the moving one with --moving.")
            add(kind, export.write_fsl(result, read_volume(options.moving), own))
        elif kind == "dicom":
            add(kind, export.write_dicom_series(result, own, moving, fixed))
        elif kind == "dicom-registration":
            add(kind, export.write_dicom_registration(result, own, fixed, moving))
        elif kind == "dicom-seg":
            add(kind, export.write_dicom_segmentation(result, own, fixed or _series(options, folder)))
        else:
            export.write_pdf(result, own / "report.pdf")
            add(kind, ["report.pdf"])
    text = f"Wrote {len(written)} files into {options.output}"
    show(options, {"output": options.output, "files": written}, text)


def _series(options, folder):
    """The series of the warped volume, which structures belong to where the fixed volume is no DICOM."""
    from .. import export

    source = export.read_source(folder / "dicom") if (folder / "dicom").is_dir() else None
    if source is None:
        raise InputError(
            "Structures in DICOM belong to a series; give that of the fixed volume with --fixed, or write the warped "
            "volume first: --to dicom dicom-seg."
        )
    return source
