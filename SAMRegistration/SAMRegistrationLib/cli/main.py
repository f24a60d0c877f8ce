"""Entry point of ``sam-registration``: parse, run one command, turn errors into one sentence and an exit code.

Exit codes: 0 done, 2 unusable input or arguments, 3 the work itself failed, 130 interrupted.
"""

import argparse
import importlib
import os
import signal
import sys
import traceback
from contextlib import contextmanager
from typing import Iterator, List, Optional

from .. import __version__
from ..environment import explain_import, require_packages
from ..errors import Canceled, InputError, SAMRegistrationError, WeightsError
from ..system_errors import sentence_of

COMMANDS = (
    "register",
    "update",
    "batch",
    "sequence",
    "warp",
    "export",
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
    _let_streams_take_any_text()
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    with _quiet_libraries():
        return _run(options)


def _run(options) -> int:
    try:
        if options.command != "environment":  # which tells what is missing
            require_packages()
        options.run(options)
        return 0
    except (InputError, WeightsError) as error:
        print(f"sam-registration: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Canceled):
        kept = getattr(options, "when_stopped", "nothing was written")
        print(f"sam-registration: interrupted; {kept}.", file=sys.stderr)
        return 130
    except SAMRegistrationError as error:
        print(f"sam-registration: {error}", file=sys.stderr)
        return 3
    except ImportError as error:
        _show_details()
        print(f"sam-registration: {explain_import(error)}", file=sys.stderr)
        return 3
    except BrokenPipeError:  # whoever read the output has ended; the work was done before anything was printed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last door before the shell: a sentence, the details on request
        _show_details()
        print(
            f"sam-registration: The command failed ({type(error).__name__}: {sentence_of(error)}); "
            "set SAMREGISTRATION_DEBUG=1 to see the details.",
            file=sys.stderr,
        )
        return 3


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


def _let_streams_take_any_text() -> None:
    """Characters that a terminal or file cannot show are escaped instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep what libraries print on the error stream by themselves off the terminal; the program prints its own there.

    Nothing is changed where the error stream is not that of the process or SAMREGISTRATION_DEBUG is set.
    """
    try:
        own = sys.stderr is sys.__stderr__ and sys.stderr.fileno() == 2 and not os.environ.get("SAMREGISTRATION_DEBUG")
    except (AttributeError, OSError, ValueError):  # no stream, or none with a number
        own = False
    if not own:
        yield
        return
    sys.stderr.flush()
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    former = sys.stderr
    sys.stderr = open(terminal, "w", encoding=former.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        sys.stderr.close()
        sys.stderr = former


def _interrupt(signum, frame):
    raise KeyboardInterrupt
