"""Benchmark of the correction of a result by one pair of points: how long it takes, and what it does.

    python Testing/bench/update.py [--threads N] [--sizes N ...]

Both volumes are a textured cube of 256 mm; the earlier result is wrong by 7 mm at its center.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "SAMRegistration"))
sys.path.insert(0, str(ROOT / "Testing" / "bench"))
LENGTH = 256.0  # mm
REPEATS = 3


def main() -> int:
    """Print one line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--threads", type=int, default=2, help="threads (default: 2)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256], help="voxels along an axis")
    options = parser.parse_args()
    import SimpleITK as sitk
    import torch
    from conditions import conditions

    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    print(f"Conditions: {conditions(options.threads)}.")
    for size in options.sizes:
        seconds, said = update(size)
        (landmark,) = said["landmarks"]
        print(
            f"update {size}^3: {seconds:.2f} s; error at the point {landmark['before_mm']:.2f} mm before, "
            f"{landmark['after_mm']:.2f} mm after; beyond {said['reach_mm']:g} mm at most "
            f"{said['largest_change_elsewhere_mm']:.3f} mm of change",
            flush=True,
        )
    return 0


def update(size: int):
    """Seconds of the fastest of some updates, and what the result says about it."""
    import numpy as np
    import SimpleITK as sitk
    from SAMRegistrationLib import engine
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.points import PointList
    from SAMRegistrationLib.registration import Corrections, Guidance, RegistrationOptions, result_of

    grid = Grid((size,) * 3, (LENGTH / size,) * 3)
    noise = grid.image(np.random.default_rng(0).normal(size=grid.shape).astype(np.float32))
    image = sitk.SmoothingRecursiveGaussian(noise, 5.0)
    field_grid = grid.with_size((64,) * 3)
    center = grid.center
    k, j, i = np.indices(field_grid.shape)
    points = field_grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3))
    share = np.exp(-((points - center) ** 2).sum(1) / (2 * 10.0**2))
    wrong = (share[:, None] * (5.0, -4.0, 3.0)).reshape(*field_grid.shape, 3)
    transform = sitk.CompositeTransform([sitk.DisplacementFieldTransform(field_grid.image(wrong))])
    earlier = result_of(transform, image, image)
    pair = Corrections(Guidance(PointList(center[None]), PointList(center[None])))
    options = RegistrationOptions(device="cpu", fixed_modality="mr", moving_modality="mr")
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = engine.update(earlier, pair, options)
        seconds.append(time.perf_counter() - start)
    return min(seconds), result.facts["update"]


if __name__ == "__main__":
    sys.exit(main())
