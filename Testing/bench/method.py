"""The experiments of docs/method.md: what masks, prototypes and the contour loss bring to the network.

    python Testing/bench/method.py {acdc,abdomen,hippocampus} [--data FOLDER] [--output FOLDER] [--steps N]
        [--seeds N ...] [--variants NAME ...] [--initial built-in|none|FILE] [--preset fast|paper] [--largest-grid N]
        [--shown KIND ...] [--methods NAME ...] [--weights FILE] [--split test] [--pairs N] [--threads N]

Trains every variant with every seed on the training pairs, registers the pairs of the split with every kind of masks,
and prints the table. What is done already, in the output folder, is not done again. With `--weights`, nothing is
trained and these weights are measured ("built-in": those that ship). A GPU is used where there is one.
"""

import argparse
import itertools
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Set

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "SAMRegistration"))

import method_clicks
import method_data
import numpy as np
import SimpleITK as sitk
import torch
from conditions import conditions
from SAMRegistrationLib.choices import CLICKED_TOLERANCE
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.metrics import deformation_statistics, dice, jacobian_image
from SAMRegistrationLib.registration import RegistrationOptions, register
from SAMRegistrationLib.training.random_stream import RandomStream
from SAMRegistrationLib.training.registration.check import read_image, read_label_volume
from SAMRegistrationLib.training.registration.config import DataOptions, LossWeights, TrainingConfig
from SAMRegistrationLib.training.registration.datalist import read_data_list
from SAMRegistrationLib.training.registration.deformation import DeformationRange
from SAMRegistrationLib.training.registration.degrade import Degradation, degrade_masks
from SAMRegistrationLib.training.registration.trainer import train
from SAMRegistrationLib.training.threads import limit_threads
from SAMRegistrationLib.volumes import NamedMask, StructureMasks
from SAMRegistrationLib.weights import default_weights

ROOT = Path(__file__).resolve().parents[2]
PREALIGNMENTS = {"acdc": "none"}  # phases of one session lie as they should
FOLDERS = {"acdc": "acdc", "abdomen": "l2r-abdomen-labels", "hippocampus": "msd-hippocampus"}
SAM_DICE = 0.816  # of the paper's masks on ACDC
BASE = LossWeights(similarity=0.5, smoothness=0.3, overlap=1.0, contrast=0.0, alignment=0.0, contour=0.0)
PROTOTYPE = replace(BASE, contrast=0.05, alignment=0.05)
VARIANTS = {
    "no masks": (0.0, BASE),
    "masks": (0.85, BASE),
    "masks + prototype": (0.85, PROTOTYPE),
    "masks + prototype + contour": (0.85, replace(PROTOTYPE, contour=0.01)),
}
SHOWN = ("none", "sam", "merged", "clicks", "true")
WITH_ERRORS = ("sam", "merged", "clicks")
METHODS = ("affine", "refinement", "network", "network + refinement")


def main() -> None:
    options = _options()
    limit_threads(options.threads)
    output = options.output / options.experiment
    listed = getattr(method_data, options.experiment)(
        options.data / FOLDERS[options.experiment], output, options.spacing
    )
    data = read_data_list(listed)
    chosen = data.pairs_of(options.split)[: options.pairs or None]
    linear = PREALIGNMENTS.get(options.experiment, "affine")
    pairs = [Pair(data, output, number, linear, *cases) for number, cases in enumerate(chosen)]
    measured = Measured(output / "measured.jsonl")
    for name, weights in _networks(options, listed, output):
        for pair, shown, method in itertools.product(pairs, options.shown, options.methods):
            _measure(measured, pair, shown, method, name, weights, options.largest_grid)
    print(f"{len(pairs)} pairs; {conditions(options.threads)}\n")
    print(measured.table({pair.name for pair in pairs}))


