"""This project's registration for the benchmark.

    python ours.py METHOD FIXED MOVING OUTPUT_FOLDER THREADS FIXED_LABELS MOVING_LABELS

METHOD is ours-PRESET, intensities only, or ours-PRESET-mask1, guided by the masks of label 1. One method per process,
so that its peak memory is its own. Reading files and importing packages is not timed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SAMRegistration"))

import SimpleITK as sitk
import torch
from outcome import write_registration
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.volumes import read_labels, read_volume


def main() -> None:
    """Run one preset on one pair."""
    _, preset, *guide = sys.argv[1].split("-")
    fixed, moving = (read_volume(path) for path in sys.argv[2:4])
    folder, threads = Path(sys.argv[4]), int(sys.argv[5])
    masks = [read_labels(path).label_image() == 1 for path in sys.argv[6:8]] if guide else [None, None]
    torch.set_num_threads(threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    options = RegistrationOptions.preset(preset, device="cpu")
    write_registration(folder, lambda: register(fixed, moving, *masks, options=options).transform)


if __name__ == "__main__":
    main()
