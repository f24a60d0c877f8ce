"""One persistent thread for long work, and the delivery of its outcome to the thread that polls.

A single thread keeps what is per thread (CUDA plans, caches) warm, and work runs in the order in which it was given.
"""

import logging
import queue
import threading
from collections import deque
from typing import Any, Callable, Deque, List, Optional

from .errors import Canceled
from .job import Job

PATIENCE = 2.0


class Task:
    """Work given to a :class:`Worker`."""

    def __init__(self, work, done, failed, progress):
        self._work = work
        self._done, self._failed, self._progress = done, failed, progress
        self._cancel = threading.Event()
        self._taken = threading.Lock()
        self._latest = None
        self.finished = False

    def cancel(self) -> None:
        """Ask the work to stop; `failed` is then called with :class:`Canceled`, unless it had ended already.

        Work that has not begun never begins, and `failed` is called by the next :meth:`Worker.poll`.
        """
        self._cancel.set()

    @property
    def canceled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    def abandon(self) -> None:
        """Cancel, and deliver nothing any more."""
        self._done = self._failed = self._progress = None
        self.cancel()

    def _report(self, fraction: float, message: str) -> None:
        self._latest = (fraction, message)

    def _take(self) -> bool:
        """Whether the caller is the first to ask, and so the one who sees to the task."""
        return self._taken.acquire(blocking=False)

    def _run(self) -> Callable[[], None]:
        work, self._work = self._work, None
        try:
            job = Job(self._report, self._cancel.is_set)
            job.check()
            result = work(job)
            job.check()
        except Exception as error:  # noqa: BLE001 - whatever happens in the thread is told to whoever started the work
            if not isinstance(error, Canceled):
                logging.debug("Work in the background failed", exc_info=True)
            return lambda error=error: self._failed is not None and self._failed(error)
        return lambda: self._done is not None and self._done(result)

    def _deliver_progress(self) -> None:
        latest, self._latest = self._latest, None
        if latest is not None and self._progress is not None and not self.canceled:
            self._progress(*latest)


class Worker:
    """Runs work on its thread, one after the other; call :meth:`poll` regularly to receive the outcomes.

    Example:
        >>> worker = Worker()
        >>> task = worker.submit(lambda job: 6 * 7, done=print)
        >>> while worker.busy:
        ...     worker.poll()
        42
        >>> worker.close()
    """

    def __init__(self):
        self._work: queue.Queue[Optional[Task]] = queue.Queue()
        self._outcomes: Deque = deque()
        self._tasks: List[Task] = []
        self._thread: Optional[threading.Thread] = None

    def submit(
        self,
        work: Callable[[Job], Any],
        done: Optional[Callable[[Any], None]] = None,
        failed: Optional[Callable[[Exception], None]] = None,
        progress: Optional[Callable[[float, str], None]] = None,
    ) -> Task:
        """Run ``work(job)`` on the thread; `done`, `failed` and `progress` are called by :meth:`poll`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="SAMRegistration", daemon=True)
            self._thread.start()
        task = Task(work, done, failed, progress)
        self._tasks.append(task)
        self._work.put(task)
        return task

    @property
    def busy(self) -> bool:
        """Whether some outcome is still to be delivered."""
        return bool(self._tasks)

    def poll(self) -> None:
        """Deliver progress and outcomes that have arrived, on the calling thread."""
        for task in list(self._tasks):
            task._deliver_progress()
            if task.canceled and task._take():
                self._outcomes.append((task, task._run()))
        while self._outcomes:
            task, deliver = self._outcomes.popleft()
            task.finished = True
            self._tasks.remove(task)
            deliver()
            task._done = task._failed = task._progress = None

    def abandon_all(self) -> None:
        """Cancel everything and deliver nothing of it."""
        for task in self._tasks:
            task.abandon()

    def close(self) -> None:
        """Abandon everything and end the thread once its present work stops; the worker may be used again.

        Waits for that up to PATIENCE seconds: a thread that still computes when Python ends may take the process down.
        """
        self.abandon_all()
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(PATIENCE)
            self._work, self._thread = queue.Queue(), None
        self._outcomes = deque()
        self._tasks = []

    def _loop(self) -> None:
        work, outcomes = self._work, self._outcomes
        while True:
            task = work.get()
            if task is None:
                return
            if task._take():
                outcomes.append((task, task._run()))
            del task  # while the thread waits it holds nothing of the work that was done
