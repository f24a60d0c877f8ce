"""The TOML file that describes a click training."""

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, List, Optional, Union

from ...errors import InputError
from ...files import PathLike
from ...segmentation.compact.model import CompactConfig
from .sources import LabelledVolume, ProposedMasks, SyntheticSource

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Source = Union[LabelledVolume, ProposedMasks, SyntheticSource]


@dataclass(frozen=True)
class Stage:
    """A part of the training at one picture size: `size` pixels for `steps` steps."""

    size: int
    steps: int


@dataclass(frozen=True)
class ClickTraining:
    """What `train-sam` does.

    Attributes:
        output: folder for the weights, the log and the checkpoint; relative to the configuration file.
        stages: picture sizes, in order; small pictures first save much time.
        sources: where pictures come from.
        shares: how often each source is drawn from.
        start: weights to start from ("built-in", a file, or None for random ones).
        encoder: file with the weights of LiteMedSAM, whose image encoder is taken; None keeps that of `start`.
        model: shape of the network when it starts from random weights.
        pictures, masks: pictures in a batch, and masks asked for in each.
        gallery: how many pictures of each size are made, once, and kept in the output folder; None makes new ones for
            every step, which takes longer.
        rate: largest learning rate, reached after `warmup` steps, lowered to 0 along a cosine.
        average: decay of the moving average of the weights, which is what is stored.
        checkpoint_every: steps between checkpoints with validation.
        validation: how many held-out cases of each source are clicked on at a checkpoint.
        seed: of everything random; step n draws from (seed, n), so that a resumed training goes on alike.
        threads: CPU threads; None leaves the choice to torch.
    """

    output: Path
    stages: List[Stage]
    sources: List[Source]
    shares: List[float]
    start: Optional[str] = None
    encoder: Optional[Path] = None
    model: CompactConfig = field(default_factory=CompactConfig)
    pictures: int = 3
    masks: int = 3
    gallery: Optional[int] = None
    rate: float = 1e-3
    warmup: int = 100
    average: float = 0.998
    checkpoint_every: int = 500
    validation: int = 20
    seed: int = 1
    threads: Optional[int] = None

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)


def read_config(path: PathLike) -> ClickTraining:
    """The training that a TOML file describes; paths in it are relative to the file.

    Raises:
        InputError: the file cannot be read, a setting is unknown or unusable, or there is nothing to learn from.
    """
    path = Path(path)
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read; give the path of a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    try:
        return _training(settings, path.parent)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(f"{path} has an unknown, missing or unusable setting: {error}.") from error


def _training(settings: Dict[str, Any], folder: Path) -> ClickTraining:
    known = {item.name for item in fields(ClickTraining)} - {"sources", "shares"}
    unknown = set(settings) - known - {"synthetic", "images", "proposals"}
    if unknown:
        raise ValueError(f"'{sorted(unknown)[0]}'")
    sources, shares = [], []
    for kind, build in (("synthetic", _synthetic), ("images", _labelled), ("proposals", _proposed)):
        entries = settings.pop(kind, [])
        for entry in [entries] if isinstance(entries, dict) else entries:
            shares.append(float(entry.pop("share", 1.0)))
            sources.append(build(entry, folder))
    if not sources or min(shares) <= 0:
        raise ValueError("add [[images]], [[proposals]] or [synthetic] with a share above 0")
    stages = [Stage(**stage) for stage in settings.pop("stages")]
    model = settings.pop("model", {})
    model = CompactConfig(**{name: tuple(value) if isinstance(value, list) else value for name, value in model.items()})
    if any(stage.size % 32 or stage.size < 32 or stage.steps < 1 for stage in stages) or not stages:
        raise ValueError("each of [[stages]] needs a size divisible by 32 and at least one step")
    output = folder / settings.pop("output")
    start = settings.pop("start", None)
    if start not in (None, "built-in"):
        start = str(folder / start)
    encoder = settings.pop("encoder", None)
    encoder = None if encoder is None else folder / encoder
    return ClickTraining(output, stages, sources, shares, start, encoder, model, **settings)


def _synthetic(entry, folder):
    return SyntheticSource(**entry)


def _labelled(entry, folder):
    return LabelledVolume(folder / entry.pop("image"), folder / entry.pop("labels"), **entry)


def _proposed(entry, folder):
    return ProposedMasks(folder / entry.pop("file"), **entry)
