"""Logs of a training: curves for TensorBoard, and tables as CSV."""

import csv
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import torch

from ..files import PathLike, whole_file


class TensorBoardLog:
    """Writes into `folder`/log when TensorBoard is installed; entries after `step`, from an interrupted run, go.

    Args:
        step: steps done so far.
    """

    def __init__(self, folder: Path, step: int):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # an optional package: training works without it
            self._writer: Optional[object] = None
            return
        self._writer = SummaryWriter(str(folder / "log"), purge_step=step + 1)

    @property
    def writes(self) -> bool:
        """Whether TensorBoard is there."""
        return self._writer is not None

    def scalars(self, group: str, values: Dict[str, float], step: int) -> None:
        """One point on each curve."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, step)

    def image(self, name: str, image: torch.Tensor, step: int) -> None:
        """An image (1 or 3, H, W) in [0, 1]."""
        if self._writer:
            self._writer.add_image(name, image, step)

    def close(self) -> None:
        """Write what is pending."""
        if self._writer:
            self._writer.close()


def write_csv(path: PathLike, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a table, whole or not at all."""
    with whole_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def read_csv(path: PathLike) -> List[Dict[str, str]]:
    """The rows of a table, by the names in its header."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
