"""The worker thread, polled by a timer of the event loop."""

from collections import deque

import qt

from ..worker import Task, Worker

INTERVAL_MS = 15


class Runner:
    """Runs work on one persistent thread and delivers outcomes on the main thread, without blocking it."""

    def __init__(self):
        self._worker = Worker()
        self._turns = deque()
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._poll)

    def submit(self, work, done=None, failed=None, progress=None) -> Task:
        """See :meth:`..worker.Worker.submit`."""
        task = self._worker.submit(work, done, failed, progress)
        self._timer.start()
        return task

    def in_turns(self, *steps) -> None:
        """Call every step in a turn of its own of the event loop, so that the mouse is answered in between."""
        self._turns.extend(steps)
        self._timer.start()

    @property
    def busy(self) -> bool:
        """Whether some outcome is still to be delivered, or some step to be done."""
        return self._worker.busy or bool(self._turns)

    def abandon_all(self) -> None:
        """Cancel everything and deliver nothing of it."""
        self._turns.clear()
        self._worker.abandon_all()

    def close(self) -> None:
        """Stop the timer and the thread."""
        self._timer.stop()
        self._turns.clear()
        self._worker.close()

    def _poll(self, *_):
        if self._turns:
            self._turns.popleft()()
        else:
            self._worker.poll()
        if not self.busy:
            self._timer.stop()
