"""What a registration process hands back to the benchmark: its transform, seconds and peak memory."""

import json
import resource
from pathlib import Path
from typing import Optional

import SimpleITK as sitk


def write_outcome(
    folder: Path, transform: Optional[sitk.Transform] = None, seconds: float = 0.0, not_applicable: str = ""
) -> None:
    """Write transform.h5 (fixed points to moving points) and outcome.json; memory is this process's peak so far."""
    outcome = {"seconds": seconds, "peak_mb": _peak_mb(), "not_applicable": not_applicable}
    if transform is not None:
        sitk.WriteTransform(transform, str(folder / "transform.h5"))
    (folder / "outcome.json").write_text(json.dumps(outcome))


def _peak_mb() -> float:
    """Peak resident memory; Linux's own count, because ru_maxrss there still holds that of the starting process."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    peaks = [float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
