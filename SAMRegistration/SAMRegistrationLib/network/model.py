"""The cross-fusion registration network: two images and their masks in, a coarse-to-fine field out.

Source: Xu et al., "Medical Image Registration Meets Vision Foundation Model", IPMI 2025, arXiv 2502.11440.
"""

from dataclasses import dataclass
from typing import Callable, List, Optional

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..errors import InputError
from ..geometry.dense import integrate, resize_field, warp
from .attention import CrossAttention
from .codes import code_images
from .config import NetworkConfig
from .encoder import Encoder, call
from .matching import LocalMatching
from .windows import WindowLayout


@dataclass(frozen=True)
class Prediction:
    """What the network says about a pair; fields are (B, 3, D, H, W) in voxels of the input grid, channels (z, y, x).

    Attributes:
        displacement: pull-back field, ``warped(x) = moving(x + displacement(x))``.
        velocity: stationary velocity whose flow the displacement is; None for the composition "sum".
        fixed_features, moving_features: image features of :attr:`.NetworkConfig.feature_level`, (B, C, d, h, w) with
            d = ceil(D / its stride), starting at the first voxel of the volume.
    """

    displacement: torch.Tensor
    velocity: Optional[torch.Tensor]
    fixed_features: torch.Tensor
    moving_features: torch.Tensor


class FieldHead(nn.Conv3d):
    """A convolution to a field, near zero at initialization, that stays fast for one small volume on a CPU.

    PyTorch computes small convolutions of a batch of one without oneDNN, which costs more than doing twice the work.
    """

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight, std=1e-5)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if len(features) == 1 and features.device.type == "cpu":
            return super().forward(torch.cat([features, features]))[:1]
        return super().forward(features)


class FusionLevel(nn.Module):
    """One level: attention within the images, within the masks and between both, then a field.

    A = CA(moving image, fixed image), B = CA(moving masks, fixed masks), F = CA(A, B), field = Conv 3^3 (F).
    A pair without structures has nothing to fuse: there F = A. With a `search`, the field also gets a convolution of
    where the features of the images and of the masks match.

    Shape: features (B, C, D, H, W), `with_masks` (B,) 1 where a pair has structures, result (B, 3, D, H, W).
    """

    def __init__(self, config: NetworkConfig, level: int):
        super().__init__()
        channels = config.channels[level]

        def attention():
            return CrossAttention(
                channels,
                config.heads[level],
                config.depths[level],
                config.window,
                config.mlp_ratio,
            )

        self.image_attention, self.mask_attention, self.fusion = attention(), attention(), attention()
        self.window = config.window
        self.head = FieldHead(channels, 3, 3, padding=1)
        self.image_matching = self.mask_matching = self.match_head = None
        if config.search:
            heads = config.heads[level]
            self.image_matching, self.mask_matching = (LocalMatching(channels, heads, config.search) for _ in range(2))
            self.match_head = FieldHead(6 * heads, 3, 3, padding=1, bias=False)

    def forward(self, fixed, moving, fixed_masks=None, moving_masks=None, with_masks=None, run: Callable = call):
        gate = None if with_masks is None else with_masks.view(-1, 1, 1, 1, 1)
        layouts = [WindowLayout(fixed.shape[2:], self.window, shifted, fixed.device) for shifted in (False, True)]
        fused = run(self.image_attention, moving, fixed, layouts)
        if fixed_masks is not None:
            masks = run(self.mask_attention, moving_masks, fixed_masks, layouts)
            fused = fused + gate.to(fused.dtype) * (run(self.fusion, fused, masks, layouts) - fused)
        matches = self._matches(fixed, moving, fixed_masks, moving_masks, gate, run)
        with torch.autocast("cuda", enabled=False):
            field = self.head(fused.float())
            return field if matches is None else field + self.match_head(matches.float())

    def _matches(self, fixed, moving, fixed_masks, moving_masks, gate, run):
        if self.match_head is None:
            return None
        images = run(self.image_matching, fixed, moving)
        if fixed_masks is None:
            return torch.cat([images, torch.zeros_like(images)], dim=1)
        return torch.cat([images, gate.to(images.dtype) * run(self.mask_matching, fixed_masks, moving_masks)], dim=1)


