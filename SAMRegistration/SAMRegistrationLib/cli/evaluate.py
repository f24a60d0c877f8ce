"""``sam-registration evaluate``: tables over the pairs of a data list."""

from .console import add_driven_option, add_output_options, console_job, show, table


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure methods over many pairs, as a table",
        description="Register the pairs of a data list with several methods and write the table of means and standard "
        "deviations (terminal, CSV, Markdown).",
    )
    parser.add_argument("config", metavar="CONFIG.toml", help="what is evaluated")
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Evaluate and print the table."""
    from .. import engine

    result = engine.evaluate(options.config, console_job(options))
    header, *rows = result["rows"]
    show(options, result, table(header, rows) + f"\n\n{result['pairs']} pairs; written to {result['files'][0]}")
