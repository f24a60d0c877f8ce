"""Official Segment Anything models of each size, with random weights, from download to volume: time and memory.

    python Testing/bench/official_sizes.py [--size b l h] [--threads 2]

The published weights are not needed: a checkpoint of the same tensors is written, offered by a server on this computer,
downloaded, checked, loaded and used. Masks mean nothing; what is shown is that every part works at full size, how long
an embedding and a click take, and how much memory the process needed at most. The seconds in brackets are those of the
processor, which other programs do not lengthen. Size `tiny` is for tests.
"""

import argparse
import hashlib
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict, NamedTuple, Tuple

import SimpleITK as sitk
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "SAMRegistration"), str(ROOT / "Testing" / "bench")]

from conditions import conditions  # noqa: E402
from SAMRegistrationLib import weights  # noqa: E402
from SAMRegistrationLib.segmentation.official import OfficialPredictor  # noqa: E402
from SAMRegistrationLib.segmentation.planes import SlicePlane  # noqa: E402
from SAMRegistrationLib.segmentation.sam.image_encoder import ImageEncoder  # noqa: E402
from SAMRegistrationLib.segmentation.sam.mask_decoder import MaskDecoder  # noqa: E402
from SAMRegistrationLib.segmentation.sam.model import Sam  # noqa: E402
from SAMRegistrationLib.segmentation.sam.prompt_encoder import PromptEncoder  # noqa: E402
from SAMRegistrationLib.segmentation.sam.two_way import TwoWayTransformer  # noqa: E402
from SAMRegistrationLib.segmentation.session import SegmentationSession  # noqa: E402

PATCH, WINDOW, FEATURES = 16, 14, 256


class Shape(NamedTuple):
    """Of an image encoder: patches along a side, channels, heads, blocks, and which of them look at everything."""

    grid: int
    width: int
    heads: int
    blocks: int
    everywhere: Tuple[int, ...]


SHAPES = {
    "tiny": Shape(8, 48, 2, 3, (1,)),
    "b": Shape(64, 768, 12, 12, (2, 5, 8, 11)),
    "l": Shape(64, 1024, 16, 24, (5, 11, 17, 23)),
    "h": Shape(64, 1280, 16, 32, (7, 15, 23, 31)),
}


def random_sam(shape: Shape) -> Sam:
    """A model of a published shape (Kirillov et al., ICCV 2023, and the authors' code) with random weights."""
    reach = [shape.grid if number in shape.everywhere else min(WINDOW, shape.grid) for number in range(shape.blocks)]
    encoder = ImageEncoder(shape.grid, PATCH, shape.width, shape.heads, reach, 4 * shape.width, FEATURES)
    prompts = PromptEncoder(FEATURES, shape.grid * PATCH, PATCH)
    decoder = MaskDecoder(TwoWayTransformer(depth=2, dim=FEATURES, heads=8, mlp=2048), FEATURES)
    return Sam(encoder, prompts, decoder)


def written(size: str, folder: Path) -> Path:
    """The checkpoint of a random model."""
    torch.manual_seed(0)
    path = folder / f"sam_vit_{size}.pth"
    torch.save(random_sam(SHAPES[size]).state_dict(), path)
    return path


def downloaded(path: Path, folder: Path) -> Path:
    """The same file, through a server on this computer and the program's own download."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(partial(file.read, 2**20), b""):
            digest.update(block)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(path.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/{path.name}"
        entry = weights.WeightsFile(path.stem, url, digest.hexdigest(), path.stat().st_size, "none", "random", "here")
        weights.download(entry, folder)
        return weights.installed_path(entry, folder)
    finally:
        server.shutdown()
        server.server_close()


def used(checkpoint: Path) -> Dict[str, Tuple[float, float]]:
    """Wall and processor seconds of loading, an embedding, a click and a box, and carrying through two more slices."""
    image = sitk.Cast(sitk.GaussianSource(size=[96, 80, 3], sigma=[14, 12, 3], mean=[48, 40, 1]), sitk.sitkFloat32)
    times, start = {}, _clocks()
    predictor = OfficialPredictor(checkpoint)
    times["load"] = _since(start)
    session = SegmentationSession(image, predictor)
    structure = session.add_structure("body").id
    session.add_point(structure, (48.0, 40.0, 1.0))
    steps = (
        ("first click", lambda: session.slice_mask(structure, SlicePlane(2, 1))),
        ("box", lambda: session.add_box(structure, (20.0, 15.0, 1.0), (76.0, 65.0, 1.0))),
        ("click with box", lambda: session.slice_mask(structure, SlicePlane(2, 1))),
        ("to volume", lambda: session.propagate(structure)),
    )
    for name, step in steps:
        start = _clocks()
        step()
        times[name] = _since(start)
    session.close()
    return times


def _clocks() -> Tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(start: Tuple[float, float]) -> Tuple[float, float]:
    return tuple(now - then for now, then in zip(_clocks(), start))


def peak_gigabytes() -> float:
    """Largest memory that this process had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", nargs="+", choices=list(SHAPES), default=["b"])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    print(f"Seconds, {conditions(options.threads)}; the first click embeds its slice, the volume has two more.")
    for size in options.size:
        with tempfile.TemporaryDirectory() as folder:
            path = written(size, Path(folder))
            megabytes = path.stat().st_size / 1e6
            times = used(downloaded(path, Path(folder) / "weights"))
        parts = ", ".join(f"{name} {wall:.1f} ({cpu:.1f})" for name, (wall, cpu) in times.items() if name != "box")
        print(f"{size}: {megabytes:.0f} MB; {parts}; peak memory {peak_gigabytes():.1f} GB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