def _networks(options, listed: Path, output: Path):
    """Names and weights files; training those that are not trained yet."""
    if options.weights:
        yield options.weights, default_weights() if options.weights == "built-in" else Path(options.weights)
        return
    start = {"built-in": default_weights(), "none": None}.get(options.initial, options.initial)
    for seed in options.seeds:
        for variant in options.variants:
            masks, loss = VARIANTS[variant]
            called = variant if options.preset == "fast" else f"{variant}, {options.preset}"
            slug = called.replace(" + ", "-").replace(", ", "-").replace(" ", "-")
            config = TrainingConfig(
                output=output / f"{slug}-{options.initial.replace('/', '_')}-{options.steps}-{seed}",
                steps=options.steps,
                seed=seed,
                learning_rate=options.rate,
                warmup=20,
                ema=0.98,
                save_every=50,
                initial=start and Path(start),
                network={"preset": options.preset},
                loss=loss,
                data=DataOptions(
                    list=listed,
                    masks=masks,
                    prealignment=PREALIGNMENTS.get(options.experiment, "affine"),
                    pairs=options.train_pairs,
                    largest_grid=options.largest_grid,
                    cache=output / "pairs",
                    deformation=DeformationRange(0.3, 0.05, 0.05, 0.03),
                ),
            )
            began = time.time()
            result = train(config)
            print(f"{called}, seed {seed}: {result['step']} steps, {result['seconds']} s", flush=True)
            if time.time() - began > 5:
                print(f"  with preparation {time.time() - began:.0f} s", flush=True)
            yield f"{called} / {options.steps} / {seed}", config.output / "network.safetensors"


class Pair:
    """A pair whose files are read when they are needed; linear parts are found once for each kind of masks."""

    def __init__(self, data, output: Path, number: int, prealignment: str, fixed, moving):
        self.data, self.number, self.cases = data, number, (fixed, moving)
        self._output, self._prealignment = output, prealignment
        self.name = f"{moving.id} on {fixed.id}"
        self._linear: Dict[str, sitk.Transform] = {}

    @property
    def images(self):
        return [read_image(case.image, case) for case in self.cases]

    @property
    def labels(self) -> List[StructureMasks]:
        return [read_label_volume(case.labels, case, self.data) for case in self.cases]

    def masks(self, shown: str) -> List[Optional[StructureMasks]]:
        if shown == "none":
            return [None, None]
        if shown == "true":
            return self.labels
        if shown == "clicks":
            files = [self._output / "clicks" / f"{case.id}.nii.gz" for case in self.cases]
            return [method_clicks.clicked(*volume) for volume in zip(self.images, self.labels, files)]
        masks = [_degraded(labels, RandomStream(0, self.number, side)) for side, labels in enumerate(self.labels)]
        return [_merged(each) for each in masks] if shown == "merged" else masks

    def registered(self, shown: str, **changes):
        """The registration, with the linear part that masks of this kind give."""
        result = register(
            *self.images,
            *self.masks(shown),
            options=RegistrationOptions.preset(
                "balanced",
                prealignment=self._prealignment,
                initial_transform=self._linear.get(shown),
                mask_tolerance=CLICKED_TOLERANCE if shown in WITH_ERRORS else 0.0,
                **changes,
            ),
        )
        self._linear[shown] = result.linear
        return result


def _degraded(labels: StructureMasks, stream: RandomStream) -> StructureMasks:
    channels = torch.from_numpy(np.stack([labels.inside(label) for label in labels.labels])[None].astype(np.float32))
    worse = degrade_masks(channels, Degradation(0.0, SAM_DICE, SAM_DICE), stream)[0].numpy()
    return StructureMasks.of_masks((NamedMask(n, "", m > 0.5) for n, m in zip(labels.labels, worse)), labels.grid)


def _merged(masks: StructureMasks) -> StructureMasks:
    every = np.any([masks.inside(label) for label in masks.labels], axis=0)
    return StructureMasks.of_masks([NamedMask(1, "", every)], masks.grid)


