"""Data lists from the folders in which public data sets are delivered."""

import re
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from ...errors import InputError
from ...files import PathLike
from .datalist import Case, DataList

ABDOMEN_STRUCTURES = (
    "spleen",
    "right kidney",
    "left kidney",
    "gallbladder",
    "esophagus",
    "liver",
    "stomach",
    "aorta",
    "inferior vena cava",
    "portal and splenic vein",
    "pancreas",
    "left adrenal gland",
    "right adrenal gland",
)


def abdomen_ct_ct(folder: PathLike) -> DataList:
    """Learn2Reg AbdomenCTCT (imagesTr, labelsTr of 30 scans): scans 0, 3, 6, ..., 27 in order of name are the 45 test
    pairs, the other 20 train. Of a pair i < j, scan i moves onto scan j.

    Raises:
        InputError: the folder is not laid out like that.
    """
    scans = _images_with_labels(Path(folder), "imagesTr", "labelsTr", "Learn2Reg AbdomenCTCT")
    if len(scans) != 30:
        raise InputError(f"The folder {folder} has {len(scans)} labeled scans; Learn2Reg AbdomenCTCT has 30.")
    cases = tuple(
        Case(_stem(image), "test" if index % 3 == 0 else "train", image, labels)
        for index, (image, labels) in enumerate(scans)
    )
    return DataList("AbdomenCTCT", dict(enumerate(ABDOMEN_STRUCTURES, start=1)), cases)


def acdc(folder: PathLike) -> DataList:
    """ACDC training set (patient001 ... patient100): every tenth patient is a test case, so that the five groups of
    20 patients are equally present; end-diastole moves onto end-systole, in training also the other way round.

    Raises:
        InputError: the folder is not laid out like that.
    """
    folder = Path(folder)
    patients = sorted(path for path in folder.glob("patient[0-9][0-9][0-9]") if path.is_dir())
    if not patients:
        raise InputError(f"The folder {folder} has no patient001, patient002, ... of ACDC.")
    cases: List[Case] = []
    pairs: Dict[str, List[Tuple[str, str]]] = {"train": [], "test": []}
    for patient in patients:
        split = "test" if int(patient.name[-3:]) % 10 == 0 else "train"
        frames = _acdc_frames(patient)
        for phase, frame in frames.items():
            image = _existing(patient, f"{patient.name}_frame{frame:02d}")
            labels = _existing(patient, f"{patient.name}_frame{frame:02d}_gt")
            cases.append(Case(f"{patient.name}-{phase}", split, image, labels, subject=patient.name))
        end_diastole, end_systole = f"{patient.name}-ED", f"{patient.name}-ES"
        pairs[split].append((end_systole, end_diastole))
        if split == "train":
            pairs[split].append((end_diastole, end_systole))
    structures = {1: "right ventricle", 2: "myocardium", 3: "left ventricle"}
    return DataList("ACDC", structures, tuple(cases), {split: tuple(found) for split, found in pairs.items() if found})


def msd_hippocampus(folder: PathLike) -> DataList:
    """Medical Segmentation Decathlon Task04 (imagesTr, labelsTr; or images, labels): in order of name, cases 4, 9,
    14, ... (counting from 0) are for testing, cases 0, 25, 50, ... for validation, the others train.

    The pairs between subjects are fixed: each test case moves onto the next one and onto the seventh next one, each
    validation case onto the next one.

    Raises:
        InputError: the folder is not laid out like that.
    """
    folder = Path(folder)
    official = (folder / "imagesTr").is_dir()
    scans = _images_with_labels(
        folder, "imagesTr" if official else "images", "labelsTr" if official else "labels", "MSD Task04_Hippocampus"
    )

    def split(index: int) -> str:
        return "test" if index % 5 == 4 else "validation" if index % 25 == 0 else "train"

    cases = tuple(Case(_stem(image), split(index), image, labels) for index, (image, labels) in enumerate(scans))
    pairs = {
        "test": _ring([case.id for case in cases if case.split == "test"], (1, 7)),
        "validation": _ring([case.id for case in cases if case.split == "validation"], (1,)),
    }
    return DataList("MSD hippocampus", {1: "anterior", 2: "posterior"}, cases, pairs)


LAYOUTS: Dict[str, Callable[[PathLike], DataList]] = {
    "abdomen-ct-ct": abdomen_ct_ct,
    "acdc": acdc,
    "msd-hippocampus": msd_hippocampus,
}


def _ring(names: List[str], offsets: Tuple[int, ...]) -> Tuple[Tuple[str, str], ...]:
    count = len(names)
    return tuple(
        (names[(index + offset) % count], names[index])
        for offset in offsets
        for index in range(count)
        if (index + offset) % count != index
    )


def _stem(path: Path) -> str:
    return re.sub(r"\.nii(\.gz)?$", "", path.name)


def _images_with_labels(folder: Path, images: str, labels: str, name: str) -> List[Tuple[Path, Path]]:
    if not (folder / images).is_dir() or not (folder / labels).is_dir():
        raise InputError(f"The folder {folder} has no {images} and {labels} of {name}.")
    label_of = {re.findall(r"\d+", path.name)[0]: path for path in _volumes(folder / labels)}
    found = []
    for image in _volumes(folder / images):
        number = re.findall(r"\d+", image.name)[0]
        if number not in label_of:
            raise InputError(f"The scan {image} of {name} has no label map in {folder / labels}.")
        found.append((image, label_of[number]))
    if not found:
        raise InputError(f"The folder {folder / images} has no volumes (.nii or .nii.gz) of {name}.")
    return found


def _volumes(folder: Path) -> List[Path]:
    names = (path for path in folder.iterdir() if re.search(r"^[^.].*\d.*\.nii(\.gz)?$", path.name))
    return sorted(names, key=lambda path: path.name)


def _acdc_frames(patient: Path) -> Dict[str, int]:
    info = patient / "Info.cfg"
    if not info.is_file():
        raise InputError(f"The ACDC patient {patient} has no Info.cfg.")
    frames = {
        phase: int(frame)
        for phase, frame in re.findall(r"^(ED|ES):\s*(\d+)", info.read_text(encoding="utf-8"), re.MULTILINE)
    }
    if set(frames) != {"ED", "ES"}:
        raise InputError(f"The file {info} does not tell the frames ED and ES.")
    return frames


def _existing(folder: Path, stem: str) -> Path:
    for suffix in (".nii.gz", ".nii"):
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise InputError(f"The folder {folder} has no {stem}.nii.gz.")
