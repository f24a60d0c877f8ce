"""This project's registration for the benchmark.

    python ours.py METHOD FIXED MOVING OUTPUT_FOLDER THREADS FIXED_LABELS MOVING_LABELS [LABEL ...]

METHOD is ours-PRESET and what follows; the masks of the labels that are named guide it. One method per process, so that
its peak memory is its own. Reading files and importing packages is not timed.
"""

import sys
from pathlib import Path
from typing import List

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SAMRegistration"))

import numpy as np
import SimpleITK as sitk
import torch
from outcome import write_registration
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.volumes import read_labels, read_volume


def main() -> None:
    """Run one preset on one pair."""
    preset = sys.argv[1].split("-")[1]
    fixed, moving = (read_volume(path) for path in sys.argv[2:4])
    folder, threads = Path(sys.argv[4]), int(sys.argv[5])
    given = [int(label) for label in sys.argv[8:]]
    masks = [only(read_labels(path).label_image(), given) for path in sys.argv[6:8]] if given else [None, None]
    torch.set_num_threads(threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    options = RegistrationOptions.preset(preset, device="cpu")
    write_registration(folder, lambda: register(fixed, moving, *masks, options=options).transform)


def only(labels: sitk.Image, given: List[int]) -> sitk.Image:
    """The label image without the structures that are not given."""
    array = sitk.GetArrayFromImage(labels)
    image = sitk.GetImageFromArray(np.where(np.isin(array, given), array, 0))
    image.CopyInformation(labels)
    return image


if __name__ == "__main__":
    main()
