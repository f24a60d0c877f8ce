"""``sam-registration train-sam``: train the built-in click model, or fine-tune it on one's own label maps."""

from .console import add_output_options, console_job, show, table


def add_parser(commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "train-sam",
        help="train or fine-tune the built-in click model",
        description="Train the built-in click model with simulated clicks, or fine-tune it on your own label maps, as "
        "a TOML file describes. Resources/Training/sam-finetune.toml is an example to start from.",
    )
    parser.add_argument("config", metavar="CONFIG.toml", help="what to train on and how long")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Train as the configuration says and print the validation table."""
    from .. import engine

    result = engine.train_sam(options.config, options.resume, console_job(options))
    history = result["history"]
    rows = [[row["step"], *(f"{row[name]:.3f}" for name in row if name != "step")] for row in history]
    show(options, result, f"{table(list(history[0]), rows)}\nWeights: {result['weights']}")
