"""How alike two images are, as losses: lower is better, gradients flow into both images.

Images are (B, C, D, H, W) tensors on the same grid with intensities of about [0, 1].
"""

from typing import Optional, Sequence

import torch
import torch.nn.functional as F

from ..geometry import separable
from ..geometry.bspline import cubic_bspline

FLAT = 0.003  # of the variance of an image: local variances below it count as noise


def lncc(a: torch.Tensor, b: torch.Tensor, radius=2, weight: Optional[torch.Tensor] = None) -> torch.Tensor:
    """1 - squared local normalized cross-correlation, averaged over the voxels: 0 for linearly related patches.

    Args:
        a, b: images (B, 1, D, H, W).
        radius: half-width of the window in voxels, one number or one per axis (z, y, x); a window has 2 radius + 1
            voxels and is cut at the border of the volume.
        weight: (B, 1, D, H, W), how much each voxel counts; None counts all alike.

    Source: Avants et al., Medical Image Analysis 12 (2008) 26-41, with the window means of Cachier et al. (2003).
    """
    radii = (radius,) * 3 if isinstance(radius, int) else tuple(radius)
    box = separable.box_mean(a.shape[2:], radii, a)
    correlation = _SquaredLocalCorrelation.apply(a, b, *box)
    if weight is None:
        return 1 - correlation.mean()
    return 1 - (correlation * weight).sum() / weight.sum().clamp_min(1e-6)


class _SquaredLocalCorrelation(torch.autograd.Function):
    """(cov(a, b)^2 + EPSILON) / (var(a) var(b) + EPSILON) over a window, with its gradient written out for speed.

    EPSILON stands above and below the line: flat windows count as alike, and equal images are a maximum everywhere.
    With EPSILON below the line alone a stronger contrast would raise the value, which pulls on equal images.
    """

    EPSILON = 1e-5

    @staticmethod
    def forward(ctx, a, b, along_z, along_y, along_x):
        box = (along_z, along_y, along_x)
        means = separable.apply(box, torch.cat([a, b, a * a, b * b, a * b], 1))
        mean_a, mean_b, mean_aa, mean_bb, mean_ab = means.chunk(5, 1)
        covariance = mean_ab - mean_a * mean_b
        variance_a = (mean_aa - mean_a * mean_a).clamp_min(0)
        variance_b = (mean_bb - mean_b * mean_b).clamp_min(0)
        denominator = variance_a * variance_b + _SquaredLocalCorrelation.EPSILON
        ctx.save_for_backward(a, b, mean_a, mean_b, covariance, variance_a, variance_b, denominator, *box)
        return (covariance * covariance + _SquaredLocalCorrelation.EPSILON) / denominator

    @staticmethod
    def backward(ctx, upstream):
        a, b, mean_a, mean_b, covariance, variance_a, variance_b, denominator, *box = ctx.saved_tensors
        transposed = tuple(matrix.T for matrix in box)
        by_covariance = upstream * 2 * covariance / denominator
        common = -upstream * (covariance**2 + _SquaredLocalCorrelation.EPSILON) / denominator**2
        gradients = [None, None]
        for index, (own, other, mean_own, mean_other, variance_other) in enumerate(
            ((a, b, mean_a, mean_b, variance_b), (b, a, mean_b, mean_a, variance_a))
        ):
            if ctx.needs_input_grad[index]:
                by_variance = common * variance_other
                adjoint = torch.cat(
                    [by_covariance, by_variance, by_covariance * mean_other + 2 * by_variance * mean_own], 1
                )
                to_other, to_own, constant = separable.apply(transposed, adjoint).chunk(3, 1)
                gradients[index] = other * to_other + 2 * own * to_own - constant
        return (*gradients, None, None, None)


def mutual_information(a: torch.Tensor, b: torch.Tensor, bins: int = 32, weight: Optional[torch.Tensor] = None):
    """Negative mutual information in nats of two images (B, 1, D, H, W) with intensities in [0, 1].

    The joint histogram uses cubic B-spline Parzen windows, so that the loss is smooth in both images.
    Source: Mattes et al., IEEE Transactions on Medical Imaging 22 (2003) 120-128.
    """
    total = a.new_zeros(())
    for index in range(a.shape[0]):
        weights_a = _parzen(a[index].flatten(), bins)
        weights_b = _parzen(b[index].flatten(), bins)
        if weight is not None:
            weights_b = weights_b * weight[index].flatten()[:, None]
        joint = weights_a.T @ weights_b
        joint = joint / joint.sum().clamp_min(1e-12)
        independent = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
        total = total - (joint * torch.log((joint + 1e-10) / (independent + 1e-10))).sum()
    return total / a.shape[0]


