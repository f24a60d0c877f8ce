"""Benchmark of clicking: volumes from at most six clicks of a simulated user, and the time of an embedding and a click.

    python Testing/bench/segmentation.py [--model compact] [--device cpu] [--clicks 6] [--threads 2] [--only NAME ...]
                                         [--least-sure]

Needs the real volumes (folder named by SAMREGISTRATION_DATA, or ../shared/data); they are only evaluated on.

The simulated user clicks the deepest point of the structure's largest slice and corrects that slice, with at most three
clicks in all, until its Dice is 0.9. Then he asks for the volume, clicks the middle of the largest error of any slice
(inside when something is missing, outside when there is too much), asks for the volume again, and so on. With
--least-sure he does not know where the largest error is: he looks at the least sure places, best first, and clicks on
the first slice there that has an error.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Iterable, List, NamedTuple, Tuple

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "SAMRegistration"), str(ROOT / "Testing" / "bench")]

from conditions import conditions  # noqa: E402
from SAMRegistrationLib.choices import BUILT_IN_CLICK_MODEL  # noqa: E402
from SAMRegistrationLib.segmentation.models import open_predictor  # noqa: E402
from SAMRegistrationLib.segmentation.planes import SlicePlane, pixel_size, slice_of, to_world  # noqa: E402
from SAMRegistrationLib.segmentation.regions import components, deepest  # noqa: E402
from SAMRegistrationLib.segmentation.session import SegmentationSession  # noqa: E402

DEFAULT_DATA = Path(os.environ.get("SAMREGISTRATION_DATA", ROOT.parent / "shared" / "data"))
AXIS = 2
TARGET = 0.85
FIRST, GOOD = 3, 0.9


class Case(NamedTuple):
    """A structure to segment: label `value` of a label map."""

    name: str
    image: str
    labels: str
    value: int


def cases() -> List[Case]:
    """The structures of the target: abdominal organs in CT, the left ventricle in cine MR."""
    folder = "totalseg-ct-mr/"
    organs = [("liver", 5), ("spleen", 1), ("kidney right", 2), ("kidney left", 3)]
    found = [
        Case(name, folder + "example_ct.nii.gz", folder + "example_seg_fast_force_split.nii.gz", value)
        for name, value in organs
    ]
    for subject in ("0000101", "0000201", "0000301"):
        for phase in ("ED", "ES"):
            stem = f"scd-cine/SCD{subject}_{phase}"
            found.append(Case(f"LV {subject[3:5]} {phase}", f"{stem}_img.nii.gz", f"{stem}_lab.nii.gz", 1))
    return found


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice overlap of two masks (bool)."""
    return float(2 * np.count_nonzero(a & b) / max(np.count_nonzero(a) + np.count_nonzero(b), 1))


def next_click(mask: np.ndarray, truth: np.ndarray, size, slices: Iterable[int]):
    """Slice, (column, row) and kind of the next click of the simulated user; None when nothing is wrong in `slices`."""
    best, chosen = 0, None
    for index in slices:
        for part in components(mask[index] != truth[index])[:1]:
            if part.sum() > best:
                best = part.sum()
                chosen = index, part
    if chosen is None:
        return None
    index, part = chosen
    column, row = deepest(part, size)
    return index, (column, row), bool(truth[index, row, column])


def least_sure_click(session: SegmentationSession, structure: str, mask: np.ndarray, truth: np.ndarray, size):
    """The next click as of :func:`next_click`, on the first slice through a least sure place that has an error.

    Where no such slice has an error, or the model knows no such place, it is the click in the largest error.
    """
    for place in session.least_sure(structure):
        index = round(float(session.grid.physical_to_index([place])[0, AXIS]))
        click = next_click(mask, truth, size, [index])
        if click is not None:
            return click
    return next_click(mask, truth, size, range(len(truth)))


