"""``sam-registration train``: train the registration network, or go on with an interrupted training."""

from .console import add_output_options, console_job, say, show


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
    parser.set_defaults(run=run)


def run(options) -> None:
    """Run the command."""
    from ..training.config import read_config
    from ..training.trainer import train

    config = read_config(options.config)
    say(options, f"Training into {config.output}; follow it with: tensorboard --logdir {config.output}")
    result = train(config, console_job(options))
    show(options, result, f"{result['step']} steps in {result['seconds']} s: {result['weights']}")
