"""What a published click model needs, told before it is used for the first time: memory, and seconds of a slice.

Imports nothing that is slow. The figures come from one block of each kind of ViT-B, with windows and without, measured
on one core of an AMD EPYC (0.97 and 2.56 s; the latter takes 1.45 GiB), times the number of blocks. For ViT-L and ViT-H
they grow with the multiplications and the heads of their blocks, and with the weights, which are in memory twice while
they are loaded. The seconds of one core are divided among the cores of this computer.
"""

import os
from pathlib import Path
from typing import NamedTuple, Optional

from ..choices import CLICK_MODELS
from ..weights import MANIFEST, WeightsFile

GIGABYTE = 2**30
_NEAR = 0.1  # by how much the file of a user's own may differ in size from the published one of the same network
_MOST_CORES = 8  # that an embedding makes use of


class Needs(NamedTuple):
    """Attributes:
    file: bytes of the weights.
    memory: bytes that the process takes at most.
    core_seconds: of one core, for the embedding of a slice.
    """

    file: int
    memory: int
    core_seconds: float

    @property
    def megabytes(self) -> int:
        """Of the weights, as files are measured: 1 MB is a million bytes."""
        return round(self.file / 1e6)

    @property
    def gigabytes(self) -> float:
        """Of memory at most, as memory is measured: 1 GB is 2**30 bytes."""
        return self.memory / GIGABYTE

    def seconds(self, cores: Optional[int] = None) -> float:
        """For the embedding of a slice on the CPU; None: with all cores of this computer."""
        return self.core_seconds / min(cores or os.cpu_count() or 1, _MOST_CORES)


_FIGURES = {"ViT-B": (2.5, 19.0), "ViT-L": (3.7, 50.0), "ViT-H": (5.5, 95.0)}  # GiB at most, seconds of one core


def needs_of(model: str) -> Optional[Needs]:
    """What a model needs, by its name or the path of its file; None where it ships, or is of an unknown size."""
    if any(model == choice.name and not choice.needs_download for choice in CLICK_MODELS):
        return None
    named = next((entry for entry in MANIFEST if entry.name == model), None)
    if named is not None:
        return _figures(named, named.size)
    path = Path(model)
    size = path.stat().st_size if path.is_file() else 0
    nearest = min(MANIFEST, key=lambda entry: abs(entry.size - size))
    return _figures(nearest, size) if abs(nearest.size - size) <= _NEAR * nearest.size else None


def first_use_text(model: str, device: str, free: Optional[int]) -> str:
    """One sentence for the command line; empty where there is nothing to tell.

    Args:
        device: "cpu", "auto", "cuda", ...
        free: bytes of memory that are free, if known.
    """
    needs = needs_of(model)
    if needs is None:
        return ""
    parts = [f"{Path(model).name}: a file of {needs.megabytes} MB", f"up to {needs.gigabytes:.1f} GB of memory"]
    parts += [] if free is None else [f"{free / GIGABYTE:.1f} GB are free"]
    parts += [] if device.startswith("cuda") else [f"about {needs.seconds():.0f} s for a slice that is new"]
    return ", ".join(parts) + (" (less on a GPU)." if device == "auto" else ".")


def _figures(entry: WeightsFile, size: int) -> Needs:
    gigabytes, seconds = _FIGURES[entry.shape]
    return Needs(size, round(gigabytes * GIGABYTE), seconds)
