"""The parts of a published checkpoint in one module."""

import torch
from torch import nn
from torch.nn import functional as F

from .image_encoder import ImageEncoder
from .mask_decoder import MaskDecoder
from .prompt_encoder import PromptEncoder

_MEAN, _DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # of the colors it was trained with


class Sam(nn.Module):
    """Image encoder, prompt encoder and mask decoder of a checkpoint.

    Args:
        image_encoder, prompt_encoder, mask_decoder: of one size of input.
    """

    def __init__(self, image_encoder: ImageEncoder, prompt_encoder: PromptEncoder, mask_decoder: MaskDecoder):
        super().__init__()
        self.image_encoder = image_encoder
        self.prompt_encoder = prompt_encoder
        self.mask_decoder = mask_decoder

    @property
    def size(self) -> int:
        """Side of the square input in pixels."""
        return self.image_encoder.size

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.image_encoder.pos_embed.device

    def colors(self, image: torch.Tensor) -> torch.Tensor:
        """The input (B, 3, S, S) for images (B, 3, h, w) with values from 0 to 255, padded at the right and below."""
        mean, deviation = (image.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
        height, width = image.shape[-2:]
        return F.pad((image - mean) / deviation, (0, self.size - width, 0, self.size - height))

    def masks(self, features: torch.Tensor, clicks=None, boxes=None, masks=None):
        """Logits (N, K, S/4, S/4) and expected IoU (N, K) of N prompts in one image with `features` (1, C, h, w).

        Args:
            clicks, boxes, masks: see :meth:`.prompt_encoder.PromptEncoder.forward`.
        """
        tokens, previous = self.prompt_encoder(clicks, boxes, masks)
        return self.mask_decoder(features, self.prompt_encoder.positions(), tokens, previous)
