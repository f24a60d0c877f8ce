"""What a registration is asked to do."""

from dataclasses import dataclass, field, replace
from typing import Optional

import SimpleITK as sitk

from ..errors import InputError
from ..volumes import MODALITIES
from .prealign import KINDS
from .refine import RefineOptions

SIMILARITIES = ("auto", "lncc", "mi", "mind")


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
        largest_grid: voxels of the working grid at most; larger volumes are registered at a coarser spacing.
        similarity: "lncc", "mi" (mutual information), "mind", or "auto": LNCC within a modality, MIND across.
        fixed_modality, moving_modality: "ct", "mr", "other", or None to guess.
        device: "auto", "cpu", "cuda", or one of several GPUs: "cuda:0", "cuda:1", ...
    """

    prealignment: str = "affine"
    initial_transform: Optional[sitk.Transform] = None
    use_network: bool = True
    weights: Optional[str] = None
    use_refinement: bool = True
    refinement: RefineOptions = field(default_factory=RefineOptions)
    largest_grid: int = 2_000_000
    similarity: str = "auto"
    fixed_modality: Optional[str] = None
    moving_modality: Optional[str] = None
    device: str = "auto"

    def __post_init__(self):
        _one_of("pre-alignment", self.prealignment, KINDS)
        _one_of("similarity", self.similarity, SIMILARITIES)
        _one_of("device", self.device.partition(":")[0], ("auto", "cpu", "cuda"))
        for modality in (self.fixed_modality, self.moving_modality):
            _one_of("modality", modality, (None, *MODALITIES))

    @classmethod
    def preset(cls, name: str = "balanced", **changes) -> "RegistrationOptions":
        """The options of a preset: "fast", "balanced" or "accurate", with `changes` applied.

        "fast" goes without the network, unless weights are given.

        Raises:
            InputError: unknown preset or value.
        """
        if name not in _PRESETS:
            raise InputError(f"There is no preset {name!r}; choose one of {', '.join(_PRESETS)}.")
        levels, largest_grid, use_network = _PRESETS[name]
        options = cls(
            refinement=RefineOptions(levels=levels),
            largest_grid=largest_grid,
            use_network=use_network or bool(changes.get("weights")),
        )
        return replace(options, **changes)


_PRESETS = {
    "fast": (((4, 60), (2, 20)), 1_000_000, False),
    "balanced": (((4, 30), (2, 30), (1, 12)), 2_000_000, True),
    "accurate": (((4, 60), (2, 60), (1, 40)), 8_000_000, True),
}


def _one_of(what: str, value, allowed) -> None:
    if value not in allowed:
        names = ", ".join(str(name) for name in allowed if name is not None)
        raise InputError(f"There is no {what} {value!r}; choose one of {names}.")
