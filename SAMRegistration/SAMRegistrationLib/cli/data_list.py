"""``sam-registration data-list``: write a data list for a public data set's folder, or check one."""

from .console import add_output_options, console_job, show


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "data-list",
        help="write or check a list of cases for training and evaluation",
        description="Write the data list of a data set in its official folders, or check an existing list: every "
        "file is opened once, labels must be in the list's map and no volume may be in two splits.",
    )
    parser.add_argument("list", metavar="LIST.json", help="the data list")
    parser.add_argument("--layout", choices=("abdomen-ct-ct", "acdc", "msd-hippocampus"), help="data set to list")
    parser.add_argument("--folder", help="folder of that data set")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Run the command."""
    from .. import engine
    from ..errors import InputError
    from ..training.registration.datalist import SPLITS, read_data_list, write_data_list
    from ..training.registration.layouts import LAYOUTS

    if bool(options.layout) != bool(options.folder):
        raise InputError("Give --layout and --folder together to write a list, or neither to check one.")
    if options.layout:
        data = LAYOUTS[options.layout](options.folder)
        engine.check_data_list(data, console_job(options))
        write_data_list(data, options.list)
    else:
        data = read_data_list(options.list)
        engine.check_data_list(data, console_job(options))
    result = {
        "list": options.list,
        "name": data.name,
        "cases": {split: len(data.of(split)) for split in SPLITS},
        "pairs": {split: len(data.pairs_of(split)) for split in SPLITS},
    }
    counts = ", ".join(f"{split} {result['cases'][split]} cases ({result['pairs'][split]} pairs)" for split in SPLITS)
    show(options, result, f"{data.name}: {counts}")
