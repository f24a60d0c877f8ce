"""The models one can click with: the built-in one, published checkpoints by name, and files of one's own."""

from pathlib import Path
from typing import Optional

from ..choices import BUILT_IN_CLICK_MODEL
from ..environment import choose_device
from ..errors import InputError
from ..job import Job
from ..weights import MANIFEST, find, installed_path
from .predictor import SlicePredictor


def open_predictor(
    name: str = BUILT_IN_CLICK_MODEL, device: str = "auto", folder: Optional[Path] = None, job: Optional[Job] = None
) -> SlicePredictor:
    """Load a model.

    Args:
        name: "compact" (built in), a name of the weights manifest, or the path of a checkpoint: .safetensors of a
            compact SAM, or .pth / .safetensors of an official SAM or MedSAM.
        device: "auto" (CUDA when there is one), "cpu", "cuda", "cuda:1", ...
        folder: where downloaded weights are kept; None for the default.
        job: progress and cancel of the checksum of a file used for the first time.

    Raises:
        InputError: no such model.
        WeightsError: the weights are missing, damaged or of another architecture.
    """
    device = choose_device(device)
    if name == BUILT_IN_CLICK_MODEL:
        from .compact.predictor import CompactPredictor

        return CompactPredictor(device=device)
    from .official import OfficialPredictor

    if name in [entry.name for entry in MANIFEST]:
        entry = find(name)
        return OfficialPredictor(installed_path(entry, folder, job), device, name=entry.name)
    path = Path(name)
    if not path.is_file():
        names = ", ".join([BUILT_IN_CLICK_MODEL, *(entry.name for entry in MANIFEST)])
        raise InputError(f"There is no model '{name}'; choose {names}, or a checkpoint file.")
    if _is_compact(path):
        from .compact.predictor import CompactPredictor

        return CompactPredictor(path, device)
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
