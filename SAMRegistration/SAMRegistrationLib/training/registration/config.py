"""Configuration of a training of the registration network, read from a TOML file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Optional

from ...choices import PREALIGNMENT, PREALIGNMENTS
from ...errors import InputError
from ...files import PathLike
from ..settings import read_settings
from .deformation import DeformationRange
from .degrade import Degradation
from .synthetic import SyntheticOptions


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms; a term with weight 0 is not computed.

    Attributes:
        similarity: local normalized cross-correlation, of pairs with the same contrast.
        smoothness: diffusion regularizer of the displacement.
        overlap: soft Dice of the true structures.
        contrast, alignment: prototype losses on the features of :attr:`...network.NetworkConfig.feature_level`.
        contour: contour-aware Chamfer distance, per square millimeter.
        truth: distance to the true displacement in voxels, where it is known (synthetic pairs).
    """

    similarity: float = 1.0
    smoothness: float = 1.0
    overlap: float = 1.0
    contrast: float = 0.05
    alignment: float = 0.05
    contour: float = 0.01
    truth: float = 0.0


@dataclass(frozen=True)
class DataOptions:
    """Pairs of a data list.

    Attributes:
        list: the data list's JSON file; none: synthetic pairs.
        pairs: at most this many different training pairs, drawn with the seed; 0 takes all.
        masks: probability of the masks being shown to the network; 0 trains without masks.
        prealignment: "affine", "rigid", or "none" for volumes that lie as they should, as two phases of one session do.
        largest_grid: voxels of the working grid at most; larger volumes are trained on at a coarser spacing.
        deformation: random deformation of the moving volume, so that few cases go further; strength 0 does without.
        cache: folder in which prepared pairs are kept, for the next run; none keeps them in memory only.
    """

    list: Optional[Path] = None
    pairs: int = 0
    masks: float = 0.85
    prealignment: str = PREALIGNMENT
    largest_grid: int = 2_000_000
    cache: Optional[Path] = None
    deformation: DeformationRange = field(default_factory=lambda: DeformationRange(0.0, 0.0, 0.0, 0.0))
    degradation: Degradation = field(default_factory=Degradation)

    def __post_init__(self):
        if self.prealignment not in PREALIGNMENTS:
            raise InputError(
                f"There is no pre-alignment {self.prealignment!r}; choose one of {', '.join(PREALIGNMENTS)}."
            )


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
        steps: optimizer steps at most.
        minutes: time at most for the steps of all runs together, validation included, preparation of the pairs not; 0
            sets no limit. The learning rate falls over the time or over the steps, whichever end first, so that a
            training with a limit is not repeated bit for bit.
        batch: pairs per step and process.
        seed: of the weights, the pairs and the codes.
        learning_rate: of AdamW, after `warmup` steps; it falls to a hundredth along a cosine.
        clip: largest norm of the gradient.
        ema: decay of the moving average of the weights, which is what is saved for use.
        mixed_precision: bfloat16 on a CUDA device that has it.
        checkpointing: recompute activations in the backward pass, for large volumes.
        deterministic: only algorithms that give the same numbers in every run.
        loaders: processes that prepare pairs ahead; 0 prepares them in between.
        save_every: steps between saved states; slow steps are saved every five minutes.
        initial: weights to start from (fine-tuning); none: from scratch.
        network: changes to a preset, for instance {preset = "fast", channels = [8, 16, 32, 64]}.
    """

    output: Path
    steps: int = 1000
    minutes: float = 0.0
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


def read_config(path: PathLike) -> TrainingConfig:
    """The training that a TOML file describes; relative paths in it are relative to the file.

    Raises:
        InputError: the file cannot be read, is no TOML, or has an unknown or unusable entry; the sentence names it.
    """
    return read_settings(path, TrainingConfig)