def click_through(
    session: SegmentationSession, truth: np.ndarray, clicks: int, least_sure: bool = False
) -> Tuple[dict, np.ndarray]:
    """Dice in 3D after each click, with the time of a click and of each propagation, and the last mask (bool)."""
    structure = session.add_structure("structure").id
    mask = np.zeros_like(truth)
    largest = int(np.argmax(truth.sum(axis=(1, 2))))
    size = pixel_size(session.grid, AXIS)
    click = (largest, deepest(truth[largest], size), True)
    result = {"dice": [], "clicks": [], "click_seconds": [], "propagation_seconds": []}
    while click is not None and len(result["dice"]) < clicks:
        index, pixel, positive = click
        plane = SlicePlane(AXIS, index)
        if session.model.capabilities.dimensions == 2:
            session.model.segmenter(session.volume).cache.get(plane)
        session.add_point(structure, to_world(session.grid, plane, [pixel])[0], positive)
        start = time.perf_counter()
        session.slice_mask(structure, plane)
        result["click_seconds"].append(time.perf_counter() - start)
        start = time.perf_counter()
        mask = session.propagate(structure).astype(bool)
        result["propagation_seconds"].append(time.perf_counter() - start)
        result["dice"].append(dice(mask, truth))
        result["clicks"].append([index, *pixel, positive])
        here = dice(mask[largest], truth[largest])
        if len(result["clicks"]) < FIRST and here < GOOD:
            click = next_click(mask, truth, size, [largest])
        elif least_sure:
            click = least_sure_click(session, structure, mask, truth, size)
        else:
            click = next_click(mask, truth, size, range(len(truth)))
    return result, mask


def embedding_seconds(session: SegmentationSession, count: int = 3) -> float:
    """Median time of embedding a slice; 0 for a model of volumes."""
    if session.model.capabilities.dimensions == 3:
        return 0.0
    seconds = []
    for index in range(count):
        image = np.ascontiguousarray(slice_of(session.volume.array, SlicePlane(AXIS, index)))
        start = time.perf_counter()
        session.predictor.embed(image, pixel_size(session.grid, AXIS))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def main() -> int:
    """Click through every case and print the table."""
    options = _options()
    import torch

    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    chosen = [case for case in cases() if (options.data / case.image).is_file()]
    chosen = [case for case in chosen if not options.only or case.name in options.only]
    if not chosen:
        print(f"Clicking was left out: no volumes in {options.data}; set SAMREGISTRATION_DATA to their folder.")
        return 0
    predictor = open_predictor(options.model, options.device)
    results = {}
    print(f"Model {predictor.name}; {_where(options)}. 3D Dice after each click:")
    for case in chosen:
        session = SegmentationSession(sitk.ReadImage(str(options.data / case.image)), predictor)
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(options.data / case.labels))) == case.value
        results[case.name] = {"embedding_seconds": embedding_seconds(session)}
        results[case.name].update(click_through(session, truth, options.clicks, options.least_sure)[0])
        session.close()
        scores = results[case.name]["dice"]
        line = " ".join(f"{score:.3f}" for score in scores)
        verdict = "reached" if max(scores) >= TARGET else "missed"
        print(f"{case.name:14s} {line}   best {max(scores):.3f}: {TARGET} {verdict}", flush=True)
    _summary(results)
    if options.output:
        options.output.write_text(json.dumps(results, indent=1), encoding="utf-8")
    return 0


def _where(options) -> str:
    return conditions(options.threads) if options.device == "cpu" else options.device


def _summary(results: dict) -> None:
    last = [result["dice"][-1] for result in results.values()]
    clicks = [seconds for result in results.values() for seconds in result["click_seconds"]]
    embeddings = [result["embedding_seconds"] for result in results.values()]
    reached = sum(max(result["dice"]) >= TARGET for result in results.values())
    print(f"Mean 3D Dice after the last click {np.mean(last):.3f}; {reached} of {len(last)} reach {TARGET}")
    print(
        f"Median embedding {1000 * np.median(embeddings):.0f} ms (target 1000), "
        f"median click {1000 * np.median(clicks):.0f} ms (target 150)"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Volumes from a few simulated clicks.")
    parser.add_argument("--model", default=BUILT_IN_CLICK_MODEL, help="a click model by name, or a checkpoint")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clicks", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--least-sure", action="store_true", help="click where the model is least sure")
    parser.add_argument("--only", nargs="+", help="names of cases")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the volumes")
    parser.add_argument("--output", type=Path, help="JSON file for every number")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
