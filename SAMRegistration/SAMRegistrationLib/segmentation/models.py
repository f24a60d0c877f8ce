"""The models one can click with: the built-in one, published checkpoints by name, and files of one's own."""

from importlib import import_module
from pathlib import Path
from typing import Optional

from ..choices import BUILT_IN_CLICK_MODEL, CLICK_MODELS
from ..environment import choose_device
from ..errors import InputError
from ..job import Job
from ..weights import find, installed_path
from .lifting import ClickPredictor


def open_predictor(
    name: str = BUILT_IN_CLICK_MODEL, device: str = "auto", folder: Optional[Path] = None, job: Optional[Job] = None
) -> ClickPredictor:
    """Load a model.

    Args:
        name: a name of :data:`.choices.CLICK_MODELS`, or the path of a checkpoint: .safetensors of a compact SAM,
            .pth / .safetensors of an official SAM or MedSAM, .pt of SAM 2, or the folder of a model of nnInteractive.
        device: "auto" (CUDA when there is one), "cpu", "cuda", "cuda:1", ...
        folder: where downloaded weights are kept; None for the default.
        job: progress and cancel of the checksum of a file used for the first time.

    Raises:
        InputError: no such model, or its package is not installed.
        WeightsError: the weights are missing, damaged or of another architecture.
    """
    device = choose_device(device)
    choice = next((model for model in CLICK_MODELS if model.name == name), None)
    if choice is None:
        return _from_file(Path(name), device)
    if choice.implementation is not None:
        module, implementation = choice.implementation.split(":")
        return getattr(import_module(f".{module}", __package__), implementation)(device=device)
    from .official import OfficialPredictor

    return OfficialPredictor(installed_path(find(name), folder, job), device, name=name)


def _from_file(path: Path, device: str) -> ClickPredictor:
    if path.is_dir():
        from .nninteractive import NnInteractiveModel

        return NnInteractiveModel(path, device)
    if not path.is_file():
        names = ", ".join(model.name for model in CLICK_MODELS)
        raise InputError(f"There is no model '{path}'; choose {names}, or a checkpoint file.")
    if _is_compact(path):
        from .compact.predictor import CompactPredictor

        return CompactPredictor(path, device)
    if path.suffix == ".pt":
        from .sam2 import Sam2Model

        return Sam2Model(path, device)
    from .official import OfficialPredictor

    return OfficialPredictor(path, device)


def _is_compact(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    from .compact.model import FORMAT

    if path.suffix != ".safetensors":
        return False
    try:
        with safe_open(str(path), "pt") as file:
            return (file.metadata() or {}).get("format") == FORMAT
    except (SafetensorError, OSError):
        return False
