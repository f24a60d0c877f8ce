"""Configurations of a training and of an evaluation from a few choices, as TOML files that can be read and changed.

Imports nothing that is slow to import.
"""

import json
from pathlib import Path
from typing import Optional

from ...errors import InputError
from ...files import PathLike, whole_file
from ...weights import default_weights
from .datalist import SPLITS, DataList, read_data_list

DATA_LIST = "cases.json"
TRAINING, EVALUATION = "training.toml", "evaluation.toml"
WEIGHTS, BEST = "network.safetensors", "best.safetensors"  # the last ones, and with validation the best ones
STATE = "state.json"
_SAVES = 20

_LOSS = """
[loss]
similarity = 0.5
smoothness = 0.3
overlap = 1.0
contrast = 0.05
alignment = 0.05
contour = 0.01
"""


def write_training(
    output: PathLike, data_list: PathLike, steps: int, initial: Optional[PathLike] = None, minutes: float = 0
) -> Path:
    """Write the configuration of a training on a data list into its output folder.

    Args:
        output: folder of the training; made if it is not there.
        steps: optimizer steps at most; more of them go on with the training that the folder holds.
        initial: weights to start from; None: those that come with the extension. A training that goes
            on keeps its own.
        minutes: for the steps at most; 0 sets no limit.

    Returns:
        The file, for ``sam-registration train``.

    Raises:
        InputError: the list cannot be used or has no training pairs, or the folder cannot be written.
    """
    data = read_data_list(data_list)
    if not data.pairs_of("train"):
        raise InputError(f"The data list {data_list} has no training pairs; add a pair to be trained on.")
    start = _started_from(Path(output) / STATE, initial or default_weights())
    validated = any(case.labels for pair in data.pairs_of("validation") for case in pair)
    text = (
        "# Written by SAMRegistration. Run: sam-registration train training.toml\n"
        + _entry("output", ".")
        + _entry("steps", steps)
        + _entry("minutes", minutes)
        + _entry("save_every", max(1, min(100, steps // _SAVES)))
        + _entry("warmup", 20)
        + (_entry("initial", _absolute(start)) if start else "")
        + _LOSS
        + "\n[data]\n"
        + _entry("list", _absolute(data_list))
        + (f"\n[validation]\nevery = {max(1, steps // 10)}\n" if validated else "")
    )
    return _written(Path(output) / TRAINING, text)


def write_evaluation(
    output: PathLike, data_list: PathLike, weights: Optional[PathLike] = None, preset: str = "balanced"
) -> Path:
    """Write the configuration of an evaluation on a data list: its test pairs, else validation, else training pairs.

    Args:
        output: folder of the tables; made if it is not there.
        weights: of the network to be evaluated; None: the methods without one.
        preset: of the registration.

    Returns:
        The file, for ``sam-registration evaluate``.

    Raises:
        InputError: the list cannot be used or has no pairs, or the folder cannot be written.
    """
    split = evaluated_split(read_data_list(data_list))
    if split is None:
        raise InputError(f"The data list {data_list} has no pairs to evaluate on; add one.")
    methods = ["initial", "affine", "refinement", *(["network", "network + refinement"] if weights else [])]
    text = (
        "# Written by SAMRegistration. Run: sam-registration evaluate evaluation.toml\n"
        + _entry("output", ".")
        + _entry("list", _absolute(data_list))
        + _entry("split", split)
        + _entry("preset", preset)
        + _entry("methods", methods)
        + (_entry("weights", _absolute(weights)) if weights else "")
    )
    return _written(Path(output) / EVALUATION, text)


def _started_from(state: Path, initial: Optional[PathLike]) -> Optional[PathLike]:
    """The initial weights of the training with this state; `initial` where none was started."""
    try:
        return json.loads(state.read_text(encoding="utf-8"))["config"]["initial"]
    except (OSError, ValueError, KeyError):  # not there; or damaged, which the training itself refuses with a sentence
        return initial


def evaluated_split(data: DataList) -> Optional[str]:
    """The split whose pairs an evaluation takes: test, else validation, else training; None without pairs."""
    return next((split for split in reversed(SPLITS) if data.pairs_of(split)), None)


def _entry(name: str, value) -> str:
    return f"{name} = {json.dumps(value)}\n"


def _absolute(path: PathLike) -> str:
    return str(Path(path).resolve())


def _written(path: Path, text: str) -> Path:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path.resolve()
