"""The pairs of a batch, each in a process of its own, as many at a time as fit the computer."""

import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from ..background import BackgroundCommand
from ..errors import InputError, SAMRegistrationError
from ..files import PathLike, require_writable_folder, shown
from ..job import Job
from .outcomes import DONE, FAILED, Outcome, folder_of, keep, kept, key_of
from .pairs import Pair, Part
from .resources import memory, need_of, processors
from .summary import write_summary

PAUSE = 0.1  # seconds between two looks at the processes
PATIENCE = 10.0  # seconds that a process has to stop by itself


def run_batch(
    pairs: Sequence[Pair],
    folder: PathLike,
    arguments: Sequence[str] = (),
    jobs: Optional[int] = None,
    memory_bytes: Optional[float] = None,
    part: Optional[Part] = None,
    job: Optional[Job] = None,
) -> Dict[str, Any]:
    """Register the pairs that are not done yet. A pair that fails is told in the summary, and the others go on.

    Args:
        folder: gets a folder for every pair, and the summary: summary.csv and summary.html.
        arguments: of the command register, the same for all pairs.
        jobs: pairs at a time at most; the processors are shared among them.
        memory_bytes: that all of them may use together, as far as can be told beforehand; a pair that needs more than
            that runs alone.
        part: does this share of the pairs, and leaves the summary to :func:`collect`.

    Returns:
        "done", "failed": numbers of the pairs (of the part), and "skipped", those of them that an earlier run finished.

    Raises:
        InputError: the folder cannot be written.
        Canceled: through `job`; pairs that are finished stay.
    """
    job, folder = job or Job(), require_writable_folder(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mine = list(pairs) if part is None else part.of(pairs)
    keys = {pair.name: key_of(pair, arguments) for pair in mine}
    waiting = [pair for pair in mine if kept(folder, pair, keys[pair.name]).state != DONE]
    jobs = min(jobs or processors(), max(len(waiting), 1))
    if jobs < 1:
        raise InputError("The number of jobs is below 1; give 1 or more.")
    runs = _Runs(folder, arguments, keys, max(1, processors() // jobs))
    available = memory_bytes or memory()
    try:
        _work_through(waiting, runs, jobs, available, job)
    finally:
        runs.end()
    if part is None:
        write_summary(folder, [kept(folder, pair) for pair in pairs])
    states = [kept(folder, pair).state for pair in mine]
    job.update(1.0, "Done")
    return {"done": states.count(DONE), "failed": states.count(FAILED), "skipped": len(mine) - len(waiting)}


def collect(pairs: Sequence[Pair], folder: PathLike) -> Dict[str, Any]:
    """Write the summary of what all parts did so far.

    Raises:
        InputError: there is no such folder, or it cannot be written.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"There is no folder {shown(folder)}.")
    outcomes = [kept(folder, pair) for pair in pairs]
    write_summary(folder, outcomes)
    states = [outcome.state for outcome in outcomes]
    return {"done": states.count(DONE), "failed": states.count(FAILED), "skipped": 0}


def _work_through(waiting: List[Pair], runs: "_Runs", jobs: int, available: Optional[float], job: Job) -> None:
    count, waiting = len(waiting), list(waiting)
    while waiting or runs.needs:
        job.update(runs.progress(count), f"{runs.finished} of {count} pairs, {len(runs.needs)} under way")
        if waiting and len(runs.needs) < jobs:
            need = need_of(waiting[0])
            if not runs.needs or available is None or sum(runs.needs.values()) + need <= available:
                runs.start(waiting.pop(0), need)
                continue
        time.sleep(PAUSE)
        runs.poll()


class _Runs:
    """The processes that are under way.

    Attributes:
        needs: bytes that each of them takes, by the name of its pair.
        finished: how many came to an end.
    """

    def __init__(self, folder: Path, arguments: Sequence[str], keys: Dict[str, Dict[str, Any]], threads: int):
        self._folder, self._arguments, self._keys = folder, list(arguments), keys
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
        self._environment = dict.fromkeys(names, str(threads))
        self._commands: Dict[str, BackgroundCommand] = {}
        self._fractions: Dict[str, float] = {}
        self.needs: Dict[str, float] = {}
        self.finished = 0

    def start(self, pair: Pair, need: float) -> None:
        """Register a pair in a process of its own."""
        own = folder_of(self._folder, pair).absolute()

        def ended(outcome: Outcome) -> None:
            keep(self._folder, pair, outcome, self._keys[pair.name])
            del self._commands[pair.name], self.needs[pair.name]
            self._fractions.pop(pair.name, None)
            self.finished += 1

        def failed(error: Exception) -> None:
            ended(Outcome(pair.name, FAILED, str(error)))

        try:
            command = BackgroundCommand(
                ["register", *pair.arguments(), *self._arguments, "-o", str(own)],
                done=lambda measures: ended(Outcome(pair.name, DONE, "", measures)),
                failed=failed,
                progress=lambda fraction, message: self._fractions.__setitem__(pair.name, fraction),
                environment=self._environment,
            )
        except SAMRegistrationError as error:
            keep(self._folder, pair, Outcome(pair.name, FAILED, str(error)), self._keys[pair.name])
            self.finished += 1
            return
        self._commands[pair.name], self.needs[pair.name] = command, need

    def poll(self) -> None:
        """Take what the processes told."""
        for command in list(self._commands.values()):
            command.poll()

    def progress(self, count: int) -> float:
        """Share of the work that is done."""
        return (self.finished + sum(self._fractions.values())) / max(count, 1)

    def end(self) -> None:
        """Let the processes stop, and end those that do not; nothing of their pairs is kept."""
        commands, self._commands = list(self._commands.values()), {}
        for command in commands:
            command.abandon()
        until = time.monotonic() + PATIENCE
        for command in commands:
            while command.running:
                if time.monotonic() > until:
                    command.kill()
                time.sleep(PAUSE)
                command.poll()
