"""The network and its losses on CUDA, against the CPU."""

import pytest
import torch
from SAMRegistrationLib.losses.contours import ContourSet, contour_distance
from SAMRegistrationLib.losses.dice import soft_dice
from SAMRegistrationLib.losses.prototypes import prototype_contrast
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, load_network, save_network

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]


def a_pair(shape=(41, 36, 52), structures=3):
    generator = torch.Generator().manual_seed(0)
    small = [-(-size // 4) for size in shape]
    noise = torch.rand(4, structures, *small, generator=generator)
    smooth = torch.nn.functional.interpolate(noise, size=shape, mode="trilinear")
    return smooth[0:1, :1], smooth[1:2, :1], (smooth[2:3] > 0.6).float(), (smooth[3:4] > 0.6).float()


def a_network(preset, strength=0.004):
    torch.manual_seed(0)
    network = RegistrationNetwork(NetworkConfig.from_preset(preset)).eval()
    for level in network.levels:
        for head in filter(None, (level.head, level.match_head)):
            torch.nn.init.normal_(head.weight, std=strength)
    return network


@pytest.fixture(autouse=True)
def exact_arithmetic(monkeypatch):
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_cuda_gives_the_field_of_the_cpu(preset):
    network = a_network(preset)
    network.mixed_precision = False
    with torch.no_grad():
        here = network(*a_pair()).displacement
        there = network.cuda()(*(part.cuda() for part in a_pair())).displacement.cpu()
    assert here.abs().max() > 0.5
    torch.testing.assert_close(there, here, atol=0.02, rtol=0.01)


@pytest.mark.parametrize("preset", ["fast", "paper"])
def test_bfloat16_stays_near_the_field_of_float32_and_returns_float32(preset):
    network = a_network(preset).cuda()
    pair = [part.cuda() for part in a_pair()]
    with torch.no_grad():
        mixed = network(*pair)
        network.mixed_precision = False
        exact = network(*pair)
    assert mixed.displacement.dtype == mixed.fixed_features.dtype == torch.float32
    difference = (mixed.displacement - exact.displacement).abs().mean()
    assert difference < 0.1 * exact.displacement.abs().mean()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_parameter_gets_a_finite_gradient_in_bfloat16(checkpointing):
    network = a_network("fast").cuda().train()
    network.gradient_checkpointing = checkpointing
    network(*(part.cuda() for part in a_pair())).displacement.square().sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())


def test_gradient_checkpointing_needs_less_memory():
    peaks = []
    pair = [part.cuda() for part in a_pair((80, 80, 80))]
    for checkpointing in (False, True):
        network = a_network("paper").cuda().train()
        network.gradient_checkpointing = checkpointing
        torch.cuda.reset_peak_memory_stats()
        network(*pair).displacement.square().sum().backward()
        peaks.append(torch.cuda.max_memory_allocated())
        del network
    assert peaks[1] < 0.7 * peaks[0]


def test_more_windows_than_a_kernel_takes_work(monkeypatch):
    network = a_network("fast").cuda()
    pair = [part.cuda() for part in a_pair()]
    with torch.no_grad():
        whole = network(*pair).displacement
        monkeypatch.setattr("SAMRegistrationLib.network.attention.MAX_WINDOWS", 7)
        parts = network(*pair).displacement
    torch.testing.assert_close(parts, whole, atol=0.05, rtol=0.05)


def test_the_losses_and_their_gradients_are_those_of_the_cpu():
    _, _, fixed, moving = a_pair()
    spacing = (2.0, 1.0, 1.5)
    features = torch.randn(1, 8, 6, 5, 7, generator=torch.Generator().manual_seed(1))

    def losses(device):
        field = (0.5 * torch.ones(1, 3, *fixed.shape[2:], device=device)).requires_grad_()
        on = [masks.to(device) for masks in (fixed, moving)]
        contours = [ContourSet.from_masks(masks[0], spacing) for masks in on]
        terms = torch.stack(
            [
                contour_distance(*contours, field, spacing),
                soft_dice(*on),
                prototype_contrast(features.to(device), on[0]),
            ]
        )
        return terms.detach().cpu(), torch.autograd.grad(terms[0], field)[0].cpu()

    (cpu, cpu_gradient), (cuda, cuda_gradient) = losses("cpu"), losses("cuda")
    torch.testing.assert_close(cuda, cpu, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(cuda_gradient.sum((2, 3, 4)), cpu_gradient.sum((2, 3, 4)), atol=1e-3, rtol=1e-2)


def test_a_checkpoint_written_from_cuda_loads_on_the_cpu(tmp_path):
    network = a_network("fast").cuda()
    save_network(network, tmp_path / "network.safetensors")
    loaded = load_network(tmp_path / "network.safetensors")
    for name, weight in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight.cpu())