class RegistrationNetwork(nn.Module):
    """Predicts the deformation between two volumes on the same grid, guided by their masks.

    Args:
        config: the architecture.

    Attributes:
        mixed_precision: run in bfloat16 on a CUDA device that has it; fields stay in float32.
        gradient_checkpointing: recompute each part in the backward pass instead of keeping its activations.

    Shapes:
        >>> network = RegistrationNetwork(NetworkConfig.from_preset("fast"))
        >>> fixed, moving = torch.rand(2, 1, 1, 33, 20, 18)
        >>> masks = (torch.rand(2, 1, 3, 33, 20, 18) > 0.5).float()
        >>> prediction = network(fixed, moving, *masks)
        >>> tuple(prediction.displacement.shape), tuple(prediction.fixed_features.shape)
        ((1, 3, 33, 20, 18), (1, 32, 9, 5, 5))
    """

    def __init__(self, config: Optional[NetworkConfig] = None):
        super().__init__()
        self.config = config = config or NetworkConfig()
        self.image_encoder = Encoder(1, config.channels, config.field_stride)
        self.mask_encoder = Encoder(config.code_size, config.channels, config.field_stride)
        self.levels = nn.ModuleList(FusionLevel(config, level) for level in range(len(config.channels)))
        self.mixed_precision = True
        self.gradient_checkpointing = False

    def forward(
        self,
        fixed: torch.Tensor,
        moving: torch.Tensor,
        fixed_masks: Optional[torch.Tensor] = None,
        moving_masks: Optional[torch.Tensor] = None,
        codes: Optional[torch.Tensor] = None,
    ) -> Prediction:
        """Predict the field that pulls `moving` back onto `fixed`.

        Args:
            fixed, moving: (B, 1, D, H, W), any size, intensities in [0, 1].
            fixed_masks, moving_masks: (B, K, D, H, W) in [0, 1], one channel per structure, the same structure order
                in both; a structure that one of the images lacks is all zero there and is left out. None, no
                structure, or none in both images: the images alone decide.
            codes: (K, code_size) or (B, K, code_size) from :func:`.codes.random_codes`, as in training; None gives
                codes out by where the structures lie, so that their order does not matter.

        Raises:
            InputError: shapes that do not fit together.
        """
        _check_shapes(fixed, moving, fixed_masks, moving_masks)
        if fixed_masks is None or moving_masks is None or fixed_masks.shape[1] == 0:
            fixed_masks = moving_masks = None
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self._runs_in_bfloat16(fixed.device)):
            features = self._encode(self.image_encoder, fixed, moving)
            masks, with_masks = None, None
            if fixed_masks is not None:
                fixed_code, moving_code, with_masks = code_images(
                    fixed_masks, moving_masks, self.config.code_size, codes
                )
                masks = self._encode(self.mask_encoder, fixed_code, moving_code)
            field = self._coarse_to_fine(features, masks, with_masks)
        level, stride = self.config.feature_level
        sizes = [-(-size // stride) for size in fixed.shape[2:]]
        fixed_features, moving_features = (_crop(part.float(), sizes) for part in features[level].chunk(2))
        return self._prediction(field, fixed.shape[2:], fixed_features, moving_features)

    def _coarse_to_fine(self, features, masks, with_masks) -> torch.Tensor:
        """The summed field at the finest level, in its voxels, from the features of both images at all levels."""
        field = None
        for level in reversed(range(len(self.levels))):
            fixed, moving = features[level].chunk(2)
            fixed_masks, moving_masks = masks[level].chunk(2) if masks else (None, None)
            if field is not None:
                field = resize_field(field, fixed.shape[2:])
                deformation = self._flow(field)
                moving = warp(moving.float(), deformation)
                moving_masks = warp(moving_masks.float(), deformation) if masks else None
            step = self.levels[level](fixed, moving, fixed_masks, moving_masks, with_masks, self._run)
            field = step if field is None else field + step
        return field

    def _flow(self, field: torch.Tensor) -> torch.Tensor:
        return integrate(field, self.config.integration_steps) if self.config.composition == "velocity" else field

    def _prediction(self, field, shape, fixed_features, moving_features) -> Prediction:
        padded = [size * self.config.field_stride for size in field.shape[2:]]

        def to_input(coarse: torch.Tensor) -> torch.Tensor:
            return _crop(resize_field(coarse, padded), shape)

        displacement = to_input(self._flow(field))
        if self.config.composition == "sum":
            return Prediction(displacement, None, fixed_features, moving_features)
        return Prediction(displacement, to_input(field), fixed_features, moving_features)

    def _encode(self, encoder: Encoder, fixed: torch.Tensor, moving: torch.Tensor) -> List[torch.Tensor]:
        return encoder(_pad(torch.cat([fixed, moving]), self.config.coarsest_stride), self._run)

    def _run(self, module: nn.Module, *inputs):
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return checkpoint(module, *inputs, use_reentrant=False)
        return module(*inputs)

    def _runs_in_bfloat16(self, device: torch.device) -> bool:
        return self.mixed_precision and device.type == "cuda" and torch.cuda.is_bf16_supported()


def _pad(volume: torch.Tensor, stride: int) -> torch.Tensor:
    """Repeat the last voxels of each axis up to a multiple of `stride`, and to two coarsest voxels in all at least."""
    padded = [-(-size // stride) * stride for size in volume.shape[2:]]
    if all(size == stride for size in padded):
        padded[-1] *= 2  # instance normalization needs more than one voxel
    missing = [new - old for new, old in zip(padded, volume.shape[2:])]
    after = [amount for axis in reversed(missing) for amount in (0, axis)]
    return F.pad(volume, after, mode="replicate")


def _crop(volume: torch.Tensor, shape) -> torch.Tensor:
    depth, height, width = shape
    return volume[:, :, :depth, :height, :width]


def _check_shapes(fixed, moving, fixed_masks, moving_masks) -> None:
    if fixed.ndim != 5 or fixed.shape[1] != 1 or fixed.shape != moving.shape:
        raise InputError(
            f"The network needs two volumes of the same shape (B, 1, D, H, W), not {tuple(fixed.shape)} and "
            f"{tuple(moving.shape)}."
        )
    for masks in (fixed_masks, moving_masks):
        if masks is not None and (
            masks.ndim != 5 or masks.shape[0] != len(fixed) or masks.shape[2:] != fixed.shape[2:]
        ):
            raise InputError(f"Masks of shape {tuple(masks.shape)} do not fit volumes of shape {tuple(fixed.shape)}.")
    if fixed_masks is not None and moving_masks is not None and fixed_masks.shape != moving_masks.shape:
        raise InputError(
            f"The fixed masks have {fixed_masks.shape[1]} structures, the moving masks {moving_masks.shape[1]}; both "
            "need the same structures in the same order."
        )
