"""Whether the library is the installed one, and what register and segment left in the current folder is right."""

import json
import sys
from pathlib import Path

import numpy as np
import SAMRegistrationLib
import SimpleITK as sitk

RESULTS = ("transform.h5", "inverse.h5", "warped.nii.gz", "warped_labels.nii.gz", "report.html", "report.png")


def labels(name):
    """Voxels of a label image of the current folder."""
    return sitk.GetArrayFromImage(sitk.ReadImage(name)) > 0


def dice(first, second):
    """Overlap of two masks."""
    return 2 * np.count_nonzero(first & second) / max(np.count_nonzero(first) + np.count_nonzero(second), 1)


def main():
    """Print the overlaps; fail where something is missing or wrong."""
    place = Path(SAMRegistrationLib.__file__)
    assert Path(sys.prefix) in place.parents, f"{place} is not in the virtual environment"
    for name in RESULTS:
        assert (Path("result") / name).stat().st_size > 200, name
    fixed = labels("fixed_labels.nii.gz")
    before, after = dice(labels("moving_labels.nii.gz"), fixed), dice(labels("result/warped_labels.nii.gz"), fixed)
    segmented = dice(labels("segmented.nii.gz"), fixed)
    assert after > before + 0.05, (before, after)
    assert segmented > 0.6, segmented
    facts = json.loads(Path("result/metrics.json").read_text(encoding="utf-8"))["facts"]
    assert facts["network"] == "registration-synthetic.safetensors", facts
    print(f"Dice {before:.2f} before and {after:.2f} after registration, {segmented:.2f} of the click")


if __name__ == "__main__":
    main()
