"""The training loop: plain torch, resumable at any step, on one process or many."""

import math
import time
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional

import numpy as np
import torch
from torch.utils.data import DataLoader

from ...errors import Canceled, InputError
from ...files import require_writable_folder
from ...geometry.dense import warp
from ...job import Job
from ...network.checkpoint import load_network, save_network
from ...network.codes import random_codes
from ...network.config import NetworkConfig
from ...network.model import FusionLevel, RegistrationNetwork
from ...quantities import time_left_text
from ..log import TensorBoardLog
from ..optimization import Optimization
from ..random_stream import RandomStream
from ..schedule import cosine_decay, linear_warmup
from ..settings import plain
from .config import TrainingConfig
from .objective import training_loss
from .pair import TrainingPair
from .recipe import BEST, WEIGHTS
from .sources import training_pairs
from .state import TrainingState, load_state, save_state
from .validation import Validation
from .workers import Workers, joined_workers

HEAD_RATE = 1.0  # a head's weights move displacements by its voxels' width in the input: they learn that much slower
SAVE_SECONDS = 300.0  # a state is saved at least so often, however slow the steps are


def train(config: TrainingConfig, job: Optional[Job] = None) -> Dict[str, object]:
    """Train, or go on with the training that `config.output` holds; the state is saved also when the job is canceled.

    Returns:
        "weights" (path of the averaged weights: with validation the best ones, else the last), "step", "seconds",
        "best" (validation Dice or None).

    Raises:
        InputError, WeightsError: the configuration, the data or a file of an earlier run cannot be used.
        Canceled: the job was canceled; the next call goes on from there.
    """
    job = job or Job()
    require_writable_folder(config.output)
    with joined_workers() as workers, _numerics(config.deterministic):
        trainer = Trainer(config, workers, job.part(0.0, 0.05))
        try:
            trainer.run(job.part(0.05, 1.0))
        finally:
            trainer.close()
        return {
            "weights": str(config.output / (WEIGHTS if trainer.best is None else BEST)),
            "step": trainer.step,
            "seconds": round(trainer.seconds, 1),
            "best": trainer.best,
        }


class Trainer:
    """One training in one of its processes.

    Attributes:
        step: optimizer steps done.
        seconds: time that they took, with what came between them.
    """

    def __init__(self, config: TrainingConfig, workers: Workers, job: Optional[Job] = None):
        self.config, self.workers = config, workers
        self.pairs = training_pairs(config, job or Job(), workers)
        torch.manual_seed(config.seed)
        network = _start_network(config).to(workers.device)
        self._optimization = Optimization(network, _groups(network), config.weight_decay)
        self.step, self.best, self.seconds = 0, None, 0.0
        self._restore()
        self.validation = Validation(config) if workers.first and config.validation.every else None
        self.log = TensorBoardLog(config.output, self.step) if workers.first else None

    @property
    def network(self) -> RegistrationNetwork:
        """The weights being trained."""
        return self._optimization.network

    @property
    def average(self) -> RegistrationNetwork:
        """Their exponential moving average."""
        return self._optimization.average

    def run(self, job: Job) -> None:
        """Steps until `config.steps` are done or `config.minutes` are over; start and end are validated too."""
        every, first, saved, saved_at = self.config.validation.every, self.step, self.step, self.seconds
        mark = time.perf_counter()
        try:
            if every and self.config.initial and not first:
                self._validate(job)
            for pairs in self._batches():
                job.check()
                start = time.perf_counter()
                values = self.gradients(pairs)
                self._update(values)
                now = time.perf_counter()
                self.seconds += now - mark
                mark = now
                self._report(values, pairs, now - start, job)
                if every and self.step % every == 0:
                    self._validate(job)
                if self.step % self.config.save_every == 0 or self.workers.mean(self.seconds - saved_at) > SAVE_SECONDS:
                    self.save()
                    saved, saved_at = self.step, self.seconds
            if every and self.step > first and self.step % every:
                self._validate(job)
        except (Canceled, KeyboardInterrupt):
            if saved != self.step and self.workers.count == 1:
                self.save()
            raise
        self.save()

    def gradients(self, pairs) -> Dict[str, float]:
        """Mean gradient over `pairs` and all processes, left in the parameters; returns the mean terms of the loss."""
        self.network.train()
        self._optimization.clear_gradients()
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        values: Dict[str, list] = {}
        for index, pair in pairs:
            pair = pair.to(self.workers.device)
            prediction = self.network(
                pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks, self._codes(index, pair)
            )
            loss, terms = training_loss(prediction, pair, self.config.loss)
            (loss / len(pairs)).backward()
            for name, term in {"loss": loss, **terms}.items():
                values.setdefault(name, []).append(float(term.detach()))
        self.workers.mean_gradients(self.network.parameters())
        return {name: sum(found) / len(found) for name, found in values.items()}

    def save(self) -> None:
        """Write the state, and the averaged weights for use."""
        self.workers.wait()
        if not self.workers.first:
            return
        state = TrainingState(self.step, self.best, self.seconds, self._optimization.tensors())
        save_state(self.config.output, state, plain(self.config))
        self._save_average(WEIGHTS)

    def close(self) -> None:
        """Finish the log."""
        if self.log:
            self.log.close()

    def _restore(self) -> None:
        state = load_state(self.config.output, plain(self.config))
        if state is None:
            return
        self.step, self.best, self.seconds = state.step, state.best, state.seconds
        try:
            self._optimization.load_tensors(state.tensors, self.step)
        except (RuntimeError, KeyError) as error:
            raise InputError(
                f"The training state in {self.config.output} does not fit the configured network; "
                "choose another output folder."
            ) from error

    def _batches(self) -> Iterator:
        """The pairs of each step that is left, as long as there is time."""
        batch, steps = self.config.batch, range(self.step, self.config.steps)
        order = [index for step in steps for index in self.workers.indices(step, batch)]
        loader = DataLoader(
            _Numbered(self.pairs),
            batch_size=batch,
            sampler=order,
            num_workers=self.config.loaders,
            collate_fn=list,
            persistent_workers=False,
        )
        batches = iter(loader)
        while self._spent() < 1:
            try:
                yield next(batches)
            except StopIteration:
                return

    def _spent(self) -> float:
        """The share of the time that is over, the same in all processes; 0 without a limit."""
        limit = 60 * self.config.minutes
        return self.workers.mean(self.seconds) / limit if limit else 0.0

    def _update(self, values: Dict[str, float]) -> None:
        norm = self._optimization.clip(self.config.clip)
        if not math.isfinite(norm):
            raise InputError(
                f"The training in {self.config.output} broke down at step {self.step}: its loss is no longer a number; "
                "start again from the last saved state with a lower learning_rate."
            )
        rate = self.config.learning_rate * rate_factor(self.step, self.config.steps, self.config.warmup, self._spent())
        self.step += 1
        self._optimization.step(rate, min(self.config.ema, self.step / (self.step + 10)))
        values["gradient norm"], values["learning rate"] = norm, rate

    def _report(self, values: Dict[str, float], pairs, seconds: float, job: Job) -> None:
        loss = self.workers.mean(values["loss"])
        done = max(self.step / self.config.steps, self._spent())
        left = time_left_text(self.seconds * (1 - done) / done)
        job.update(done, f"step {self.step}/{self.config.steps}, loss {loss:.3f}, {left}")
        if self.log:
            self.log.scalars("train", {**values, "seconds a step": seconds}, self.step)
            if self.step % self.config.save_every == 0:
                self._log_picture(pairs[0][1].to(self.workers.device))

    def _log_picture(self, pair: TrainingPair) -> None:
        """The middle slice of fixed, moving and warped, side by side."""
        if not self.log.writes:
            return
        with torch.no_grad():
            field = self.average(pair.fixed, pair.moving, pair.fixed_masks, pair.moving_masks).displacement
            images = [pair.fixed, pair.moving, warp(pair.moving, field)]
        middle = pair.fixed.shape[2] // 2
        picture = torch.cat([image[0, :, middle] for image in images], 2)
        self.log.image("fixed, moving, warped", picture, self.step)

    def _validate(self, job: Job) -> None:
        if self.validation is None:
            return
        scores = self.validation.run(self.average, job)
        self.log.scalars("validation", scores, self.step)
        score = scores.get("dice")
        if score is not None and (self.best is None or score > self.best):
            self.best = score
            self._save_average(BEST)

    def _save_average(self, name: str) -> None:
        metadata = {"step": str(self.step), "seed": str(self.config.seed)}
        save_network(self.average, self.config.output / name, metadata)

    def _codes(self, index: int, pair: TrainingPair) -> Optional[torch.Tensor]:
        if pair.fixed_masks is None:
            return None
        numbers = RandomStream(self.config.seed, index, 1).numbers
        codes = random_codes(pair.fixed_masks.shape[1], self.network.config.code_size, numbers)
        return codes.to(self.workers.device)


