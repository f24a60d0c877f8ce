"""The worker thread and the processes in the background, polled by a timer of the event loop."""

from collections import deque

import qt

from ..background import BackgroundCommand
from ..worker import Task, Worker

INTERVAL_MS = 15


class Runner:
    """Delivers outcomes on the main thread without blocking it: of work that it runs on one persistent thread, and of
    processes in the background."""

    def __init__(self):
        self._worker = Worker()
        self._commands = []
        self._turns = deque()
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    def submit(self, work, done=None, failed=None, progress=None) -> Task:
        """See :meth:`..worker.Worker.submit`."""
        task = self._worker.submit(work, done, failed, progress)
        self._timer.start()
        return task

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
        """Whether some outcome of the thread is still to be delivered, or some step to be done."""
        return self._worker.busy or bool(self._turns)

    def abandon_all(self) -> None:
        """Cancel all work of the thread and deliver nothing of it."""
        self._turns.clear()
        self._worker.abandon_all()

    def close(self) -> None:
        """Stop the timer, the thread and the processes, which keep what they have."""
        self._timer.stop()
        for command in self._commands:
            command.abandon()
        self._turns.clear()
        self._worker.close()

    def _poll(self, *_):
        if self._turns:
            self._turns.popleft()()
        else:
            self._worker.poll()
        for command in list(self._commands):
            command.poll()
        self._commands = [command for command in self._commands if command.running]
        if not self.busy and not self._commands:
            self._timer.stop()
