"""The TOML file that describes a click training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, List, Optional, Union

from ...errors import InputError
from ...files import PathLike
from ...segmentation.compact.model import CompactConfig
from ..settings import checked, read_toml
from .sources import LabeledVolume, ProposedMasks, SyntheticSource

BUILT_IN = "built-in"
Source = Union[LabeledVolume, ProposedMasks, SyntheticSource]


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


@dataclass(frozen=True)
class SyntheticEntry:
    """[synthetic]: how often synthetic slices are drawn."""

    share: float = 1.0

    def source(self) -> Source:
        """Where the pictures come from."""
        return SyntheticSource()


@dataclass(frozen=True)
class ImagesEntry:
    """[[images]]: a volume with its label map; see :class:`.sources.LabeledVolume`."""

    image: Path
    labels: Path
    modality: str
    held_out: float = 0.0
    share: float = 1.0

    def source(self) -> Source:
        """Where the pictures come from."""
        return LabeledVolume(self.image, self.labels, self.modality, self.held_out)


@dataclass(frozen=True)
class ProposalsEntry:
    """[[proposals]]: a file of proposed masks; see :class:`.sources.ProposedMasks`."""

    file: Path
    held_out: int = 0
    share: float = 1.0

    def source(self) -> Source:
        """Where the pictures come from."""
        return ProposedMasks(self.file, self.held_out)


ENTRIES = (("synthetic", SyntheticEntry), ("images", ImagesEntry), ("proposals", ProposalsEntry))


def read_config(path: PathLike) -> ClickTraining:
    """The training that a TOML file describes; paths in it are relative to the file.

    Raises:
        InputError: the file cannot be read, an entry is unknown or unusable, or there is nothing to learn from.
    """
    path = Path(path)
    content = read_toml(path)
    entries = [entry for name, kind in ENTRIES for entry in _entries(kind, content.pop(name, []), path, name)]
    values = checked(ClickTraining, content, path, elsewhere=("sources", "shares"))
    if not entries or min(entry.share for entry in entries) <= 0:
        raise InputError(
            f"The configuration {path} has nothing to learn from; add [[images]], [[proposals]] or [synthetic] with a "
            "share above 0."
        )
    stages = values["stages"]
    if not stages or any(stage.size % 32 or stage.size < 32 or stage.steps < 1 for stage in stages):
        raise InputError(
            f'Each of the "stages" of the configuration {path} must have a size divisible by 32 and at least one step.'
        )
    if values.get("start") not in (None, BUILT_IN):
        values["start"] = str((path.parent / values["start"]).resolve())
    sources, shares = [entry.source() for entry in entries], [entry.share for entry in entries]
    return ClickTraining(**values, sources=sources, shares=shares)


def _entries(kind, content: Any, path: Path, name: str) -> list:
    tables = content if isinstance(content, list) else [content]
    if not all(isinstance(table, dict) for table in tables):
        raise InputError(f'The entry "{name}" of the configuration {path} must be a table.')
    return [kind(**checked(kind, table, path, f"{name}.")) for table in tables]
