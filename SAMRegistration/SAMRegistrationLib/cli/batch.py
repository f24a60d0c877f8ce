"""``sam-registration batch``: register the pairs of a table, several at a time."""

from .console import add_driven_option, add_output_options, console_job, show
from .settings import add_settings, arguments_of


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "batch",
        help="register the pairs of a table, several at a time",
        description="Writes a folder for every pair, as the command register does, and summary.csv and summary.html. A "
        "pair that fails is a row of the summary. Started again, it does what is not done yet, or has changed.",
    )
    parser.add_argument("pairs", metavar="PAIRS.csv", help="columns: fixed, moving and more, see docs/batch.md")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder for the results")
    parser.add_argument("--jobs", type=int, metavar="N", help="pairs at a time; default: as many as fit the computer")
    parser.add_argument("--memory", type=float, metavar="GB", help="that they may use together; default: what is free")
    share = parser.add_mutually_exclusive_group()
    share.add_argument("--part", metavar="K/N", help="do this share of the pairs, as in a job array, and no summary")
    share.add_argument("--collect", action="store_true", help="only write the summary of what the parts did")
    settings = add_settings(parser)
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(
        run=lambda options: run(options, settings),
        when_stopped="finished pairs are kept, and the same command goes on from there",
    )


def run(options, settings) -> None:
    """Read the table and do the work."""
    from .. import engine
    from ..batch import collect, part_of, read_pairs
    from ..batch.resources import GIGABYTE

    pairs = read_pairs(options.pairs)
    if options.collect:
        result = collect(pairs, options.output)
    else:
        result = engine.run_batch(
            pairs,
            options.output,
            arguments_of(settings, options),
            options.jobs,
            None if options.memory is None else options.memory * GIGABYTE,
            part_of(options.part) if options.part else None,
            console_job(options),
        )
    text = f"{result['done']} pairs done, {result['failed']} failed; results in {options.output}"
    show(options, {"output": options.output, **result}, text)
