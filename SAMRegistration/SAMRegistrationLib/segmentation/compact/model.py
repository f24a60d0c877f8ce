"""The compact SAM: configuration, network, and its weights on disk."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Tuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ...errors import WeightsError
from ...files import PathLike, whole_file
from .decoder import ClickDecoder
from .encoder import ImageEncoder, ImageFeatures
from .prompts import Guide, Prompts, make_guide, prompt_maps

FORMAT = "sam-registration compact SAM 2"


@dataclass(frozen=True)
class CompactConfig:
    """Shape of a compact SAM; stored in the metadata of its weights file.

    Attributes:
        size: side of the square input in pixels, divisible by 32.
        widths: channels at 1/2, 1/4, 1/8 and 1/16 of the input resolution, divisible by 8.
        dim: channels of embedding and prompt tokens, 8 * widths[0].
        heads, depth, mlp: of SAM's two-way transformer.
        vit: channels of the stages of the TinyViT, divisible by 32.
        choice: width of the head that chooses among the first click's candidates, 0 for none.
    """

    size: int = 256
    widths: Tuple[int, int, int, int] = (16, 32, 64, 128)
    dim: int = 128
    heads: int = 8
    depth: int = 2
    mlp: int = 512
    vit: Tuple[int, int, int, int] = (64, 128, 160, 320)
    choice: int = 0


class Encoded(NamedTuple):
    """What is computed once for a batch of slices."""

    features: ImageFeatures
    guide: Guide

    def select(self, index: torch.Tensor) -> "Encoded":
        """One entry for each prompt: image number `index[n]` for prompt n."""
        return Encoded(self.features.select(index), Guide(*(part[index] for part in self.guide)))


class CompactSam(nn.Module):
    """Click segmentation of square slices.

    Args:
        config: its shape.

    Attributes:
        short_floats: let a CPU compute features and masks in bfloat16, which is three times faster where it has
            instructions for that (:func:`short_floats_pay`) and slower elsewhere; prompts, guide and results stay
            32-bit floats. Loading decides it.

    Example:
        >>> sam = CompactSam(CompactConfig(size=64))
        >>> encoded = sam.encode(torch.rand(1, 1, 64, 64))
        >>> logits, quality = sam.decode(encoded, Prompts(torch.tensor([[[20.0, 30.0]]]), torch.tensor([[1]])))
        >>> logits.shape, quality.shape
        (torch.Size([1, 4, 32, 32]), torch.Size([1, 4]))
    """

    def __init__(self, config: Optional[CompactConfig] = None):
        super().__init__()
        self.config = config or CompactConfig()
        shape = asdict(self.config)
        size, vit = shape.pop("size"), shape.pop("vit")
        self.short_floats = False
        self.encoder = ImageEncoder(self.config.widths, self.config.dim, vit)
        self.decoder = ClickDecoder(size=size, **shape)

    def resize(self, size: int) -> None:
        """Take slices of another size from now on; no weight depends on it."""
        self.config = replace(self.config, size=size)
        self.decoder.resize(size)

    def vit_features(self, image: torch.Tensor) -> torch.Tensor:
        """Features (B, 256, S/4, S/4) of the TinyViT for slices (B, 1, S, S) in [0, 1]."""
        with self._precision():
            return self.encoder.vit_features(image).float()

    def encode(self, image: torch.Tensor, vit_features: Optional[torch.Tensor] = None) -> Encoded:
        """Everything that depends on the slices (B, 1, S, S) in [0, 1] alone; `vit_features` as for the encoder."""
        with self._precision():
            features = self.encoder(image, vit_features)
        return Encoded(features, make_guide(image))

    def decode(self, encoded: Encoded, prompts: Prompts) -> Tuple[torch.Tensor, torch.Tensor]:
        """Logits (N, 4, S/2, S/2) and expected IoU (N, 4): channel 0 is the single mask, 1 to 3 are candidates."""
        maps = prompt_maps(encoded.guide, prompts)
        with self._precision():
            logits, quality = self.decoder(encoded.features, prompts, maps)
        return logits.float(), quality.float()

    def rank(self, encoded: Encoded, prompts: Prompts) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As :meth:`decode`, with what each candidate counts in the consensus; see :meth:`ClickDecoder.ranked`."""
        maps = prompt_maps(encoded.guide, prompts)
        with self._precision():
            logits, quality, worth = self.decoder.ranked(encoded.features, prompts, maps)
        return logits.float(), quality.float(), worth.float()

    def _precision(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.short_floats)


def short_floats_pay() -> bool:
    """Whether this processor multiplies matrices of 16-bit floats by instructions of its own (AMX)."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)
    return bool(capabilities().get("amx_bf16", False))


def save_compact_sam(model: CompactSam, path: PathLike, metadata: Optional[Dict[str, str]] = None) -> None:
    """Write weights (as 16-bit floats) and configuration to one safetensors file, whole or not at all."""
    tensors = {name: value.detach().half().contiguous().cpu() for name, value in model.state_dict().items()}
    header = {"format": FORMAT, "config": json.dumps(asdict(model.config)), **(metadata or {})}
    with whole_file(path) as temporary:
        save_file(tensors, str(temporary), header)


def load_compact_sam(path: PathLike, device: str = "cpu") -> CompactSam:
    """The model stored by :func:`save_compact_sam`, in evaluation mode.

    Raises:
        WeightsError: the file is missing, truncated, not safetensors, or not weights of a compact SAM.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; choose an existing .safetensors file.")
    try:
        with safe_open(str(path), "pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise WeightsError(f"{path} does not hold a compact SAM; choose the weights of the built-in model.")
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - not a dict
        config = json.loads(header["config"])
        model = CompactSam(CompactConfig(**{**config, "widths": tuple(config["widths"]), "vit": tuple(config["vit"])}))
        model.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} is damaged or of another version; get the file again.") from error
    model.short_floats = short_floats_pay()
    return model.to(device, memory_format=torch.channels_last).eval()
