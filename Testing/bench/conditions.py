"""Under what conditions a benchmark ran."""

import platform
from pathlib import Path


def conditions(threads: int) -> str:
    """The processor and how many threads were used, in words."""
    return f"{_processor()}, {threads} thread{'s' if threads > 1 else ''}, no GPU"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
