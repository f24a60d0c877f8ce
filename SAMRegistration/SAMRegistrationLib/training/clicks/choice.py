"""Training of the head that chooses among the candidates of the first click; all other weights stay as they are."""

from dataclasses import replace
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from ...metrics import mask_dice
from ...segmentation.compact.model import CompactSam
from ...segmentation.compact.predictor import CompactPredictor
from .click_simulation import Click
from .sources import Case

BATCH, RATE, DECAY, DROPOUT = 64, 3e-3, 0.1, 0.3
TEMPERATURE, CHOICE_SHARE = 0.15, 0.5


class Judged(NamedTuple):
    """What is known of the K candidates of N first clicks.

    Attributes:
        looked_at: (N, K, numbers), what the heads see of each, :func:`.quality.look`.
        dice: (N, K) with the wanted mask.
    """

    looked_at: torch.Tensor
    dice: torch.Tensor


def judge(model: CompactSam, case: Case, clicks: Sequence[Click]) -> Judged:
    """The candidates for each of several clicks (column, row, 1) into the structure of a case."""
    predictor = CompactPredictor.from_model(model)
    seen: List[torch.Tensor] = []
    hook = model.decoder.quality.register_forward_pre_hook(lambda _head, inputs: seen.append(inputs[0][0]))
    try:
        embedding, dice = predictor.embed(case.image, case.pixel_size), []
        for column, row, _inside in clicks:
            low_res, _quality = predictor.decoded(embedding, np.array([[column, row]]), np.array([1]))
            masks = embedding.letterbox.back(low_res[None])[0] > 0
            dice.append([mask_dice(mask.numpy(), case.mask) for mask in masks])
    finally:
        hook.remove()
    return Judged(torch.stack(seen).float(), torch.tensor(dice, dtype=torch.float32))


def with_choice(
    model: CompactSam, sources: Sequence[Judged], width: int = 32, heads: int = 3, steps: int = 2000, seed: int = 0
) -> CompactSam:
    """A copy of a model with a head for the choice, the mean of several perceptrons of one hidden layer.

    The loss is the squared error of the expected Dice, and the mean Dice of the candidates weighted by how likely each
    is to be put first. Every source counts alike.
    """
    parts = [_perceptron(sources, width, steps, seed + number) for number in range(heads)]
    result = CompactSam(replace(model.config, choice=width * heads))
    state = model.state_dict()
    for name, values in zip(("0.weight", "0.bias", "2.weight", "2.bias"), zip(*parts)):
        last = name.startswith("2")
        if last:
            joined = torch.cat(values, 1) / heads if name.endswith("weight") else sum(values) / heads
        else:
            joined = torch.cat(values)
        state[f"decoder.choice.layers.{name}"] = joined
    result.load_state_dict(state)
    result.short_floats = model.short_floats
    return result.eval()


def without_choice(model: CompactSam) -> None:
    """Take the head for the choice away, which does not fit weights that are trained on."""
    model.config = replace(model.config, choice=0)
    model.decoder.choice = None


def _perceptron(sources: Sequence[Judged], width: int, steps: int, seed: int) -> Tuple[torch.Tensor, ...]:
    """Weights and biases of both layers, for inputs as they come."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    looked_at, dice = (torch.cat(part) for part in zip(*sources))
    share = np.concatenate([np.full(len(source.dice), 1 / len(source.dice)) for source in sources]) / len(sources)
    numbers = looked_at.shape[-1]
    mean = looked_at.reshape(-1, numbers).mean(0)
    spread = looked_at.reshape(-1, numbers).std(0, correction=0) + 1e-2
    inputs = (looked_at - mean) / spread
    first, last = nn.Linear(numbers, width), nn.Linear(width, 1)
    net = nn.Sequential(nn.Dropout(DROPOUT), first, nn.ReLU(), nn.Dropout(DROPOUT), last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        chosen = rng.choice(len(inputs), BATCH, p=share)
        worth = net(inputs[chosen])[..., 0]
        error = (torch.sigmoid(worth) - dice[chosen]).square().mean()
        first_dice = (torch.softmax(worth / TEMPERATURE, 1) * dice[chosen]).sum(1).mean()
        optimizer.zero_grad()
        (error - CHOICE_SHARE * first_dice).backward()
        optimizer.step()
    weight = first.weight.detach() / spread
    return weight, first.bias.detach() - weight @ mean, last.weight.detach(), last.bias.detach()
