"""Small networks and pairs that the network tests share."""

import torch
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork

SMALL = {"channels": (4, 8), "heads": (1, 2), "depths": (2, 2), "window": 3, "integration_steps": 5}


def a_network(preset="fast", strength=0.0, seed=0, **changes):
    """A small network; a `strength` of 0.03 gives the field heads weights that deform by some voxels."""
    torch.manual_seed(seed)
    network = RegistrationNetwork(NetworkConfig.from_preset(preset, **{**SMALL, **changes}))
    if strength:
        for level in network.levels:
            for head in filter(None, (level.head, level.match_head)):
                torch.nn.init.normal_(head.weight, std=strength)
    return network.eval()


def a_pair(shape=(20, 17, 14), structures=3, batch=1, seed=1):
    """Images (batch, 1, *shape) and masks (batch, structures, *shape) of ellipsoids at random places."""
    generator = torch.Generator().manual_seed(seed)
    axes = [torch.linspace(-1, 1, size) for size in shape]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"))

    def one():
        center = torch.rand(batch, structures, 3, 1, 1, 1, generator=generator) - 0.5
        masks = (((grid - center) / 0.4).square().sum(2) < 1).float()
        tissue = torch.rand(batch, structures, 1, 1, 1, generator=generator)
        noise = torch.rand(batch, 1, *shape, generator=generator)
        return ((masks * tissue).sum(1, keepdim=True) + 0.2 * noise).clamp(0, 1), masks

    (fixed, fixed_masks), (moving, moving_masks) = one(), one()
    return fixed, moving, fixed_masks, moving_masks
