"""What a registration network looks like: everything that decides the shapes of its weights, and nothing else."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Dict, Tuple

from ..errors import InputError

COMPOSITIONS = ("velocity", "sum")
FEATURE_STRIDE = 4


@dataclass(frozen=True)
class NetworkConfig:
    """Architecture of :class:`.model.RegistrationNetwork`.

    Args:
        preset: name of the preset that this configuration started from.
        channels: feature channels per level, finest first.
        heads: attention heads per level, finest first; each divides the level's channels.
        depths: attention blocks per level, finest first; every second block has shifted windows.
        window: tokens along an axis of an attention window.
        mlp_ratio: hidden channels of an attention block's MLP over its channels.
        search: the field is also told where the features of the moving volume are found again within this many voxels
            of a level (see :class:`.matching.LocalMatching`); 0, as in the paper, leaves that to the attention.
        composition: "velocity" (levels add up to a stationary velocity that is integrated) or "sum" (levels add up
            to a displacement, as in the paper).
        integration_steps: squarings of the scaling and squaring.
        field_stride: voxels of the input per voxel of the finest level, 1, 2 or 4.
        code_size: numbers in the code vector of a structure.

    Raises:
        InputError: the values do not fit together.

    Example:
        >>> NetworkConfig.from_preset("fast", composition="sum").coarsest_stride
        16
    """

    preset: str = "fast"
    channels: Tuple[int, ...] = (16, 32, 48, 64)
    heads: Tuple[int, ...] = (1, 2, 3, 4)
    depths: Tuple[int, ...] = (2, 2, 2, 2)
    window: int = 5
    mlp_ratio: float = 2.0
    search: int = 1
    composition: str = "velocity"
    integration_steps: int = 7
    field_stride: int = 2
    code_size: int = 8

    def __post_init__(self):
        for name in ("channels", "heads", "depths"):
            object.__setattr__(self, name, tuple(int(value) for value in getattr(self, name)))
        self._require(1 <= len(self.channels) <= 6, "needs one to six levels of channels")
        self._require(
            len(self.channels) == len(self.heads) == len(self.depths), "needs as many heads and depths as channels"
        )
        self._require(min(self.channels + self.heads + self.depths) > 0, "needs positive channels, heads and depths")
        self._require(
            all(channels % heads == 0 for channels, heads in zip(self.channels, self.heads)),
            "needs channels that the heads divide",
        )
        self._require(self.window >= 2, "needs windows of at least 2 tokens")
        self._require(0 <= self.search <= 3, "needs a search of 0 to 3 voxels")
        self._require(self.mlp_ratio > 0, "needs a positive mlp_ratio")
        self._require(self.composition in COMPOSITIONS, f"needs a composition out of {', '.join(COMPOSITIONS)}")
        self._require(1 <= self.integration_steps <= 12, "needs 1 to 12 integration steps")
        self._require(self.field_stride in (1, 2, 4), "needs a field stride of 1, 2 or 4")
        self._require(self.code_size >= 1, "needs a code size of at least 1")

    @classmethod
    def from_preset(cls, name: str, **changes: Any) -> "NetworkConfig":
        """The named preset, with some of its values changed.

        "paper": channels, windows and depths of the paper, field at full resolution, levels summed as displacements.
        "fast": field at half resolution, integrated velocity, wider levels and local matching.

        Raises:
            InputError: unknown preset or value.
        """
        if name not in _PRESETS:
            raise InputError(f"There is no network preset {name!r}; choose one of {', '.join(_PRESETS)}.")
        return cls.from_dict({**_PRESETS[name], **changes, "preset": name})

    @classmethod
    def from_dict(cls, values: Dict[str, Any]) -> "NetworkConfig":
        """The configuration that :meth:`to_dict` wrote.

        Raises:
            InputError: unknown or unusable values.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise InputError(f"A network configuration has no {', '.join(unknown)}.")
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise InputError(f"A network configuration has an unusable value ({error}).") from error

    def to_dict(self) -> Dict[str, Any]:
        """Plain values, as JSON can hold them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @property
    def coarsest_stride(self) -> int:
        """Input voxels per voxel of the coarsest level."""
        return self.field_stride * 2 ** (len(self.channels) - 1)

    @property
    def feature_level(self) -> Tuple[int, int]:
        """The level whose features prototypes are made of, and its input voxels per voxel: the first one with at least
        FEATURE_STRIDE of them, which small structures still fill."""
        strides = [self.field_stride * 2**level for level in range(len(self.channels))]
        level = next((level for level, stride in enumerate(strides) if stride >= FEATURE_STRIDE), len(strides) - 1)
        return level, strides[level]

    @staticmethod
    def _require(fits: bool, sentence: str) -> None:
        if not fits:
            raise InputError(f"A network configuration {sentence}.")


_PRESETS: Dict[str, Dict[str, Any]] = {
    "paper": {
        "channels": (8, 16, 32, 64),
        "heads": (1, 2, 4, 8),
        "depths": (2, 2, 2, 2),
        "window": 5,
        "mlp_ratio": 4.0,
        "search": 0,
        "composition": "sum",
        "field_stride": 1,
    },
    "fast": {},
}
