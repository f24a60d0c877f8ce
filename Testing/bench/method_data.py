"""The data of the experiments in docs/method.md, as data lists: ACDC, synthetic abdomens, MSD hippocampus."""

import dataclasses
import itertools
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import SimpleITK as sitk
import torch
from SAMRegistrationLib.training.random_stream import RandomStream
from SAMRegistrationLib.training.registration.appearance import random_contrast, render
from SAMRegistrationLib.training.registration.datalist import Case, DataList, write_data_list
from SAMRegistrationLib.training.registration.layouts import ABDOMEN_STRUCTURES, msd_hippocampus

TWIN = "patient076"
BODY_TISSUES = 3  # that fill the space between the organs, different in every image
ABDOMEN_TEST_STEP = 3  # every third label map tests, from the third on: 6 of 20


def acdc(folder: Path, output: Path, spacing: float) -> Path:
    """ED and ES of each patient, both ways: in order of name every tenth patient tests, every twentieth validates.

    Patient 076 is left out: its volumes are those of patient 074, who tests.
    """
    cases: List[Case] = []
    pairs: Dict[str, List[Tuple[str, str]]] = {"train": [], "validation": [], "test": []}
    for index, patient in enumerate(sorted(path for path in folder.glob("patient*") if path.is_dir())):
        if patient.name == TWIN:
            continue
        split = "test" if index % 10 == 9 else "validation" if index % 20 == 4 else "train"
        names = [f"{patient.name}-{phase}" for phase in ("ED", "ES")]
        for name, phase in zip(names, ("ED", "ES")):
            image, labels = (patient / f"{phase}{ending}.nii.gz" for ending in ("", "_gt"))
            cases.append(Case(name, split, image, labels, subject=patient.name))
        pairs[split] += [tuple(names[::-1]), tuple(names)]
    structures = {1: "right ventricle", 2: "myocardium", 3: "left ventricle"}
    return _written(
        DataList("ACDC", structures, tuple(cases), {key: tuple(value) for key, value in pairs.items()}), output
    )


def abdomen(folder: Path, output: Path, spacing: float, draws: int = 60) -> Path:
    """Pairs of label maps with images synthesized from them: one contrast for both images, anew for every pair.

    Each map tests that is the third of three in order of name, all pairs of these; `draws` random pairs of the others
    train.
    """
    maps = sorted(folder.glob("*.nii.gz"))
    tested = maps[ABDOMEN_TEST_STEP - 1 :: ABDOMEN_TEST_STEP]
    others = [path for path in maps if path not in tested]
    stream = RandomStream(0)
    drawn = [stream.subset(len(others), 2) for _ in range(draws)]
    wanted = [("test", pair) for pair in itertools.combinations(tested, 2)]
    wanted += [("train", tuple(others[n] for n in numbers)) for numbers in drawn]
    cases, pairs = [], {"train": [], "test": []}
    for number, (split, paths) in enumerate(wanted):
        names = _synthesized(paths, output / f"abdomen-{spacing:g}", number, spacing)
        cases += [
            Case(name.name, split, *(name.with_name(f"{name.name}{end}") for end in (".nii.gz", "_gt.nii.gz")))
            for name in names
        ]
        pairs[split].append(tuple(name.name for name in names[::-1]))
    structures = dict(enumerate(ABDOMEN_STRUCTURES, start=1))
    return _written(
        DataList("abdomen", structures, tuple(cases), {key: tuple(value) for key, value in pairs.items()}), output
    )


def hippocampus(folder: Path, output: Path, spacing: float) -> Path:
    """MSD hippocampus as the layout of the library splits it."""
    return _written(dataclasses.replace(msd_hippocampus(folder), name="hippocampus"), output)


def _synthesized(paths, folder: Path, number: int, spacing: float) -> List[Path]:
    """Images and labels of a pair at `spacing` mm; returns their common names without endings."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = RandomStream(7, number)
    contrast = random_contrast(1 + len(ABDOMEN_STRUCTURES) + BODY_TISSUES, stream)
    names = []
    for side, path in zip(("moving", "fixed"), paths):
        name = folder / f"{number:03d}-{side}-{path.name.split('.')[0]}"
        names.append(name)
        if (folder / f"{name.name}.nii.gz").exists():
            continue
        labels = _coarser(sitk.ReadImage(str(path)), spacing)
        organs = torch.from_numpy(sitk.GetArrayFromImage(labels).astype(np.int64))[None, None]
        shape = organs.shape[2:]
        between = stream.smooth(BODY_TISSUES, shape, 0.15 * max(shape)).argmax(1, keepdim=True)
        tissues = torch.where(organs > 0, organs, 1 + len(ABDOMEN_STRUCTURES) + between)
        noise = stream.smooth(1, shape, stream.uniform(1.5, 6.0))
        image = labels_like(labels, (1000 * render(tissues, contrast, noise, stream)[0, 0].numpy()).astype(np.int16))
        sitk.WriteImage(labels, str(folder / f"{name.name}_gt.nii.gz"))
        sitk.WriteImage(image, str(folder / f"{name.name}.nii.gz"))
    return names


def labels_like(image: sitk.Image, array: np.ndarray) -> sitk.Image:
    """An array as an image on the grid of another one."""
    made = sitk.GetImageFromArray(array)
    made.CopyInformation(image)
    return made


def _coarser(labels: sitk.Image, spacing: float) -> sitk.Image:
    size = [int(np.ceil(n * s / spacing)) for n, s in zip(labels.GetSize(), labels.GetSpacing())]
    frame = (labels.GetOrigin(), [spacing] * 3, labels.GetDirection(), 0, sitk.sitkUInt8)
    return sitk.Resample(labels, size, sitk.Transform(), sitk.sitkNearestNeighbor, *frame)


def _written(data: DataList, output: Path) -> Path:
    path = output / f"{data.name.lower()}.json"
    output.mkdir(parents=True, exist_ok=True)
    write_data_list(data, path)
    return path
