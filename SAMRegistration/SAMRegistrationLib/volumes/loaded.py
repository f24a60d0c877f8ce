"""A volume as it came from a file, with what was put right while reading it."""

from dataclasses import dataclass
from typing import Tuple

import SimpleITK as sitk


@dataclass(frozen=True)
class LoadedVolume:
    """An image, and a sentence for the user about everything that was put right or left out when it was read."""

    image: sitk.Image
    notes: Tuple[str, ...] = ()
