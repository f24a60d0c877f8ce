"""Training of the built-in click model, resumable at every checkpoint."""

import math
from functools import partial
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
import torch

from ...errors import InputError
from ...files import require_writable_folder, whole_file
from ...job import Job
from ...segmentation.compact.model import CompactSam, load_compact_sam, save_compact_sam, short_floats_pay
from ...segmentation.compact.predictor import BUILT_IN_WEIGHTS, CompactPredictor
from ..log import read_csv, write_csv
from ..optimization import Optimization
from ..schedule import cosine_decay, linear_warmup
from ..threads import limit_threads
from .choice import without_choice
from .config import BUILT_IN, ClickTraining
from .evaluate import evaluate_clicks
from .feature_cache import FeatureCache, Features
from .lite_medsam import read_lite_medsam
from .sample import Sample
from .step import collate, interactive_loss

WEIGHTS, CHECKPOINT, LOG, GALLERY = "sam-compact.safetensors", "checkpoint.pt", "log.csv", "gallery"


def train_sam(training: ClickTraining, resume: bool = False, job: Optional[Job] = None) -> Path:
    """Train a compact SAM; returns the weights file, the best in validation of all checkpoints.

    Writes into ``training.output``: the weights, ``checkpoint.pt`` to go on from, and ``log.csv`` with loss and
    validation Dice; and, when the training asks for it, the pictures it made into ``gallery``.

    Args:
        resume: go on from the checkpoint in the output folder.

    Raises:
        InputError: the folder cannot be written, holds a training already, or there is nothing to resume.
        WeightsError: the weights to start from cannot be used.
        Canceled: when the user asked to stop; the last checkpoint stays.
    """
    job = job or Job()
    folder = require_writable_folder(training.output)
    exists = (folder / CHECKPOINT).exists()
    if resume and not exists:
        raise InputError(f"There is no checkpoint in {folder} to resume from.")
    if exists and not resume:
        raise InputError(f"{folder} holds a training already; resume it or choose another output folder.")
    limit_threads(training.threads)
    run = _Run(training)
    if resume:
        run.load(folder / CHECKPOINT)
    while run.step < training.steps:
        job.update(run.step / training.steps, f"step {run.step + 1} of {training.steps}")
        run.advance()
        if run.step % training.checkpoint_every == 0 or run.step == training.steps:
            run.checkpoint(folder, job)
    job.update(1.0, "done")
    return folder / WEIGHTS


def read_log(folder: Path) -> List[Dict[str, float]]:
    """The rows of a training's log: step, loss, Dice in training, and Dice after each click in validation."""
    rows = [{name: float(value) for name, value in row.items()} for row in read_csv(folder / LOG)]
    return [{**row, "step": int(row["step"])} for row in rows]


class _Run:
    """The state of a training."""

    def __init__(self, training: ClickTraining):
        self.training = training
        torch.manual_seed(training.seed)
        self.model = _start(training).to(memory_format=torch.channels_last)
        self._stored_size = self.model.config.size
        self._optimization = Optimization(self.model, self.model.parameters(), weight_decay=0.01)
        self.step = 0
        self.best = -math.inf
        self.history: List[Dict[str, float]] = []
        self._recent: List[List[float]] = []
        self._cache = feature_cache(training, self.model.vit_features) if training.gallery else None
        self._cases = [case for source in training.sources for case in source.cases(training.validation, training.seed)]

    def advance(self) -> None:
        """One optimizer step."""
        rng = np.random.default_rng([self.training.seed, self.step])
        size = self._size()
        self.model.resize(size)
        self.model.train()
        samples = [self._sample(size, rng) for _ in range(self.training.pictures)]
        loss, dice = interactive_loss(self.model, collate(samples), rng)
        self._optimization.clear_gradients()
        loss.backward()
        self._optimization.clip(1.0)
        self._optimization.step(self._rate(), self.training.average if self.step else 0.0)
        self.step += 1
        self._recent.append([loss.item(), *dice])

    def checkpoint(self, folder: Path, job: Job) -> None:
        """Validate, keep the averaged weights when they are the best yet, and store what is needed to go on."""
        model = self._optimization.average
        model.resize(self._stored_size)
        scores = evaluate_clicks(CompactPredictor.from_model(model), self._cases, job=Job(canceled=job.check))
        curve = scores.mean() if self._cases else np.full(5, float(self.step))
        loss, first, last = np.mean(self._recent, 0)
        self._recent = []
        row = {"step": self.step, "loss": loss, "training_first": first, "training_last": last}
        row.update({f"dice_{k + 1}": value for k, value in enumerate(curve)})
        self.history.append({name: float(value) for name, value in row.items()})
        if curve.mean() > self.best:
            self.best = float(curve.mean())
            save_compact_sam(model, folder / WEIGHTS, {"step": str(self.step), "seed": str(self.training.seed)})
        write_csv(folder / LOG, list(row), [list(entry.values()) for entry in self.history])
        with whole_file(folder / CHECKPOINT) as path:
            progress = {"step": self.step, "best": self.best, "history": self.history}
            torch.save({**self._optimization.state(self.step), **progress}, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            InputError: the checkpoint is damaged or of another network.
        """
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            self._optimization.load_state(state)
            self.step, self.best, self.history = state["step"], state["best"], state["history"]
        except (RuntimeError, KeyError, ValueError, EOFError, OSError) as error:
            raise InputError(f"{path} is damaged or of another network; start a new training.") from error

    def _sample(self, size, rng):
        if self._cache is None:
            return draw(self.training, size, self.training.masks, rng)
        return self._cache.sample(size, self.training.masks, rng)

    def _rate(self):
        warmup = linear_warmup(self.step, self.training.warmup)
        return self.training.rate * warmup * cosine_decay(self.step / self.training.steps)

    def _size(self):
        past = 0
        for stage in self.training.stages:
            past += stage.steps
            if self.step < past:
                return stage.size
        return self.training.stages[-1].size


def feature_cache(training: ClickTraining, features: Features) -> FeatureCache:
    """The cache of a training that has one; `features` as for :class:`.feature_cache.FeatureCache`."""
    folder = training.output / GALLERY
    return FeatureCache(folder, training.gallery, training.seed, partial(draw, training), features)


def draw(training: ClickTraining, size: int, masks: int, rng: np.random.Generator) -> Sample:
    """A picture from one of the sources, chosen by their shares.

    Raises:
        InputError: no structure was found in a hundred tries.
    """
    shares = np.array(training.shares) / sum(training.shares)
    for _ in range(100):
        sample = training.sources[rng.choice(len(shares), p=shares)].draw(size, masks, rng)
        if sample is not None:
            return sample
    raise InputError("The training data hardly ever shows a structure; check that label maps fit their images.")


def _start(training: ClickTraining) -> CompactSam:
    if training.start is None:
        model = CompactSam(training.model)
        model.short_floats = short_floats_pay()
    else:
        model = load_compact_sam(BUILT_IN_WEIGHTS if training.start == BUILT_IN else training.start)
        without_choice(model)
    if training.encoder is not None:
        model.encoder.vit.load_state_dict(read_lite_medsam(training.encoder).encoder.state_dict())
    return model