def rate_factor(step: int, steps: int, warmup: int, spent: float = 0.0) -> float:
    """Learning rate at a step as a factor: linear up over `warmup` steps, then a cosine down to 0.01.

    Args:
        spent: share of the time that is over, where time is limited; the cosine ends with steps or time.
    """
    if step < warmup:
        return linear_warmup(step, warmup)
    return cosine_decay(max((step - warmup) / max(steps - warmup, 1), spent), 0.01)


class _Numbered:
    """Pairs with their number, which decides the codes."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __getitem__(self, index: int):
        return index, self.pairs[index]


def _start_network(config: TrainingConfig) -> RegistrationNetwork:
    options = dict(config.network)
    if config.initial:
        network = load_network(config.initial)
        asked = NetworkConfig.from_preset(options.pop("preset", "fast"), **options)
        if config.network != {"preset": "fast"} and asked.to_dict() != network.config.to_dict():
            raise InputError(f"The weights {config.initial} are of another architecture than the configured network.")
    else:
        network = RegistrationNetwork(NetworkConfig.from_preset(options.pop("preset", "fast"), **options))
    network.mixed_precision = config.mixed_precision
    network.gradient_checkpointing = config.checkpointing
    return network


def _groups(network: RegistrationNetwork) -> List[Dict[str, object]]:
    """Parameters with the share of the learning rate that they take: that of the heads, of attention and of matching
    alike, is over their voxels' width, so that neither has a start on the other."""
    heads = [_heads(level) for level in network.levels]
    taken = {id(parameter) for level in heads for parameter in level}
    groups = [{"params": [parameter for parameter in network.parameters() if id(parameter) not in taken]}]
    for number, level in enumerate(heads):
        width = network.config.field_stride * 2**number
        groups.append({"params": level, "rate_share": HEAD_RATE / width})
    return groups


def _heads(level: FusionLevel) -> List[torch.nn.Parameter]:
    modules = (level.head,) if level.match_head is None else (level.head, level.match_head)
    return [parameter for module in modules for parameter in module.parameters()]


@contextmanager
def _numerics(deterministic: bool):
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    torch.backends.cudnn.benchmark = not deterministic
    np.random.seed(0)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
