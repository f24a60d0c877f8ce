"""What a training is: a TOML file whose every entry is checked."""

import dataclasses
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ...errors import InputError
from ...files import PathLike
from .deformation import DeformationRange
from .degrade import Degradation
from .synthetic import SyntheticOptions

try:
    import tomllib
except ModuleNotFoundError:  # Python before 3.11
    import tomli as tomllib


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; a term with weight 0 is not computed.

    Attributes:
        similarity: local normalized cross-correlation, of pairs with the same contrast.
        smoothness: diffusion regularizer of the displacement.
        overlap: soft Dice of the true structures.
        contrast, alignment: prototype losses on the coarsest features.
        contour: contour-aware Chamfer distance, per square millimetre.
        truth: distance to the true displacement in voxels, where it is known (synthetic pairs).
    """

    similarity: float = 1.0
    smoothness: float = 1.0
    overlap: float = 1.0
    contrast: float = 0.01
    alignment: float = 0.01
    contour: float = 0.01
    truth: float = 0.0


@dataclass(frozen=True)
class DataOptions:
    """Pairs of a data list.

    Attributes:
        list: the data list's JSON file; none: synthetic pairs.
        pairs: at most this many different training pairs, drawn with the seed; 0 takes all.
        masks: probability of the masks being shown to the network; 0 trains without masks.
        largest_grid: voxels of the working grid at most; larger volumes are trained on at a coarser spacing.
        deformation: random deformation of the moving volume, so that few cases go further; strength 0 does without.
        cache: folder in which prepared pairs are kept, for the next run; none keeps them in memory only.
    """

    list: Optional[Path] = None
    pairs: int = 0
    masks: float = 0.5
    largest_grid: int = 2_000_000
    cache: Optional[Path] = None
    deformation: DeformationRange = field(default_factory=lambda: DeformationRange(0.0, 0.0, 0.0, 0.0))
    degradation: Degradation = field(default_factory=Degradation)


@dataclass(frozen=True)
class ValidationOptions:
    """Registrations with the whole pipeline while training.

    Attributes:
        every: steps between validations; 0 does without.
        pairs: how many registrations.
        list: data list whose validation pairs are used; none: those of the training list, or synthetic ones.
    """

    every: int = 0
    pairs: int = 4
    list: Optional[Path] = None


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the outcome of a training.

    Attributes:
        output: folder of the weights, the state and the log.
        steps: optimizer steps.
        batch: pairs per step and process.
        seed: of the weights, the pairs and the codes.
        learning_rate: of AdamW, after `warmup` steps; it falls to a hundredth along a cosine.
        clip: largest norm of the gradient.
        ema: decay of the moving average of the weights, which is what is saved for use.
        mixed_precision: bfloat16 on a CUDA device that has it.
        checkpointing: recompute activations in the backward pass, for large volumes.
        deterministic: only algorithms that give the same numbers in every run.
        loaders: processes that prepare pairs ahead; 0 prepares them in between.
        save_every: steps between saved states.
        initial: weights to start from (fine-tuning); none: from scratch.
        network: changes to a preset, for instance {preset = "fast", channels = [8, 16, 32, 64]}.
    """

    output: Path
    steps: int = 1000
    batch: int = 1
    seed: int = 0
    learning_rate: float = 3e-4
    weight_decay: float = 1e-4
    warmup: int = 50
    clip: float = 1.0
    ema: float = 0.995
    mixed_precision: bool = True
    checkpointing: bool = False
    deterministic: bool = False
    loaders: int = 0
    save_every: int = 100
    initial: Optional[Path] = None
    network: Dict[str, Any] = field(default_factory=lambda: {"preset": "fast"})
    loss: LossWeights = field(default_factory=LossWeights)
    data: DataOptions = field(default_factory=DataOptions)
    synthetic: SyntheticOptions = field(default_factory=SyntheticOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)


def read_config(path: PathLike, kind=TrainingConfig):
    """Read a TOML file into the dataclass `kind`; relative paths in it are relative to the file.

    Raises:
        InputError: the file cannot be read, is no TOML, or has an unknown or unusable entry; the sentence names it.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The configuration {path} cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The configuration {path} is not valid TOML ({error}).") from error
    return _table(kind, content, path, "")


def plain(value: Any) -> Any:
    """A configuration as what JSON can hold."""
    if dataclasses.is_dataclass(value):
        return {entry.name: plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _table(kind, content: Dict[str, Any], path: Path, prefix: str):
    types = typing.get_type_hints(kind)
    for name in content:
        if name not in types:
            raise InputError(f'The configuration {path} has an unknown entry "{prefix}{name}".')
    values = {name: _value(types[name], value, path, f"{prefix}{name}") for name, value in content.items()}
    missing = [
        entry.name
        for entry in dataclasses.fields(kind)
        if entry.name not in values
        and entry.default is dataclasses.MISSING
        and entry.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise InputError(f'The configuration {path} lacks the entry "{prefix}{missing[0]}".')
    return kind(**values)


def _value(kind, value: Any, path: Path, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise InputError(f'The entry "{name}" of the configuration {path} must be a table.')
        return _table(kind, value, path, f"{name}.")
    fits, wanted = _fit(kind, value)
    if not fits:
        raise InputError(f'The entry "{name}" of the configuration {path} must be {wanted}, not {value!r}.')
    if kind in (Path, Optional[Path]):
        return (path.parent / value).resolve()
    if typing.get_origin(kind) is tuple:
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    return float(value) if kind is float else value


def _fit(kind, value: Any) -> Tuple[bool, str]:
    if kind is bool:
        return isinstance(value, bool), "true or false"
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0, "a whole number, 0 or more"
    if kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and 0 <= value < float("inf"), "a number, 0 or more"
    if kind in (str, Path, Optional[Path]):
        return isinstance(value, str) and bool(value), "text"
    if kind == Tuple[Tuple[int, int, int], ...]:
        sizes = isinstance(value, list) and value and all(_is_size(item) for item in value)
        return bool(sizes), "a list of sizes, three whole numbers of at least 8 each"
    if typing.get_origin(kind) is tuple:
        inner = typing.get_args(kind)[0]
        return isinstance(value, list) and bool(value) and all(_fit(inner, item)[0] for item in value), "a list"
    return isinstance(value, dict), "a table"


def _is_size(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and all(isinstance(n, int) and n >= 8 for n in item)
