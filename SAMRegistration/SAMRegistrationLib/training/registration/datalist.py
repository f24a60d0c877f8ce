"""Data lists: which volumes belong to which split, as one JSON file whose paths are relative to it.

Example of a file::

    {"name": "hippocampus",
     "structures": {"1": "anterior", "2": "posterior"},
     "cases": [{"id": "h001", "split": "train", "image": "images/h001.nii.gz", "labels": "labels/h001.nii.gz"}],
     "pairs": {"test": [["fixed case", "moving case"]]}}

Labels are a label map, or a segmentation of Slicer (.seg.nrrd), whose structures may overlap and go by their names. A
case may also name ``subject`` (cases of one subject stay in one split), ``masks`` (what the network is shown, for
instance from SAM; the labels when absent) and ``landmarks`` (CSV rows x, y, z in LPS mm; the same rows in both cases).
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from ...errors import InputError
from ...files import PathLike, shown, whole_file

SPLITS = ("train", "validation", "test")
_FILES = ("image", "labels", "masks", "landmarks")


@dataclass(frozen=True)
class Case:
    """One volume with what is known about it; paths are absolute."""

    id: str
    split: str
    image: Path
    labels: Optional[Path] = None
    masks: Optional[Path] = None
    landmarks: Optional[Path] = None
    subject: str = ""

    @property
    def guidance(self) -> Optional[Path]:
        """The label map shown to the network: the masks, or the labels when there are none."""
        return self.masks or self.labels


@dataclass(frozen=True)
class DataList:
    """Cases, the structures' names by label value, and the pairs (fixed id, moving id) of the splits that fix them."""

    name: str
    structures: Dict[int, str]
    cases: Tuple[Case, ...]
    pairs: Dict[str, Tuple[Tuple[str, str], ...]] = field(default_factory=dict)

    def of(self, split: str) -> List[Case]:
        """The cases of a split, in the order of the list."""
        return [case for case in self.cases if case.split == split]

    def pairs_of(self, split: str) -> List[Tuple[Case, Case]]:
        """(fixed, moving) pairs of a split: those of the list; otherwise every ordered pair of different cases for
        training and every pair i < j (moving i onto fixed j) for the other splits."""
        cases = {case.id: case for case in self.of(split)}
        if split in self.pairs:
            return [(cases[fixed], cases[moving]) for fixed, moving in self.pairs[split]]
        ordered = list(cases.values())
        return [
            (ordered[j], ordered[i])
            for j in range(len(ordered))
            for i in range(len(ordered))
            if i < j or (split == "train" and i != j)
        ]