def locally_normalized(
    image: torch.Tensor, sigmas: Sequence[float], coverage: Optional[torch.Tensor] = None
) -> torch.Tensor:
    """An image (1, 1, D, H, W) minus its local mean, divided by its local standard deviation.

    Half the mean square difference of two such images is 1 - local cross-correlation.

    Args:
        sigmas: of the Gaussian surroundings in voxels, (z, y, x).
        coverage: (1, 1, D, H, W), 1 where the volume was imaged; nothing else counts as surroundings (normalized
            convolution; Knutsson and Westin, CVPR 1993). None for everywhere.
    """
    surroundings = separable.gaussian(image.shape[2:], sigmas, image)
    known = torch.ones_like(image) if coverage is None else coverage
    sums = separable.apply(surroundings, torch.cat([known, known * image, known * image * image], 1))
    share, mean, mean_square = sums.chunk(3, 1)
    share = share.clamp_min(torch.finfo(image.dtype).eps)
    mean, mean_square = mean / share, mean_square / share
    variance = (mean_square - mean * mean).clamp_min(0)
    return (image - mean) / (variance + FLAT * image.var()).clamp_min(torch.finfo(image.dtype).tiny).sqrt()


def standardized(image: torch.Tensor) -> torch.Tensor:
    """An image minus its mean, divided by its standard deviation."""
    return (image - image.mean()) / image.std().clamp_min(torch.finfo(image.dtype).tiny)


def mind(image: torch.Tensor, radius: int = 1, dilation: int = 1) -> torch.Tensor:
    """Modality independent neighborhood descriptor with the six-neighborhood's self-similarity context, 12 channels.

    Args:
        image: (B, 1, D, H, W).
        radius: half-width in voxels of the patch whose squared differences are averaged.
        dilation: distance in voxels of the neighbors.

    Source: Heinrich et al., MICCAI 2013 (MIND-SSC).
    """
    offsets = torch.tensor([[0, 1, 1], [1, 1, 0], [1, 0, 1], [1, 1, 2], [2, 1, 1], [1, 2, 1]])
    distance = (offsets[None] - offsets[:, None]).pow(2).sum(-1)
    first, second = torch.nonzero(torch.triu(distance == 2), as_tuple=True)
    shape = image.shape[2:]
    padded = F.pad(image, [dilation] * 6, mode="replicate")

    def shifted(offset):
        start = (offset * dilation).tolist()
        return padded[
            :, :, start[0] : start[0] + shape[0], start[1] : start[1] + shape[1], start[2] : start[2] + shape[2]
        ]

    box = separable.box_mean(shape, (radius,) * 3, image)
    differences = torch.cat([shifted(offsets[i]) - shifted(offsets[j]) for i, j in zip(first, second)], 1) ** 2
    distances = separable.apply(box, differences)
    distances = distances - distances.amin(1, keepdim=True)
    variance = distances.mean(1, keepdim=True)
    reference = variance.mean(dim=(2, 3, 4), keepdim=True)
    variance = torch.minimum(torch.maximum(variance, reference * 1e-3), reference * 1e3).clamp_min(1e-12)
    return torch.exp(-distances / variance)


def mind_channels(
    image: torch.Tensor, sigmas: Sequence[float], coverage: Optional[torch.Tensor] = None
) -> torch.Tensor:
    """:func:`mind`, whose surroundings are the six-neighborhood whatever `sigmas` and `coverage` are."""
    return mind(image)


def _parzen(values: torch.Tensor, bins: int) -> torch.Tensor:
    """Cubic B-spline weights (N, bins) of values in [0, 1]; two bins of margin on either side keep them complete."""
    position = values.clamp(0, 1) * (bins - 5) + 2
    distance = (position[:, None] - torch.arange(bins, dtype=values.dtype, device=values.device)[None]).abs()
    return cubic_bspline(distance)
