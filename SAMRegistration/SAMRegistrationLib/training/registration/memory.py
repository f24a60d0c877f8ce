"""Peak memory of a block of code."""

import threading
from typing import Optional

import torch


class PeakMemory:
    """Largest memory in use while the block runs: of the CUDA device where there is one, else of the process.

    The process is looked at every 20 ms (Linux only; elsewhere the peak is None).

    Attributes:
        peak_mb: megabytes (2^20 bytes); None where it cannot be told.
    """

    def __init__(self):
        self.peak_mb: Optional[float] = None
        self._stop = threading.Event()

    def __enter__(self) -> "PeakMemory":
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
            return self
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *failure) -> None:
        if torch.cuda.is_available():
            self.peak_mb = torch.cuda.max_memory_allocated() / 2**20
            return
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = _resident_mb()
            if now is not None:
                self.peak_mb = max(now, self.peak_mb or 0.0)
            if self._stop.wait(0.02):
                return


def _resident_mb() -> Optional[float]:
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024
    except OSError:  # no such file on this system
        return None
    return None
