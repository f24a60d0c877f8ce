"""What a registration process hands back to the benchmark: its transform, seconds and peak memory."""

import json
import time
from pathlib import Path
from typing import Callable

import SimpleITK as sitk


def write_registration(folder: Path, register: Callable[[], sitk.Transform]) -> None:
    """Call `register`; write its transform (fixed points to moving points) and what it took.

    Seconds are those of the clock; CPU seconds, of all threads, are what counts on a machine that does other work too.
    Memory is the peak of this process so far.
    """
    start, cpu_start = time.perf_counter(), time.process_time()
    transform = register()
    outcome = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu_start}
    outcome["peak_mb"] = _peak_mb()
    sitk.WriteTransform(transform, str(folder / "transform.h5"))
    (folder / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")


def write_refusal(folder: Path, reason: str) -> None:
    """Say why the method cannot register this pair."""
    (folder / "outcome.json").write_text(json.dumps({"not_applicable": reason}), encoding="utf-8")


def _peak_mb() -> float:
    """Peak resident memory; Linux's own count, because ru_maxrss there still holds that of the starting process."""
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.is_file() else []
    peaks = [float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    if peaks:
        return peaks[0]
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
