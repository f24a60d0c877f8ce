"""``sam-registration train``: train the registration network, or go on with an interrupted training."""

from .console import add_driven_option, add_output_options, console_job, show


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train the registration network",
        description="Train the registration network as a TOML file says; started again, it goes on where it stopped. "
        "Under torchrun the same command trains on several GPUs or machines.",
    )
    parser.add_argument("config", metavar="CONFIG.toml", help="the training's configuration")
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Run the command."""
    from .. import engine

    result = engine.train(options.config, console_job(options))
    show(options, result, f"{result['step']} steps in {result['seconds']} s: {result['weights']}")
