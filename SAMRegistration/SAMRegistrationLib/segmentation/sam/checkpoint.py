"""Official SAM checkpoints from disk, safely: tensors only, architecture read from their shapes."""

import pickle
from pathlib import Path
from typing import Dict

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ...errors import WeightsError
from ...files import PathLike
from .image_encoder import ImageEncoder
from .mask_decoder import MaskDecoder
from .model import Sam
from .prompt_encoder import PromptEncoder
from .two_way import TwoWayTransformer

State = Dict[str, torch.Tensor]

_HEADS = 8  # of the decoder in all published checkpoints; no tensor tells it


def load_sam(path: PathLike) -> Sam:
    """The model of a checkpoint, on the CPU.

    Raises:
        WeightsError: the file is missing, truncated, holds more than tensors, or is no SAM checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; choose an existing checkpoint.")
    state = _unwrapped(_read(path))
    try:
        sam = _build(state)
        sam.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise WeightsError(f"{path} is no SAM checkpoint; choose a ViT-B, ViT-L, ViT-H or MedSAM file.") from error
    return sam


def _read(path: Path):
    try:
        if path.suffix == ".safetensors":
            return load_file(str(path))
        return torch.load(str(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{path} holds more than weights, or is damaged, so it was not loaded.") from error
    except (RuntimeError, EOFError, OSError, SafetensorError, ValueError) as error:
        raise WeightsError(f"{path} is truncated or damaged; get the file again.") from error


def _unwrapped(loaded) -> State:
    """The tensors by name, out of the wrappings of training checkpoints."""
    for key in ("model", "state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict):
        return {}
    return {str(name).replace("module.", "", 1): value for name, value in loaded.items()}


def _build(state: State) -> Sam:
    """A SAM of the shape that the tensors tell."""
    _, grid, _, width = state["image_encoder.pos_embed"].shape
    patch = state["image_encoder.patch_embed.proj.weight"].shape[-1]
    dim = state["image_encoder.neck.0.weight"].shape[0]
    blocks = [f"image_encoder.blocks.{number}." for number in range(_count(state, "image_encoder.blocks."))]
    encoder = ImageEncoder(
        grid=grid,
        patch=patch,
        width=width,
        heads=width // state[blocks[0] + "attn.rel_pos_h"].shape[1],
        reach=[(state[block + "attn.rel_pos_h"].shape[0] + 1) // 2 for block in blocks],
        hidden=state[blocks[0] + "mlp.lin1.weight"].shape[0],
        features=dim,
    )
    mask_channels = state["prompt_encoder.mask_downscaling.3.weight"].shape[0]
    return Sam(encoder, PromptEncoder(dim, grid * patch, patch, mask_channels), _decoder(state, dim))


def _decoder(state: State, dim: int) -> MaskDecoder:
    layer, head = "mask_decoder.transformer.layers.", "mask_decoder.iou_prediction_head.layers."
    transformer = TwoWayTransformer(
        depth=_count(state, layer), dim=dim, heads=_HEADS, mlp=state[layer + "0.mlp.lin1.weight"].shape[0]
    )
    return MaskDecoder(
        transformer,
        dim,
        candidates=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
        quality_depth=_count(state, head),
        quality_width=state[head + "0.weight"].shape[0],
    )


def _count(state: State, prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})
