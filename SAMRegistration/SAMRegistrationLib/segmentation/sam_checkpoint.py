"""Official SAM checkpoints from disk, safely: tensors only, architecture read from their shapes."""

import pickle
from functools import partial
from pathlib import Path
from typing import Dict

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import WeightsError
from ..files import PathLike
from .sam_import import segment_anything

State = Dict[str, torch.Tensor]


def load_sam(path: PathLike):
    """The ``segment_anything`` model of a checkpoint, on the CPU.

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


def _build(state: State):
    """A SAM of the shape that the tensors tell."""
    segment_anything()
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer

    _, grid, _, width = state["image_encoder.pos_embed"].shape
    patch = state["image_encoder.patch_embed.proj.weight"].shape[-1]
    dim = state["image_encoder.neck.0.weight"].shape[0]
    depth = _count(state, "image_encoder.blocks.")
    reach = [(state[f"image_encoder.blocks.{n}.attn.rel_pos_h"].shape[0] + 1) // 2 for n in range(depth)]
    head = state["image_encoder.blocks.0.attn.rel_pos_h"].shape[1]
    encoder = ImageEncoderViT(
        img_size=grid * patch,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        num_heads=width // head,
        mlp_ratio=state["image_encoder.blocks.0.mlp.lin1.weight"].shape[0] / width,
        out_chans=dim,
        qkv_bias=True,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        global_attn_indexes=tuple(n for n, size in enumerate(reach) if size == grid),
        window_size=min([size for size in reach if size != grid], default=14),
    )
    prompt_encoder = PromptEncoder(
        embed_dim=dim,
        image_embedding_size=(grid, grid),
        input_image_size=(grid * patch, grid * patch),
        mask_in_chans=state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
    )
    layer = "mask_decoder.transformer.layers."
    decoder = MaskDecoder(
        num_multimask_outputs=state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
        transformer=TwoWayTransformer(
            depth=_count(state, layer),
            embedding_dim=dim,
            mlp_dim=state[layer + "0.mlp.lin1.weight"].shape[0],
            num_heads=8,
        ),
        transformer_dim=dim,
        iou_head_depth=_count(state, "mask_decoder.iou_prediction_head.layers."),
        iou_head_hidden_dim=state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[0],
    )
    mean, deviation = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    return Sam(encoder, prompt_encoder, decoder, pixel_mean=mean, pixel_std=deviation)


def _count(state: State, prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})
