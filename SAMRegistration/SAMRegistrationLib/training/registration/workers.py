"""The processes of one training: one, or several under torchrun."""

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterable, Iterator

import torch
import torch.distributed as dist


@dataclass(frozen=True)
class Workers:
    """This process among `count`, and the device it computes on.

    torchrun describes the processes in the environment (RANK, WORLD_SIZE, LOCAL_RANK); without it there is one.
    """

    rank: int
    count: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes files and reports progress."""
        return self.rank == 0

    def indices(self, step: int, batch: int) -> range:
        """The pairs of this process at a step: consecutive in the whole, so that two processes with a batch of one
        see what one process with a batch of two sees."""
        start = (step * self.count + self.rank) * batch
        return range(start, start + batch)

    def mean_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Average the gradients over all processes, in place, in one message."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters]
        together = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(together)
        together /= self.count
        for gradient, part in zip(gradients, together.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(part.view_as(gradient))

    def mean(self, value: float) -> float:
        """A number averaged over all processes."""
        if self.count == 1:
            return value
        total = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total) / self.count

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined_workers() -> Iterator[Workers]:
    """Join the processes that torchrun started (NCCL on CUDA, gloo otherwise) and leave them again."""
    count, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if count == 1:
        yield Workers(0, 1, device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(dist.get_rank(), count, device)
    finally:
        dist.destroy_process_group()
