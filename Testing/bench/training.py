"""Seconds and peak memory of a training step, and the share of it spent outside the network.

python Testing/bench/training.py --size 96 128 160 --preset fast --checkpointing
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SAMRegistration"))

from SAMRegistrationLib.network.config import NetworkConfig
from SAMRegistrationLib.network.model import RegistrationNetwork
from SAMRegistrationLib.training.registration.config import LossWeights
from SAMRegistrationLib.training.registration.memory import PeakMemory
from SAMRegistrationLib.training.registration.objective import training_loss
from SAMRegistrationLib.training.registration.synthetic import SyntheticOptions, SyntheticPairs


def step(network, pair, weights):
    """Seconds of preparing nothing: forward, loss, backward; and of forward and backward through the network alone."""
    synchronize = torch.cuda.synchronize if torch.cuda.is_available() else (lambda: None)
    marks = [time.perf_counter()]
    prediction = network(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks)
    synchronize()
    marks.append(time.perf_counter())
    outputs = (prediction.displacement, prediction.fixed_features, prediction.moving_features)
    leaves = [output.detach().requires_grad_(True) for output in outputs]
    detached = type(prediction)(leaves[0], None, leaves[1], leaves[2])
    training_loss(detached, pair, weights)[0].backward()
    synchronize()
    marks.append(time.perf_counter())
    torch.autograd.backward(outputs, [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves])
    synchronize()
    marks.append(time.perf_counter())
    forward, loss, backward = (after - before for before, after in zip(marks, marks[1:]))
    return forward, loss, backward


def main():
    """Measure and print one JSON object per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs="+", default=[96, 128, 160])
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = RegistrationNetwork(NetworkConfig.from_preset(options.preset)).to(device)
    network.gradient_checkpointing = options.checkpointing
    for size in options.size:
        start = time.perf_counter()
        pair = SyntheticPairs(SyntheticOptions(shapes=((size,) * 3,), masks=1.0), 0)[2].to(device)
        making = time.perf_counter() - start
        with PeakMemory() as memory:
            forward, loss, backward = min(
                (step(network, pair, LossWeights(truth=0.3)) for _ in range(options.repeats)), key=sum
            )
        total = forward + loss + backward
        print(
            json.dumps(
                {
                    "size": size,
                    "preset": options.preset,
                    "checkpointing": options.checkpointing,
                    "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
                    "threads": torch.get_num_threads(),
                    "structures": 0 if pair.fixed_labels is None else pair.fixed_labels.shape[1],
                    "seconds_a_step": round(total, 2),
                    "share_outside_the_network": round(loss / total, 3),
                    "seconds_to_make_the_pair": round(making, 2),
                    "peak_mb": None if memory.peak_mb is None else round(memory.peak_mb),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
