"""Progress out, cancel in: how long work talks to whoever started it."""

from typing import Callable, Optional

from .errors import Canceled

ProgressCallback = Callable[[float, str], None]
CancelCallback = Callable[[], bool]


class Job:
    """Handle that long work uses to report progress and to notice a cancel request.

    Args:
        progress: called with (fraction in [0, 1], stage message); None reports to nobody.
        canceled: returns True once the user asked to stop; None never cancels.

    Example:
        >>> seen = []
        >>> job = Job(progress=lambda fraction, message: seen.append((fraction, message)))
        >>> job.part(0.5, 1.0).update(0.5, "refine")
        >>> seen
        [(0.75, 'refine')]
    """

    def __init__(self, progress: Optional[ProgressCallback] = None, canceled: Optional[CancelCallback] = None):
        self._progress = progress
        self._canceled = canceled

    def part(self, start: float, end: float) -> "Job":
        """A job whose own [0, 1] is the interval [start, end] of this one."""
        return Job(lambda fraction, message: self._report(start + (end - start) * fraction, message), self._canceled)

    def update(self, fraction: float, message: str = "") -> None:
        """Report progress.

        Raises:
            Canceled: when the user asked to stop.
        """
        self.check()
        self._report(fraction, message)

    @property
    def canceled(self) -> bool:
        """Whether the user asked to stop."""
        return self._canceled is not None and self._canceled()

    def check(self) -> None:
        """Raise :class:`Canceled` when the user asked to stop."""
        if self.canceled:
            raise Canceled()

    def _report(self, fraction: float, message: str) -> None:
        if self._progress is not None:
            self._progress(min(max(fraction, 0.0), 1.0), message)
