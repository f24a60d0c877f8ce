"""Check that what is installed is enough: each part in a fresh virtual environment does its smallest real job.

    python Testing/tools/check_install.py [--python 3.9 3.11 3.13] [--part library train host test]

The wheel is built from the source distribution, and that from this tree. Jobs run in an empty folder with an empty
home and no PYTHONPATH; only pip's cache is shared. A Python that is not on this machine fails its row.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parents[2]
JOBS = ROOT / "Testing" / "tools" / "install_jobs.py"
PARTS = {
    "3.9": ("library",),
    "3.11": ("library", "train", "host", "test"),
    "3.13": ("library", "train"),
}
EXTRAS = {"library": "", "train": "[train]", "host": "[host]", "test": "[test,train,host]"}
TORCH = {"3.9": "torch==2.8.0"}
NEWEST_TORCH = "torch==2.13.0"
LOADS_OF_TEXT = 4000


def main() -> int:
    """Run the rows that were asked for, print a table, and return the number of rows that failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--python", nargs="+", default=list(PARTS), help="versions (default: %(default)s)")
    parser.add_argument("--part", nargs="+", choices=list(EXTRAS), help="default: those that the version is for")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="check-install-") as folder:
        work = Path(folder)
        wheel = build(work)
        for version in options.python:
            for part in options.part or PARTS.get(version, ("library",)):
                start = time.monotonic()
                problem = check(work / f"{version}-{part}", version, part, wheel)
                rows.append((version, part, time.monotonic() - start, problem))
                print(
                    f"Python {version}, {part}: {'failed' if problem else 'passed'} in {rows[-1][2]:.0f} s", flush=True
                )
                if problem:
                    print(problem)
    failed = sum(bool(problem) for *_, problem in rows)
    print(f"Installation: {len(rows) - failed} rows passed, {failed} rows failed")
    return failed


def build(work: Path) -> Path:
    """The wheel that comes out of the source distribution of a copy of this tree."""
    tools, source, dist = work / "tools", work / "source", work / "dist"
    python = new_environment(sys.executable, tools)
    run([python, "-m", "pip", "install", "--quiet", "setuptools>=68", "wheel"], work)
    ignored = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.egg-info", "__pycache__", "demo-output")
    shutil.copytree(ROOT, source, ignore=ignored)
    dist.mkdir()
    code = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    run([python, "-c", code, str(dist)], source)
    archive = next(dist.glob("*.tar.gz"))
    run(
        [python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(dist), str(archive)],
        work,
    )
    return next(dist.glob("*.whl"))


def check(folder: Path, version: str, part: str, wheel: Path) -> Optional[str]:
    """What went wrong when the part was installed and used, None when nothing did."""
    interpreter = interpreter_of(version)
    if interpreter is None:
        return f"There is no Python {version} on this machine."
    try:
        python = new_environment(interpreter, folder / "environment")
        install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
        run([*install, TORCH.get(version, NEWEST_TORCH)], folder)
        run([*install, f"{wheel}{EXTRAS[part]}"], folder)
        run([python, "-m", "pip", "check"], folder)
        (folder / "empty").mkdir()
        run([python, str(JOBS), part, "--repository", str(ROOT)], folder / "empty")
    except subprocess.CalledProcessError as error:
        return (error.stdout or "")[-LOADS_OF_TEXT:]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return None


def interpreter_of(version: str) -> Optional[str]:
    """A Python of a version such as "3.11": this one, one on the path, or one of pyenv."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)),
    ]
    for candidate in filter(None, candidates):
        answer = subprocess.run([candidate, "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.startswith(f"{version}."):
            return candidate
    return None


def new_environment(interpreter: str, folder: Path) -> str:
    folder.parent.mkdir(parents=True, exist_ok=True)
    run([interpreter, "-m", "venv", str(folder)], folder.parent)
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


def run(arguments: List[str], folder: Path) -> None:
    """Run a program that inherits nothing but what pip and the system need."""
    subprocess.run(
        arguments,
        cwd=folder,
        env=environment(folder),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def environment(folder: Path) -> Dict[str, str]:
    passed = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LANG", "PYENV_ROOT")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in passed
        or name.startswith(("PIP_", "SSL_"))
        or name.lower() in ("http_proxy", "https_proxy", "no_proxy")
    }
    cache = os.environ.get("PIP_CACHE_DIR") or str(Path.home() / ".cache" / "pip")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return {**kept, "HOME": str(home), "USERPROFILE": str(home), "PIP_CACHE_DIR": cache, "PYTHONNOUSERSITE": "1"}


if __name__ == "__main__":
    sys.exit(main())
