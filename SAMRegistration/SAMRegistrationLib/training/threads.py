"""How many CPU threads a training takes."""

from typing import Optional

import SimpleITK as sitk
import torch


def limit_threads(count: Optional[int]) -> None:
    """Let PyTorch and SimpleITK use `count` threads; 0 or None leaves them as they are."""
    if count:
        torch.set_num_threads(count)
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
