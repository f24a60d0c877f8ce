"""The smallest real job of each part of the package, run with nothing but what an installation brought.

    python install_jobs.py PART [--repository FOLDER]

Writes into the current folder. Imports nothing of the repository; only the part "host" is given its folder.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

RECIPE = """output = "run"
steps = 3
save_every = 3
[network]
preset = "fast"
[synthetic]
shapes = [[16, 16, 16]]
pool = 2
reuse = 1
"""


def library() -> None:
    """Register a phantom that was shifted, and make a mask from clicks in it."""
    import numpy as np
    import SimpleITK as sitk

    z, y, x = np.indices((40, 44, 48)).astype(np.float32)
    for name, shift in (("fixed", 0.0), ("moving", 3.0)):
        distance = np.sqrt((x - 24 - shift) ** 2 + (y - 22) ** 2 + (1.2 * (z - 20)) ** 2)
        body = 400 / (1 + np.exp(distance - 15)) + 300 / (1 + np.exp(np.hypot(distance, 0) - 7))
        waves = 40 * np.sin((x - shift) / 3) * np.cos(y / 4) * (distance < 15)
        sitk.WriteImage(sitk.GetImageFromArray(body + waves), f"{name}.nrrd")
        sitk.WriteImage(sitk.GetImageFromArray((distance < 7).astype(np.uint8)), f"{name}-labels.nii.gz")
    labels = ["--fixed-labels", "fixed-labels.nii.gz", "--moving-labels", "moving-labels.nii.gz"]
    command("register", "fixed.nrrd", "moving.nrrd", "-o", "out", *labels)
    measures = json.loads(Path("out/metrics.json").read_text(encoding="utf-8"))
    before, after = (measures[when]["structures"][0]["dice"] for when in ("before", "after"))
    require(after > before and after > 0.9, f"Dice {before:.3f} before and {after:.3f} after")
    prompts = [{"kind": "positive", "points": [[24.0, 22.0, 20.0]], "normal": [0, 0, 1]}]
    structure = {"name": "ball", "label": 1, "prompts": prompts}
    clicks = {"format": "sam-registration-prompts", "version": 1, "structures": [structure]}
    Path("clicks.json").write_text(json.dumps(clicks), encoding="utf-8")
    command("segment", "fixed.nrrd", "--prompts", "clicks.json", "-o", "mask.nii.gz")
    marked = sitk.GetArrayFromImage(sitk.ReadImage("mask.nii.gz"))
    require(marked[20, 22, 24] == 1 and 50 < marked.sum() < marked.size / 2, f"{marked.sum()} voxels are marked")


def train() -> None:
    """Three steps of training on synthetic pairs."""
    Path("recipe.toml").write_text(RECIPE, encoding="utf-8")
    command("train", "recipe.toml")
    require(any(Path("run").glob("*.safetensors")), "no weights were written")


def host(repository: Path) -> None:
    """Open the module's panel in the stand-in application and take its picture."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
    module = repository / "SAMRegistration" / "SAMRegistration.py"
    arguments = [sys.executable, "-m", "Host", str(module), "--screenshot", str(Path("panel.png").resolve())]
    subprocess.run(arguments, check=True, cwd=repository / "Testing", env=environment)
    require(Path("panel.png").stat().st_size > 20_000, "the picture of the panel is empty")


def tests(repository: Path) -> None:
    """A few test files."""
    files = ["Testing/unit/test_points.py", "Testing/unit/test_report.py", "Testing/unit/test_geometry.py"]
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files], check=True, cwd=repository)


def command(*arguments: str) -> None:
    """Run ``sam-registration`` as it was installed beside this Python."""
    program = Path(sys.executable).with_name("sam-registration")
    subprocess.run([str(program), *arguments, "--quiet"], check=True)


def require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise SystemExit(f"install check: {otherwise}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("part", choices=("library", "train", "host", "test"))
    parser.add_argument("--repository", type=Path, help="folder of the repository, for the parts host and test")
    options = parser.parse_args()
    {
        "library": library,
        "train": train,
        "host": lambda: host(options.repository),
        "test": lambda: tests(options.repository),
    }[options.part]()


if __name__ == "__main__":
    main()
