"""Benchmark of the registration network: seconds and peak memory of a prediction and of a training step.

    python Testing/bench/network.py [--presets fast paper] [--sizes 96 128 160] [--device cpu|cuda] [--threads N]
                                    [--repeats N] [--output FILE.json]

A training step is forward, losses (LNCC, smoothness, soft Dice, prototypes, contours with cached points), backward and
AdamW on one pair with 13 structures. "Outside" is the share of the step's time that neither the network's forward nor
its part of the backward pass takes: losses, their gradient down to the field, and the optimizer. Each measurement runs
in a process of its own, so that peak memory is its own; on a CPU it is the process's peak resident memory, with what
Python and torch take before the network exists subtracted and told.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "SAMRegistration"))

STRUCTURES = 13


def main() -> int:
    """Measure every combination, print the table, and write the numbers when asked."""
    options = _options()
    if options.single:
        print(json.dumps(_measure(options)))
        return 0
    rows = []
    print(f"{'preset':8}{'size':>6}{'task':>10}{'seconds':>10}{'CPU s':>10}{'peak MiB':>10}{'outside':>9}")
    for preset in options.presets:
        for size in options.sizes:
            for task in options.tasks:
                row = _in_process(options, preset, size, task)
                rows.append(row)
                print(_line(row), flush=True)
    if options.output:
        options.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _line(row) -> str:
    start = f"{row['preset']:8}{row['size']:>6}{row['task']:>10}"
    if "failed" in row:
        return f"{start}  {row['failed']}"
    outside = f"{100 * row['outside']:.0f} %" if row["outside"] is not None else "-"
    return f"{start}{row['seconds']:>10.2f}{row['cpu_seconds']:>10.2f}{row['peak_mib']:>10.0f}{outside:>9}"


def _in_process(options, preset: str, size: int, task: str) -> dict:
    command = [sys.executable, __file__, "--single", "--presets", preset, "--sizes", str(size), "--tasks", task]
    command += ["--device", options.device, "--threads", str(options.threads), "--repeats", str(options.repeats)]
    command += ["--checkpointing"] if options.checkpointing else []
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        return {"preset": preset, "size": size, "task": task, "failed": reason}
    return json.loads(done.stdout.splitlines()[-1])


def _measure(options) -> dict:
    import torch
    from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork

    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    preset, size, task = options.presets[0], options.sizes[0], options.tasks[0]
    device = torch.device(options.device)
    pair = _pair(size, device)
    before = _resident()
    network = RegistrationNetwork(NetworkConfig.from_preset(preset)).to(device)
    network.gradient_checkpointing = options.checkpointing
    run = _prediction(network, pair) if task == "predict" else _training(network, pair)
    run()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, cpu_seconds, outside = [], [], []
    for _ in range(options.repeats):
        start, cpu = _now(device), time.process_time()
        outside.append(run())
        seconds.append(_now(device) - start)
        cpu_seconds.append(time.process_time() - cpu)
    best = min(range(len(seconds)), key=seconds.__getitem__)
    peak = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else _resident() - before
    return {
        "preset": preset,
        "size": size,
        "task": task,
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "threads": options.threads,
        "torch": torch.__version__,
        "seconds": seconds[best],
        "cpu_seconds": cpu_seconds[best],
        "peak_mib": peak,
        "before_mib": before,
        "outside": None if outside[best] is None else outside[best] / seconds[best],
    }


def _pair(size: int, device):
    """Images and masks of `STRUCTURES` balls at places that differ between the images."""
    import torch

    axis = torch.arange(size, dtype=torch.float32)

    def masks(generator):
        channels = []
        for center in torch.rand(STRUCTURES, 3, generator=generator) * size * 0.6 + size * 0.2:
            z, y, x = ((axis - middle).square() for middle in center)
            inside = z[:, None, None] + y[:, None] + x < (0.12 * size) ** 2
            channels.append(inside.float())
        return torch.stack(channels)[None]

    generator = torch.Generator().manual_seed(0)
    fixed_masks, moving_masks = masks(generator), masks(generator)
    images = [(0.05 * part.sum(1, keepdim=True) + 0.2).clamp(0, 1) for part in (fixed_masks, moving_masks)]
    images = [image + 0.05 * torch.rand(image.shape, generator=generator) for image in images]
    return [part.to(device) for part in (*images, fixed_masks, moving_masks)]


def _prediction(network, pair):
    import torch

    network.eval()

    def run():
        with torch.inference_mode():
            network(*pair)

    return run


def _training(network, pair):
    import torch
    from SAMRegistrationLib.geometry.dense import warp
    from SAMRegistrationLib.losses.contours import ContourSet, contour_distance
    from SAMRegistrationLib.losses.dice import soft_dice
    from SAMRegistrationLib.losses.intensities import lncc
    from SAMRegistrationLib.losses.prototypes import prototype_alignment, prototype_contrast

    fixed, moving, fixed_masks, moving_masks = pair
    contours = [ContourSet.from_masks(masks[0], (1.0, 1.0, 1.0)) for masks in (fixed_masks, moving_masks)]
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    network.train()

    def losses(prediction):
        field = prediction.displacement
        smoothness = sum(field.diff(dim=axis).square().mean() for axis in (2, 3, 4))
        features = prediction.fixed_features, prediction.moving_features
        return (
            lncc(fixed, warp(moving, field))
            + smoothness
            + soft_dice(fixed_masks, warp(moving_masks, field))
            + 0.01 * prototype_contrast(features[0], fixed_masks)
            + 0.01 * prototype_alignment(features[0], fixed_masks, features[1], moving_masks)
            + 0.1 * contour_distance(*contours, field, (1.0, 1.0, 1.0))
        )

    def run():
        prediction = network(*pair)
        outputs = prediction.displacement, prediction.fixed_features, prediction.moving_features
        start = _now(fixed.device)
        gradients = torch.autograd.grad(losses(prediction), outputs, retain_graph=False)
        outside = _now(fixed.device) - start
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(outputs, gradients)
        start = _now(fixed.device)
        optimizer.step()
        return outside + _now(fixed.device) - start

    return run


def _now(device) -> float:
    import torch

    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _resident() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=["fast", "paper"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[96, 128, 160])
    parser.add_argument("--tasks", nargs="+", choices=["predict", "train"], default=["predict", "train"])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations in the backward pass")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--single", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
