"""The state of a training on disk: safetensors for numbers, JSON for the rest, consistent after a kill at any moment.

`state.json` names the tensor file that belongs to it and is replaced last, in one move; older tensor files go after.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ...errors import InputError, WeightsError
from ...files import whole_file
from ...inside import inside
from .recipe import STATE


@dataclass
class TrainingState:
    """What the next step needs, beside the configuration: all randomness follows from seed and step.

    Attributes:
        step: steps done.
        best: best validation score so far.
        seconds: time that the steps took so far, with what comes between them.
        tensors: as :meth:`..optimization.Optimization.tensors` gives them.
    """

    step: int
    best: Optional[float]
    seconds: float
    tensors: Dict[str, torch.Tensor]


def save_state(folder: Path, state: TrainingState, config: Dict[str, Any]) -> None:
    """Write the state, so that either the old or the new one is there, whole."""
    name = f"state-{state.step:08d}.safetensors"
    with whole_file(folder / name) as temporary:
        save_file({key: tensor.detach().cpu().contiguous() for key, tensor in state.tensors.items()}, temporary)
    content = {
        "step": state.step,
        "best": state.best,
        "seconds": round(state.seconds, 1),
        "tensors": name,
        "config": config,
    }
    with whole_file(folder / STATE) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for older in folder.glob("state-*.safetensors"):
        if older.name != name:
            older.unlink()


def load_state(folder: Path, config: Dict[str, Any]) -> Optional[TrainingState]:
    """The state in a folder; None when there is none yet.

    Raises:
        InputError: it belongs to a training with another configuration (more steps or minutes may be asked for).
        WeightsError: it is damaged.
    """
    path = folder / STATE
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        step, name, best, seconds = content["step"], content["tensors"], content["best"], content["seconds"]
        _refuse_other(folder, content["config"], config)
        return TrainingState(step, best, seconds, load_file(inside(folder, name)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise WeightsError(
            f"The training state {path} is damaged ({error}); start again in another output folder."
        ) from error


def _refuse_other(folder: Path, before: Dict[str, Any], now: Dict[str, Any]) -> None:
    before, now = _flat(before), _flat(now)
    may_differ = {
        "steps",
        "minutes",
        "save_every",
        "loaders",
        "output",
        "validation.every",
        "validation.pairs",
        "data.cache",
    }
    for key in sorted({*before, *now} - may_differ):
        if before.get(key) != now.get(key):
            raise InputError(
                f'The folder {folder} holds a training with "{key}" = {before.get(key)}, not {now.get(key)}; '
                "choose another output folder."
            )


def _flat(table: Dict[str, Any], prefix: str = "") -> Dict[str, Any]:
    flat = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
