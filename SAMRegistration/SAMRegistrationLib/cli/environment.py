"""``sam-registration environment``: the packages that are there, and the devices that can compute."""

from .console import add_driven_option, add_output_options, show, table


def add_parser(commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("environment", help="show installed packages and the devices that can compute")
    add_output_options(parser)
    add_driven_option(parser)
    parser.set_defaults(run=run)


def run(options) -> None:
    """Print both."""
    from ..environment import report

    found = report()
    installed = [(package["name"], package["version"] or "missing") for package in found["packages"]]
    usable = [
        (device["id"], device["name"], "" if device["free"] is None else f"{device['free'] / 1e9:.1f} GB")
        for device in found["devices"]
    ]
    text = table(("package", "version"), installed) + "\n\n" + table(("device", "name", "free"), usable)
    show(options, found, text)
