"""What the commands print: a progress bar with the time left, tables, and JSON for programs."""

import json
import os
import sys
import threading
import time
from typing import Dict, List, Sequence

from ..job import Job


def add_output_options(parser) -> None:
    """The options that every command shares."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output, for programs")


def add_driven_option(parser) -> None:
    """The option of commands that another program runs in the background (see :mod:`..background`)."""
    parser.add_argument(
        "--driven",
        action="store_true",
        help="for programs: print progress and outcome as lines of JSON, with low priority, and stop when standard "
        "input is closed",
    )


def say(options, text: str) -> None:
    """Print a line for people, unless ``--quiet`` or ``--json`` was given."""
    if not (options.quiet or options.json):
        print(text, flush=True)


def say_needs(options, model: str) -> None:
    """Tell what a click model needs of this computer, before it is loaded; nothing where that is little."""
    from ..environment import processor
    from ..segmentation.needs import first_use_text

    text = first_use_text(model, options.device, processor().free)
    if text:
        say(options, text)


def show(options, result: Dict, text: str) -> None:
    """Print the outcome of a command: `result` as JSON for programs, or `text` for people."""
    if _is_driven(options):
        print(json.dumps({"result": result}), flush=True)
    elif options.json:
        print(json.dumps(result), flush=True)
    elif not options.quiet:
        print(text, flush=True)


def console_job(options) -> Job:
    """A job that draws a progress bar on standard error when that is a terminal, or talks to the driving program."""
    if _is_driven(options):
        return _driven_job()
    if options.quiet or options.json or not sys.stderr.isatty():
        return Job()
    return Job(progress=_ProgressBar())


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Text table; the first column is aligned left, the others right."""
    lines: List[List[str]] = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def render(line):
        cells = [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([render(lines[0]), rule, *(render(line) for line in lines[1:])])


def _is_driven(options) -> bool:
    return getattr(options, "driven", False)


def _driven_job() -> Job:
    if hasattr(os, "nice"):
        os.nice(5)
    closed = threading.Event()

    def watch():
        while os.read(0, 1024):  # not through sys.stdin, whose lock would be held when Python ends
            pass
        closed.set()

    def tell(fraction, message):
        try:
            print(json.dumps({"at": fraction, "message": message}), flush=True)
        except OSError:  # nobody reads any more
            closed.set()

    threading.Thread(target=watch, name="standard input", daemon=True).start()
    return Job(tell, closed.is_set)


class _ProgressBar:
    WIDTH = 24

    def __init__(self):
        self._start = time.monotonic()

    def __call__(self, fraction: float, message: str) -> None:
        elapsed = time.monotonic() - self._start
        left = f"{elapsed * (1 - fraction) / fraction:4.0f} s left" if fraction > 0.02 else " " * 11
        filled = round(self.WIDTH * fraction)
        bar = "#" * filled + "." * (self.WIDTH - filled)
        sys.stderr.write(f"\r[{bar}] {100 * fraction:3.0f} % {left}  {message[:40]:40s}")
        if fraction >= 1:
            sys.stderr.write("\r" + " " * 96 + "\r")
        sys.stderr.flush()
