"""``sam-registration weights``: list, download and remove published weights."""

from .console import add_output_options, console_job, say, show, table


def add_parser(commands) -> None:
    parser = commands.add_parser("weights", help="list, download or remove published weights")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="show what there is and what is installed")
    listing.set_defaults(run=run_list)
    download = actions.add_parser("download", help="download weights and verify their checksum")
    download.add_argument("names", nargs="+", metavar="NAME", help="name as shown by 'weights list'")
    download.set_defaults(run=run_download)
    remove = actions.add_parser("remove", help="delete installed weights")
    remove.add_argument("names", nargs="+", metavar="NAME", help="name as shown by 'weights list'")
    remove.set_defaults(run=run_remove)
    for action in (listing, download, remove):
        action.add_argument("--folder", help="where weights are kept (default: SAMREGISTRATION_WEIGHTS or user data)")
        add_output_options(action)


def run_list(options) -> None:
    from .. import weights

    folder = _folder(options)
    entries = [
        {
            "name": entry.name,
            "shape": entry.shape,
            "size": entry.size,
            "license": entry.license,
            "source": entry.source,
            "installed": weights.is_installed(entry, folder),
        }
        for entry in weights.MANIFEST
    ]
    rows = [
        (e["name"], e["shape"], f"{e['size'] / 1e6:.0f} MB", e["license"], "yes" if e["installed"] else "no")
        for e in entries
    ]
    text = table(("name", "shape", "size", "license", "installed"), rows)
    show(options, {"folder": str(folder), "weights": entries}, f"{text}\nFolder: {folder}")


def run_download(options) -> None:
    from .. import weights

    entries = [weights.find(name) for name in options.names]
    paths = []
    for entry in entries:
        say(options, f"{entry.name}: {entry.size / 1e6:.0f} MB, {entry.license}, from {entry.url}")
        paths.append(str(weights.download(entry, _folder(options), console_job(options))))
    show(options, {"installed": paths}, "\n".join(f"Installed {path}" for path in paths))


def run_remove(options) -> None:
    from .. import weights

    entries = [weights.find(name) for name in options.names]
    removed = {entry.name: weights.remove(entry, _folder(options)) for entry in entries}
    lines = [f"Removed {name}" if gone else f"{name} was not installed" for name, gone in removed.items()]
    show(options, {"removed": [name for name, gone in removed.items() if gone]}, "\n".join(lines))


def _folder(options):
    from pathlib import Path

    from .. import weights

    return Path(options.folder) if options.folder else weights.default_folder()
