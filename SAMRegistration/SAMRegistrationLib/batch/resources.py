"""How many pairs fit this computer at a time: processors and memory."""

import os
from pathlib import Path
from typing import Optional

import SimpleITK as sitk

from ..environment import processor
from .pairs import INPUTS, Pair

GIGABYTE = 2**30
AT_LEAST = 1.0 * GIGABYTE  # of a process: Python with PyTorch, and room for small volumes
PER_VOXEL = 160  # bytes for every voxel of both volumes; measured, see docs/batch.md
BYTES_PER_VOXEL_IN_FILES = 2


def processors() -> int:
    """Processors that this process may use, which a cluster may have limited."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def memory() -> Optional[float]:
    """Bytes that may be used: what SLURM gave to the job, or what is free; None where that cannot be told."""
    given = os.environ.get("SLURM_MEM_PER_NODE", "")
    return float(given) * 2**20 if given.isdigit() and int(given) else processor().free


def need_of(pair: Pair) -> float:
    """Bytes that the registration of a pair takes, about."""
    return AT_LEAST + PER_VOXEL * sum(_voxels(Path(pair.values[column])) for column in INPUTS)


def _voxels(path: Path) -> float:
    """Voxels of a volume, from its header; of a folder, from the size of its files; 0 where it cannot be read."""
    try:
        if path.is_dir():
            return sum(file.stat().st_size for file in path.iterdir()) / BYTES_PER_VOXEL_IN_FILES
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        voxels = 1
        for size in reader.GetSize():
            voxels *= size
        return voxels
    except (OSError, RuntimeError):
        return 0