def _measure(
    measured: "Measured", pair: Pair, shown: str, method: str, name: str, weights: Path, largest_grid: int
) -> None:
    networked = method.startswith("network")
    key = {"pair": pair.name, "masks": shown, "method": method, "network": name if networked else ""}
    if measured.has(key):
        return
    began = time.perf_counter()
    result = pair.registered(
        shown,
        use_network=networked,
        use_refinement=method.endswith("refinement"),
        weights=str(weights) if networked else None,
        **({"largest_grid": largest_grid} if networked else {}),
    )
    seconds = time.perf_counter() - began
    fixed, moving = pair.labels
    scores = dice(fixed, moving.warped(result.transform, fixed.grid))
    shared = set(fixed.labels) & set(moving.labels)
    regular = deformation_statistics(jacobian_image(result.transform, Grid.of(pair.images[0])))
    initial = dice(fixed, moving.warped(sitk.Transform(3, sitk.sitkIdentity), fixed.grid))
    measured.put(
        {
            **key,
            "dice": 100 * float(np.mean([scores[label] for label in shared])),
            "initial": 100 * float(np.mean([initial[label] for label in shared])),
            "by structure": {str(label): 100 * scores[label] for label in sorted(shared)},
            "sd log J": regular.sd_log_jacobian,
            "folded": regular.folded_fraction,
            "seconds": seconds,
        }
    )


class Measured:
    """What was measured, a line of JSON each."""

    def __init__(self, path: Path):
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.entries = [json.loads(line) for line in lines]

    def has(self, key: Dict[str, str]) -> bool:
        return any(all(entry[name] == value for name, value in key.items()) for entry in self.entries)

    def put(self, entry: Dict) -> None:
        self.entries.append(entry)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def table(self, pairs: Set[str]) -> str:
        """Rows of methods and networks; Dice is the mean, over seeds and over pairs, with both standard deviations."""
        found = [entry for entry in self.entries if entry["pair"] in pairs]
        initial = {entry["pair"]: entry["initial"] for entry in found}
        lines = [
            "| method | masks | seeds | Dice % | sd over seeds | sd over pairs | SDlogJ | folds % | seconds |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|",
            f"| initial | | | {np.mean(list(initial.values())):.1f} | | {np.std(list(initial.values())):.1f} | | | |",
        ]
        rows: Dict[tuple, Dict[str, list]] = {}
        for entry in found:
            network, _, seed = entry["network"].rpartition(" / ")
            row = rows.setdefault((entry["method"], network or seed if entry["network"] else "", entry["masks"]), {})
            row.setdefault(seed if network else "", []).append(entry)
        for (method, network, masks), by_seed in rows.items():
            means = [np.mean([entry["dice"] for entry in entries]) for entries in by_seed.values()]
            every = [entry for entries in by_seed.values() for entry in entries]
            spread = np.mean([np.std([entry["dice"] for entry in entries]) for entries in by_seed.values()])
            columns = [np.mean([entry[name] for entry in every]) for name in ("sd log J", "folded", "seconds")]
            seeds = (len(means), f"{np.std(means, ddof=1):.2f}") if len(means) > 1 else ("1" if network else "", "")
            lines.append(
                f"| {method}{f', {network}' if network else ''} | {masks} "
                f"| {seeds[0]} | {np.mean(means):.1f} | {seeds[1]} "
                f"| {spread:.1f} | {columns[0]:.3f} | {100 * columns[1]:.3f} | {columns[2]:.1f} |"
            )
        return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SAMREGISTRATION_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("experiment", choices=["acdc", "abdomen", "hippocampus"])
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--output", type=Path, default=ROOT / "training-output" / "method")
    parser.add_argument("--spacing", type=float, default=4.0, help="of the synthetic abdomens, mm")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--initial", default="built-in")
    parser.add_argument("--preset", choices=["fast", "paper"], default="fast", help="of a network from scratch")
    parser.add_argument("--train-pairs", type=int, default=0)
    parser.add_argument("--largest-grid", type=int, default=2_000_000, help="voxels that a network sees at most")
    parser.add_argument("--shown", nargs="+", choices=SHOWN, default=["none", "sam", "true"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--weights", help='measure these, without training; "built-in": those that ship')
    parser.add_argument("--split", default="test")
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
