"""Entry point of ``sam-registration``: parse, run one command, turn errors into one sentence and an exit code.

Exit codes: 0 done, 1 unexpected failure, 2 unusable input or arguments, 3 the work itself failed, 130 interrupted.
"""

import argparse
import importlib
import os
import signal
import sys
import traceback
from typing import List, Optional

from .. import __version__
from ..environment import explain_import, require_packages
from ..errors import Cancelled, InputError, SAMRegistrationError, WeightsError

COMMANDS = (
    "register",
    "warp",
    "metrics",
    "segment",
    "weights",
    "data-list",
    "train",
    "evaluate",
    "train-sam",
    "propose-masks",
    "environment",
)


def main(arguments: Optional[List[str]] = None) -> int:
    """Run ``sam-registration`` with `arguments` (default: those of the process) and return its exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.command != "environment":  # which tells what is missing
            require_packages()
        options.run(options)
        return 0
    except (InputError, WeightsError) as error:
        print(f"sam-registration: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled):
        print("sam-registration: interrupted; nothing was written.", file=sys.stderr)
        return 130
    except SAMRegistrationError as error:
        print(f"sam-registration: {error}", file=sys.stderr)
        return 3
    except ImportError as error:
        _show_details()
        print(f"sam-registration: {explain_import(error)}", file=sys.stderr)
        return 3
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:  # noqa: BLE001 - the last door before the shell: a sentence, the details on request
        _show_details()
        print(
            f"sam-registration: unexpected {type(error).__name__}: {error}; "
            "set SAMREGISTRATION_DEBUG=1 to see the details.",
            file=sys.stderr,
        )
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sam-registration", description="Deformable registration guided by masks.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in COMMANDS:
        importlib.import_module(f".{name.replace('-', '_')}", __package__).add_parser(commands)
    return parser


def _show_details():
    if os.environ.get("SAMREGISTRATION_DEBUG"):
        traceback.print_exc()


def _interrupt(signum, frame):
    raise KeyboardInterrupt
