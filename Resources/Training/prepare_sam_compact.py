"""Make the label maps that sam-compact.toml trains on from public downloads.

    python prepare_sam_compact.py DOWNLOADS OUTPUT

DOWNLOADS holds, unpacked: ``nilearn`` (the PyPI wheel nilearn: ICBM152 T1, gray and white matter), ``mricron`` (the
Debian package mricron-data: Colin27 T1 and AAL), ``totalseg-ct-mr`` (reference files of TotalSegmentator's tests) and
``lidc-chest-ct`` (LIDC-IDRI-0314 at 2 mm). Nothing is downloaded.
"""

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ICBM = "nilearn/nilearn/datasets/data/mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
MRICRON = "mricron/usr/share/mricron/templates/{}.nii.gz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("downloads", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, make in (("icbm", icbm), ("colin", colin), ("aorta", aorta), ("lungs", lungs)):
        image, labels = make(options.downloads)
        label_map = sitk.GetImageFromArray(labels.astype(np.uint8))
        label_map.CopyInformation(image)
        sitk.WriteImage(image, str(options.output / f"{name}.nii.gz"))
        sitk.WriteImage(label_map, str(options.output / f"{name}_labels.nii.gz"))
        print(f"{name}: {len(np.unique(labels)) - 1} structures")


def icbm(downloads):
    """1 white matter, 2 gray matter, each where it is the likelier half."""
    image = sitk.ReadImage(str(downloads / ICBM.format("t1")))
    gray, white = (array(downloads / ICBM.format(tissue)).astype(float) for tissue in ("gm", "wm"))
    gray, white = gray / gray.max(), white / white.max()
    return image, np.where(white > 0.5, 1, np.where(gray > 0.5, 2, 0))


def colin(downloads):
    """1 to 8 caudate, putamen, pallidum, thalamus (left, right), 9 cerebellum, of AAL."""
    image = sitk.ReadImage(str(downloads / MRICRON.format("ch2")))
    aal = array(downloads / MRICRON.format("aal"))
    labels = np.where((aal >= 71) & (aal <= 78), aal - 70, 0)
    labels[(aal >= 91) & (aal <= 116)] = 9
    return image, labels


def aorta(downloads):
    """1 aorta, 2 vertebra T12."""
    folder = downloads / "totalseg-ct-mr" / "aorta"
    image = sitk.ReadImage(str(folder / "ct_cropped.nii.gz"))
    labels = np.where(array(folder / "aorta.nii.gz") > 0, 1, 0)
    labels[array(folder / "vertebrae_T12.nii.gz") > 0] = 2
    return image, labels


def lungs(downloads):
    """The connected regions of air inside the body, smoothed: lungs and large airways."""
    image = sitk.ReadImage(str(downloads / "lidc-chest-ct" / "LIDC-IDRI-0314_2mm.nii.gz"))
    air = sitk.BinaryMorphologicalOpening(image < -400, [2, 2, 1])
    parts = sitk.GetArrayFromImage(sitk.RelabelComponent(sitk.ConnectedComponent(air), 3000))
    labels = np.zeros(parts.shape, np.uint8)
    for part in range(1, parts.max() + 1):
        mask = parts == part
        if not (mask[:, [0, -1]].any() or mask[:, :, [0, -1]].any()):
            closed = sitk.BinaryMorphologicalClosing(sitk.GetImageFromArray(mask.astype(np.uint8)), [3, 3, 2])
            labels[sitk.GetArrayFromImage(closed) > 0] = labels.max() + 1
    return image, labels


def array(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


if __name__ == "__main__":
    main()
