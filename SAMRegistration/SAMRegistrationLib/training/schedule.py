"""The learning rate over the steps of a training, in parts that each training puts together."""

import math


def linear_warmup(step: int, steps: int) -> float:
    """Factor of the learning rate at a step: linear up over `steps` steps, then 1."""
    return min(1.0, (step + 1) / max(steps, 1))


def cosine_decay(share: float, lowest: float = 0.0) -> float:
    """Factor of the learning rate when a share in [0, 1] of the decay is over: from 1 to `lowest` along a cosine."""
    return lowest + (1 - lowest) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
