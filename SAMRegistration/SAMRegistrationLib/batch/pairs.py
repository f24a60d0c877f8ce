"""The table of a batch: a pair of volumes in every row, with what guides and measures it."""

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence

from ..choices import PRESETS
from ..errors import InputError
from ..files import PathLike, require_usable_path, shown
from ..inside import is_plain_name
from ..points import read_text

INPUTS = ("fixed", "moving")
FILES = (
    "fixed_masks",
    "moving_masks",
    "fixed_prompts",
    "moving_prompts",
    "fixed_labels",
    "moving_labels",
    "fixed_landmarks",
    "moving_landmarks",
    "fixed_guide_landmarks",
    "moving_guide_landmarks",
    "ignore_fixed",
    "ignore_moving",
    "rigid_regions",
    "initial_transform",
)
COLUMNS = ("name", *INPUTS, *FILES, "preset")


@dataclass(frozen=True)
class Pair:
    """A row of the table.

    Attributes:
        name: of the folder for its results, within that of the batch.
        values: by column, without those that are empty; paths are absolute.
    """

    name: str
    values: Dict[str, str]

    @property
    def files(self) -> List[Path]:
        """All files and folders that the row names."""
        return [Path(self.values[column]) for column in (*INPUTS, *FILES) if column in self.values]

    def arguments(self) -> List[str]:
        """Of the command register, without the output."""
        named = [column for column in (*FILES, "preset") if column in self.values]
        options = [f"--{column.replace('_', '-')}={self.values[column]}" for column in named]
        return [*(self.values[column] for column in INPUTS), *options]


class Part(NamedTuple):
    """One of several shares of a batch, as of a job array: `number` from 1 to `count`."""

    number: int
    count: int

    def of(self, pairs: Sequence[Pair]) -> List[Pair]:
        """Every `count`-th pair, so that shares are about as large and no pair is in two of them."""
        return list(pairs[self.number - 1 :: self.count])


def part_of(text: str) -> Part:
    """A share written as "3/40".

    Raises:
        InputError: it is written in another way, or does not exist.

    Example:
        >>> part_of("3/40")
        Part(number=3, count=40)
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    part = Part(*map(int, found.groups())) if found else Part(0, 0)
    if not 1 <= part.number <= part.count:
        raise InputError(f"{text} is no part; write the number of the part and that of all parts, such as 3/40.")
    return part


def read_pairs(path: PathLike) -> List[Pair]:
    """Read the table of a batch: CSV in UTF-8 whose first line names the columns (:data:`COLUMNS`).

    Relative paths start at the folder of the table. Rows without a name are called by their number.

    Raises:
        InputError: no such table, unknown columns, a row without volumes, or names that cannot be folders of their own.
    """
    path = require_usable_path(path)
    if not path.is_file():
        raise InputError(f"There is no table {shown(path)}.")
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    reader = csv.DictReader(lines, strict=True)
    try:
        header, rows = [name.strip() for name in reader.fieldnames or ()], list(reader)
    except csv.Error as error:
        raise InputError(f"{shown(path)} cannot be read as CSV ({error}).") from error
    unknown = sorted(set(header) - set(COLUMNS))
    if unknown or not set(INPUTS) <= set(header):
        problem = f"has the unknown columns {', '.join(unknown)}" if unknown else "lacks the columns fixed and moving"
        raise InputError(f"{shown(path)} {problem}; the columns may be {', '.join(COLUMNS)}.")
    reader.fieldnames = header
    pairs = [_pair(path, number, dict(zip(header, row.values()))) for number, row in enumerate(rows, start=1)]
    if not pairs:
        raise InputError(f"{shown(path)} holds no pairs.")
    names = [pair.name.casefold() for pair in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"Several rows of {shown(path)} are called {twice[0]}; give every row a name of its own.")
    return pairs


def _pair(path: Path, number: int, row: Dict) -> Pair:
    values = {column: (text or "").strip() for column, text in row.items() if isinstance(text, (str, type(None)))}
    values = {column: text for column, text in values.items() if text}
    name = values.pop("name", f"{number:04d}")
    if not is_plain_name(name):
        raise InputError(
            f"Row {number} of {shown(path)} is called {name!r}, which cannot be the name of a folder; use letters, "
            "digits, dots, hyphens and underscores."
        )
    for column in INPUTS:
        if column not in values:
            raise InputError(f"Row {number} of {shown(path)} names no {column} volume.")
    if values.get("preset", PRESETS[0]) not in PRESETS:
        raise InputError(f"Row {number} of {shown(path)} has no preset of {', '.join(PRESETS)}.")
    folder = os.path.dirname(os.path.abspath(path))
    for column in {*INPUTS, *FILES} & set(values):
        values[column] = os.path.normpath(os.path.join(folder, values[column]))
    return Pair(name, values)
