"""What a registration is asked to do."""

from dataclasses import dataclass, field, replace
from typing import Optional

import SimpleITK as sitk

from ..choices import AUTO, MODALITIES, PREALIGNMENT, PREALIGNMENTS, PRESET, PRESETS
from ..errors import InputError
from ..losses.similarity import SIMILARITIES
from .refine import RefineOptions

STIFFEST = 10.0
MOST_TOLERANT = 10.0  # voxels


@dataclass(frozen=True)
class RegistrationOptions:
    """How to register; start from :meth:`preset`.

    Attributes:
        prealignment: "affine", "rigid" or "none".
        initial_transform: maps fixed points to moving points (LPS mm), instead of a pre-alignment.
        use_network: predict with the trained network before refining; the weights that ship only predict within a
            modality, which is what they were trained for.
        weights: file of the network's weights; None takes the one that ships.
        use_refinement: refine the velocity field at test time.
        refinement: how the refinement runs.
        confidence: also find a second solution, and by how much it differs; takes about twice as long.
        stiffness: how smooth the deformation is: 1 as the preset, above smoother, below more flexible.
        mask_tolerance: voxels of the working grid by which the borders of the masks may be off: 0 for drawn masks,
            which are followed exactly; CLICKED_TOLERANCE for masks from clicks, where images decide within that.
        largest_grid: voxels of the working grid at most; larger volumes are registered at a coarser spacing.
        similarity: a name of :data:`..losses.similarity.SIMILARITIES`, or "auto", which takes the one for images of the
            same kind or of different kinds.
        fixed_modality, moving_modality: "ct", "mr", "other", or None to guess.
        device: "auto", "cpu", "cuda", or one of several GPUs: "cuda:0", "cuda:1", ...
    """

    prealignment: str = PREALIGNMENT
    initial_transform: Optional[sitk.Transform] = None
    use_network: bool = True
    weights: Optional[str] = None
    use_refinement: bool = True
    refinement: RefineOptions = field(default_factory=RefineOptions)
    confidence: bool = False
    stiffness: float = 1.0
    mask_tolerance: float = 0.0
    largest_grid: int = 2_000_000
    similarity: str = AUTO
    fixed_modality: Optional[str] = None
    moving_modality: Optional[str] = None
    device: str = AUTO

    def __post_init__(self):
        if not 0 < self.stiffness <= STIFFEST:
            raise InputError(f"The stiffness is {self.stiffness:g}; give a number above 0 and up to {STIFFEST:g}.")
        if not 0 <= self.mask_tolerance <= MOST_TOLERANT:
            raise InputError(
                f"The mask tolerance is {self.mask_tolerance:g}; give a number of voxels from 0 to {MOST_TOLERANT:g}."
            )
        _one_of("pre-alignment", self.prealignment, PREALIGNMENTS)
        _one_of("similarity", self.similarity, (AUTO, *SIMILARITIES))
        _one_of("device", self.device.partition(":")[0], (AUTO, "cpu", "cuda"))
        for modality in (self.fixed_modality, self.moving_modality):
            _one_of("modality", modality, (None, *MODALITIES))

    @classmethod
    def preset(cls, name: str = PRESET, **changes) -> "RegistrationOptions":
        """The options of a preset: "fast", "balanced" or "accurate", with `changes` applied.

        "fast" goes without the network, unless weights are given.

        Raises:
            InputError: unknown preset or value.
        """
        if name not in PRESETS:
            raise InputError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
        refinement, largest_grid, use_network = _SETTINGS[PRESETS.index(name)]
        options = cls(
            refinement=refinement,
            largest_grid=largest_grid,
            use_network=use_network or bool(changes.get("weights")),
        )
        return replace(options, **changes)


# Refinement, largest grid, and whether the network predicts, for each of PRESETS.
_SETTINGS = (
    (RefineOptions(levels=((8, 20), (4, 20), (2, 15), (1, 4)), narrow_steps=4), 1_000_000, False),
    (RefineOptions(), 2_000_000, True),
    (RefineOptions(narrow_steps=20), 8_000_000, True),
)


def _one_of(what: str, value, allowed) -> None:
    if value not in allowed:
        names = ", ".join(str(name) for name in allowed if name is not None)
        raise InputError(f"There is no {what} {value!r}; choose one of {names}.")
