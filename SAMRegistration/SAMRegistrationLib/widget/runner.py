"""The worker threads and the processes in the background, polled by a timer of the event loop."""

from collections import deque

import qt

from ..background import BackgroundCommand
from ..worker import Task, Worker

INTERVAL_MS = 15


class Runner:
    """Delivers outcomes on the main thread without blocking it: of work that it runs on persistent threads, one
    for each kind, and of processes in the background."""

    def __init__(self):
        self._computing, self._aside, self._downloading = self._workers = (Worker(), Worker(), Worker())
        self._commands = []
        self._turns = deque()
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    def submit(self, work, done=None, failed=None, progress=None) -> Task:
        """See :meth:`..worker.Worker.submit`; all that a network computes belongs here."""
        return self._submit(self._computing, work, done, failed, progress)

    def submit_aside(self, work, done=None, failed=None, progress=None) -> Task:
        """The same for files and resampling, which clicks and the registration must not wait for."""
        return self._submit(self._aside, work, done, failed, progress)

    def submit_download(self, work, done=None, failed=None, progress=None) -> Task:
        """The same for downloads, which nothing else must wait for."""
        return self._submit(self._downloading, work, done, failed, progress)

    def follow(self, command: BackgroundCommand) -> BackgroundCommand:
        """Poll a process in the background until its outcome is delivered."""
        self._commands.append(command)
        self._timer.start()
        return command

    def in_turns(self, *steps) -> None:
        """Call every step in a turn of its own of the event loop, so that the mouse is answered in between."""
        self._turns.extend(steps)
        self._timer.start()

    @property
    def busy(self) -> bool:
        """Whether some outcome of the threads is still to be delivered, or some step to be done."""
        return any(worker.busy for worker in self._workers) or bool(self._turns)

    def abandon_all(self) -> None:
        """Cancel all work of the threads and deliver nothing of it."""
        self._turns.clear()
        for worker in self._workers:
            worker.abandon_all()

    def close(self) -> None:
        """Stop the timer, the threads and the processes, which keep what they have."""
        self._timer.stop()
        for command in self._commands:
            command.abandon()
        self._turns.clear()
        for worker in self._workers:
            worker.close()

    def _submit(self, worker, *work) -> Task:
        task = worker.submit(*work)
        self._timer.start()
        return task

    def _poll(self, *_):
        if self._turns:
            self._turns.popleft()()
        else:
            for worker in self._workers:
                worker.poll()
        for command in list(self._commands):
            command.poll()
        self._commands = [command for command in self._commands if command.running]
        if not self.busy and not self._commands:
            self._timer.stop()