def read_data_list(path: PathLike) -> DataList:
    """Read a data list and check its entries; the volumes themselves are checked by :func:`.check.check_data_list`.

    Raises:
        InputError: the file, or an entry of it, cannot be used; the sentence names both.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"The data list {path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The data list {path} is not valid JSON ({error}).") from error
    if not isinstance(content, dict) or not isinstance(content.get("cases"), list) or not content["cases"]:
        raise InputError(f'The data list {path} has no "cases".')
    cases = tuple(_case(path, number, entry) for number, entry in enumerate(content["cases"], start=1))
    _refuse_duplicates(path, cases)
    structures = _structures(path, content.get("structures", {}))
    return DataList(str(content.get("name", path.stem)), structures, cases, _pairs(path, content, cases))


def write_data_list(data: DataList, path: PathLike) -> None:
    """Write a data list as JSON; paths inside the folder of the file become relative to it."""
    folder = Path(path).resolve().parent

    def entry(case: Case) -> Dict[str, str]:
        values = {"id": case.id, "split": case.split}
        if case.subject:
            values["subject"] = case.subject
        values.update({kind: _relative(getattr(case, kind), folder) for kind in _FILES if getattr(case, kind)})
        return values

    content = {
        "name": data.name,
        "structures": {str(value): name for value, name in data.structures.items()},
        "cases": [entry(case) for case in data.cases],
        "pairs": {split: [list(pair) for pair in pairs] for split, pairs in data.pairs.items()},
    }
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _relative(path: Path, folder: Path) -> str:
    path = Path(path).resolve()
    return str(path.relative_to(folder)) if folder in path.parents else str(path)


def _case(path: Path, number: int, entry: object) -> Case:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"]:
        raise InputError(f'Case number {number} of the data list {path} has no "id".')
    name = entry["id"]
    unknown = sorted(set(entry) - {"id", "split", "subject", *_FILES})
    if unknown:
        raise InputError(f'Case "{name}" of the data list {path} has an unknown entry "{unknown[0]}".')
    if entry.get("split") not in SPLITS:
        raise InputError(f'Case "{name}" of the data list {path} needs a "split" out of {", ".join(SPLITS)}.')
    if "image" not in entry:
        raise InputError(f'Case "{name}" of the data list {path} has no "image".')
    files = {}
    for kind in _FILES:
        if kind in entry:
            file = path.parent / str(entry[kind])
            if not _is_file(file):
                raise InputError(f'The {kind} of case "{name}" of the data list {path} is missing: {shown(file)}.')
            files[kind] = file.resolve()
    return Case(id=name, split=entry["split"], subject=str(entry.get("subject", "")), **files)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long or holds what no name can
        return False


def _refuse_duplicates(path: Path, cases: Tuple[Case, ...]) -> None:
    by_id: Dict[str, Case] = {}
    by_image: Dict[Path, Case] = {}
    by_subject: Dict[str, Case] = {}
    for case in cases:
        if case.id in by_id:
            raise InputError(f'The data list {path} has two cases with the id "{case.id}".')
        twin = by_image.get(case.image)
        if twin is not None:
            raise InputError(
                f'Cases "{twin.id}" ({twin.split}) and "{case.id}" ({case.split}) of the data list {path} '
                f"are the same volume {case.image}."
            )
        kin = by_subject.get(case.subject) if case.subject else None
        if kin is not None and kin.split != case.split:
            raise InputError(
                f'Subject "{case.subject}" of the data list {path} is in two splits: '
                f'"{kin.id}" ({kin.split}) and "{case.id}" ({case.split}).'
            )
        by_id[case.id] = by_image[case.image] = case
        by_subject.setdefault(case.subject, case)


def _structures(path: Path, entry: object) -> Dict[int, str]:
    if isinstance(entry, dict) and all(_is_label(key) for key in entry):
        return {int(key): str(name) for key, name in sorted(entry.items(), key=lambda item: int(item[0]))}
    raise InputError(f'The "structures" of the data list {path} must map label values (1, 2, ...) to names.')


def _is_label(key: str) -> bool:
    return key.isdecimal() and len(key) < 20 and int(key) > 0


def _pairs(path: Path, content: Dict, cases: Tuple[Case, ...]) -> Dict[str, Tuple[Tuple[str, str], ...]]:
    split_of = {case.id: case.split for case in cases}
    pairs = content.get("pairs", {})
    if not isinstance(pairs, dict) or not set(pairs) <= set(SPLITS):
        raise InputError(f'The "pairs" of the data list {path} must be given per split ({", ".join(SPLITS)}).')
    for split, entries in pairs.items():
        if not isinstance(entries, list):
            raise InputError(f"The pairs of split {split} of the data list {path} must be a list.")
        for pair in entries:
            texts = isinstance(pair, list) and all(isinstance(name, str) for name in pair)
            if not texts or len(pair) != 2 or pair[0] == pair[1]:
                raise InputError(f"A pair {pair!r:.60} of split {split} of the data list {path} must name two cases.")
            for name in pair:
                if split_of.get(name) != split:
                    raise InputError(f'A pair of split {split} of the data list {path} names "{name}", not of it.')
    return {split: tuple((fixed, moving) for fixed, moving in entries) for split, entries in pairs.items()}
