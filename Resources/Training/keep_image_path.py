"""Put the mask path of fine-tuned weights into the weights that the fine-tuning started from.

    python keep_image_path.py START.safetensors TUNED.safetensors OUTPUT.safetensors

Without masks the network of OUTPUT answers exactly as that of START; with masks, what they pass through is TUNED's.
"""

import argparse
from pathlib import Path

import torch
from SAMRegistrationLib.network import load_network, save_network

MASK_PATH = ("mask_encoder.", ".mask_attention.", ".fusion.", ".mask_matching.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("start", "tuned", "output"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    network = load_network(options.start)
    network.load_state_dict(combined(network.state_dict(), load_network(options.tuned).state_dict()))
    save_network(network, options.output, {"masks": options.tuned.name})


def combined(start, tuned):
    """Weights of `start`, in the mask path those of `tuned`; the second half of a matching head reads masks."""
    found = {}
    for name, tensor in start.items():
        if any(part in name for part in MASK_PATH):
            tensor = tuned[name]
        elif ".match_head." in name:
            images = tensor.shape[1] // 2
            tensor = torch.cat([tensor[:, :images], tuned[name][:, images:]], dim=1)
        found[name] = tensor
    return found


if __name__ == "__main__":
    main()
