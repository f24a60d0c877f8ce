"""A command of the command line in a process of its own, for work of hours that must not hold up an application.

The process cannot crash the application or hold its interpreter. It stops, and keeps what it has, as soon as its
standard input is closed: when it is asked to, and when the application ends in whatever way.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from .errors import Canceled, InputError, SAMRegistrationError

_PREFIX = "sam-registration: "
_INTERRUPTED = 130


class BackgroundCommand:
    """Runs ``sam-registration ARGUMENTS --driven``; call :meth:`poll` regularly to receive what it tells.

    Args:
        arguments: of the command line, paths absolute.
        done: called with the command's result. failed: called with the error (Canceled after :meth:`stop`).
        progress: called with (fraction, message). log: called with a line.
        environment: variables that the process has beside those of this one.

    Raises:
        InputError: there is no Python program, or it cannot be started.

    Example:
        >>> told = []
        >>> command = BackgroundCommand(["environment"], done=told.append)
        >>> while command.running:
        ...     command.poll()
        >>> sorted(told[0])
        ['cuda', 'devices', 'packages']
    """

    def __init__(
        self,
        arguments: List[str],
        done: Callable[[Dict[str, Any]], None],
        failed: Optional[Callable[[Exception], None]] = None,
        progress: Optional[Callable[[float, str], None]] = None,
        log: Optional[Callable[[str], None]] = None,
        environment: Optional[Dict[str, str]] = None,
    ):
        self._done, self._failed, self._progress, self._log = done, failed, progress, log
        self._lines: queue.Queue = queue.Queue()
        self._result: Optional[Dict[str, Any]] = None
        self._sentence = ""
        self._stopping = False
        program = _python()
        try:
            self._process: Optional[subprocess.Popen] = subprocess.Popen(
                [program, "-m", f"{__package__}.cli", *arguments, "--driven"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                cwd=Path(__file__).resolve().parents[1],
                env={**os.environ, **(environment or {})},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise InputError(
                f"{program} cannot be started in the background ({error.strerror}); check that program."
            ) from error
        self._readers = [
            threading.Thread(target=self._read, args=(stream, told), daemon=True)
            for stream, told in ((self._process.stdout, True), (self._process.stderr, False))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def running(self) -> bool:
        """Whether the outcome is still to be delivered."""
        return self._process is not None

    def poll(self) -> None:
        """Deliver what has arrived, on the calling thread."""
        if self._process is None:
            return
        ended = self._process.poll() is not None and not any(reader.is_alive() for reader in self._readers)
        while not self._lines.empty():
            self._take(*self._lines.get())
        if ended:
            self._finish(self._process.returncode)

    def stop(self) -> None:
        """Ask the command to stop after its present step, and to keep what it has."""
        self._stopping = True
        if self._process is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        """End the process at once; what it saved last stays."""
        self.stop()
        if self._process is not None:
            self._process.kill()

    def abandon(self) -> None:
        """Stop, and deliver nothing any more."""
        self._done = self._failed = self._progress = self._log = None
        self.stop()

    def _read(self, stream, told: bool) -> None:
        for line in stream:
            self._lines.put((line.rstrip(), told))

    def _take(self, line: str, told: bool) -> None:
        entry = _entry(line) if told else None
        if entry is None:
            if line.startswith(_PREFIX):
                self._sentence = line[len(_PREFIX) :]
            if line and self._log is not None:
                self._log(line)
        elif "result" in entry:
            self._result = entry["result"]
        elif self._progress is not None and not self._stopping:
            self._progress(entry["at"], entry["message"])

    def _finish(self, code: int) -> None:
        process, self._process = self._process, None
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        if code == 0 and self._result is not None:
            if self._done is not None:
                self._done(self._result)
        elif self._failed is not None:
            self._failed(self._error(code))

    def _error(self, code: int) -> Exception:
        if self._stopping or code == _INTERRUPTED:
            return Canceled()
        return SAMRegistrationError(
            self._sentence or f"The process in the background ended unexpectedly (code {code}); see its log."
        )


def _entry(line: str) -> Optional[Dict[str, Any]]:
    """A line of JSON written for the driving program; None for any other line."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and ("result" in entry or {"at", "message"} <= set(entry)) else None


def _python() -> str:
    """3D Slicer's Python program where there is one, which has the application's packages; else this Python.

    Within the application `sys.executable` is empty where that program is not on the PATH, as when the application was
    started without its launcher. The folder of the application is in SLICER_HOME all the same; where it was built here,
    PYTHONHOME has the program.
    """
    homes = [os.environ[name] for name in ("SLICER_HOME", "PYTHONHOME") if os.environ.get(name)]
    folders = [None, *(str(Path(home) / "bin") for home in homes)]
    found = next(filter(None, (shutil.which("PythonSlicer", path=folder) for folder in folders)), sys.executable)
    if not found:
        raise InputError(
            "There is no Python program to start in the background; start the application by its launcher, which puts "
            "PythonSlicer on the PATH."
        )
    return found
