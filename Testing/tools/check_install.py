"""Install the project as others do and let each part of it do its smallest real job.

    python Testing/tools/check_install.py [--python 3.11]... [--part library]... [--skip-missing] [--keep]

An sdist is built from the repository and a wheel from the sdist. For each Python and part, the wheel with the part's
extra is installed into a new virtual environment, and the job runs in an empty folder with a new HOME and nothing of
the caller's environment. Without --python and --part, everything of WANTED is checked.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parents[2]
JOBS = Path(__file__).resolve().parent / "install_jobs"
STAND_IN = ROOT / "Testing" / "standin"
JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
SOURCES = ("SAMRegistration", "pyproject.toml", "README.md", "LICENSE.txt")
WANTED = {"3.9": ("library",), "3.11": ("library", "train", "host", "test"), "3.13": ("library", "train", "host")}
# Elsewhere the newest is taken. 2.8 is the last for Python 3.9; 2.13 is the one of the Makefile.
TORCH = {"3.9": "torch==2.8.0", "3.11": "torch==2.13.0"}
KEPT_VARIABLES = ("PIP_", "SSL_", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy", "LANG")
BUILD_SDIST = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
TESTS = ("test_dependencies.py", "test_sam_network.py")
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen", "VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}


class CheckError(Exception):
    """A step failed; the text is its command and the end of what it printed."""


class Place(NamedTuple):
    """A new virtual environment and an empty folder to work in.

    Attributes:
        python: its interpreter.
        folder: the current folder of all commands.
        environment: all variables that the commands see.
    """

    python: Path
    folder: Path
    environment: Dict[str, str]

    def run(self, *command) -> str:
        """Run a command; "python" is the interpreter, other names are looked for beside it. Its output."""
        program = shutil.which(str(command[0]), path=str(self.python.parent)) or str(command[0])
        line = [program, *map(str, command[1:])]
        done = subprocess.run(
            line,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            end = "\n".join(done.stdout.strip().splitlines()[-30:])
            raise CheckError(f"{' '.join(line)} ended with {done.returncode}:\n{end}")
        return done.stdout

    def install(self, *requirements) -> None:
        """Install packages by pip."""
        self.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)


def library(place: Place) -> None:
    """Register and segment a phantom."""
    place.run("python", "-I", JOBS / "phantom.py")
    given = ["--fixed-labels", "fixed_labels.nii.gz", "--moving-labels", "moving_labels.nii.gz"]
    options = ["-o", "result", "--preset", "balanced", "--no-refinement", "--device", "cpu"]
    place.run("sam-registration", "register", "fixed.nii.gz", "moving.nii.gz", *given, *options)
    place.run("sam-registration", "segment", "fixed.nii.gz", "--prompts", "prompts.json", "-o", "segmented.nii.gz")
    print("  " + place.run("python", "-I", JOBS / "verify.py").strip())


def train(place: Place) -> None:
    """Three steps of training on synthetic pairs, with curves for TensorBoard."""
    shutil.copy(JOBS / "training.toml", place.folder)
    place.run("sam-registration", "train", "training.toml")
    written = {path.name for path in (place.folder / "trained").rglob("*")}
    if not any(name.startswith("events.out.tfevents") for name in written):
        raise CheckError(f"no curves were written, only {sorted(written)}")


def host(place: Place) -> None:
    """The stand-in application, a package of its own, runs the test of another module and shows this module's panel."""
    package = place.folder.parent / "standin"
    shutil.copytree(STAND_IN, package, ignore=JUNK)
    place.install("--no-compile", package)
    place.run("python", "-I", "-m", "Host", STAND_IN / "tests" / "sample" / "HostSample.py", "--run-tests")
    place.run("python", "-I", JOBS / "panel.py", ROOT, "panel.png")


def test(place: Place) -> None:
    """Every test is collected, and some pass."""
    pytest = ["python", "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT]
    pytest += ["-c", ROOT / "pyproject.toml"]
    place.run(*pytest, "--collect-only", ROOT / "Testing")
    place.run(*pytest, *(ROOT / "Testing" / "unit" / name for name in TESTS))


PARTS = {
    "library": ("", library),
    "train": ("[train]", train),
    "host": ("", host),
    "test": ("[test,train,host]", test),
}


def main(arguments: Optional[List[str]] = None) -> int:
    """Check and print a table of seconds; 1 when something failed."""
    options = _options(arguments)
    work = Path(tempfile.mkdtemp(prefix="check-install-"))
    results: Dict[str, Dict[str, str]] = {}
    started = time.monotonic()
    try:
        for version in options.python or list(WANTED):
            results[version] = check_python(version, options, work)
    finally:
        if options.keep:
            print(f"Kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    print(table(results))
    print(f"check-install: {time.monotonic() - started:.0f} s")
    bad = {"failed"} if options.skip_missing else {"failed", "missing"}
    return 1 if any(cell in bad for row in results.values() for cell in row.values()) else 0


def check_python(version: str, options, work: Path) -> Dict[str, str]:
    """Outcome of each part with a version of Python: seconds, "failed", or "missing" where there is no interpreter."""
    parts = options.part or WANTED.get(version, ("library",))
    interpreter = find_python(version)
    if interpreter is None:
        print(f"Python {version} is not on this machine; install it, or leave it out with --skip-missing.")
        return dict.fromkeys(parts, "missing")
    outcome = {}
    try:
        wheel = build(interpreter, work)
    except CheckError as error:
        print(f"Python {version}: the wheel cannot be built. {error}")
        return dict.fromkeys(parts, "failed")
    for part in parts:
        started = time.monotonic()
        print(f"Python {version}, {part} ...", flush=True)
        try:
            check_part(part, version, interpreter, wheel, work / f"{version}-{part}")
            outcome[part] = f"{time.monotonic() - started:.0f} s"
        except CheckError as error:
            print(f"  failed: {error}")
            outcome[part] = "failed"
        if not options.keep:
            shutil.rmtree(work / f"{version}-{part}", ignore_errors=True)
    return outcome


def check_part(part: str, version: str, interpreter: Path, wheel: Path, folder: Path) -> None:
    """Install a part into a new environment and do its job.

    Raises:
        CheckError: it cannot be installed, or the job failed.
    """
    extra, job = PARTS[part]
    place = new_place(interpreter, folder)
    place.install("--no-compile", TORCH.get(version, "torch"), f"{wheel}{extra}")
    job(place)


def build(interpreter: Path, work: Path) -> Path:
    """The wheel, built from an sdist that is built from a copy of the repository's files; once for all Pythons."""
    built = sorted((work / "dist").glob("*.whl"))
    if built:
        return built[0]
    copy = work / "project"
    copy.mkdir()
    for name in SOURCES:
        source = ROOT / name
        shutil.copytree(source, copy / name, ignore=JUNK) if source.is_dir() else shutil.copy(source, copy / name)
    place = new_place(interpreter, work / "build")
    place.install("setuptools>=70.1")
    place._replace(folder=copy).run("python", "-c", BUILD_SDIST, work / "dist")
    (sdist,) = (work / "dist").glob("*.tar.gz")
    place.run(
        "python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", work / "dist", sdist
    )
    (wheel,) = (work / "dist").glob("*.whl")
    return wheel


def new_place(interpreter: Path, folder: Path) -> Place:
    """A new virtual environment, HOME and empty working folder in `folder`."""
    for name in ("home", "empty"):
        (folder / name).mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT_VARIABLES)}
    environment = {
        **kept,
        "PATH": os.pathsep.join([str(folder / "venv" / SCRIPTS), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder / "home"),
        "PYTHONNOUSERSITE": "1",
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR") or pip_cache(),
        **OFFSCREEN,
    }
    if os.name == "nt":
        environment.update({name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ})
    place = Place(folder / "venv" / SCRIPTS / "python", folder / "empty", environment)
    place.run(interpreter, "-m", "venv", folder / "venv")
    return place


def pip_cache() -> str:
    """The folder in which pip of the running Python keeps what it downloaded."""
    command = [sys.executable, "-m", "pip", "cache", "dir"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return done.stdout.strip() if done.returncode == 0 else str(Path.home() / ".cache" / "pip")


def find_python(version: str) -> Optional[Path]:
    """An interpreter of this version: the running one, one on the PATH, or one that pyenv installed."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return Path(sys.executable).resolve() if sys.prefix == sys.base_prefix else Path(sys._base_executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [*sorted(pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    for candidate in filter(None, candidates):
        probe = [str(candidate), "-c", "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(probe, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.stdout.strip() == version:
            return Path(candidate)
    return None


def table(results: Dict[str, Dict[str, str]]) -> str:
    """Parts in rows, Pythons in columns."""
    parts = [part for part in PARTS if any(part in row for row in results.values())]
    lines = [["part", *(f"Python {version}" for version in results)]]
    lines += [[part, *(row.get(part, "-") for row in results.values())] for part in parts]
    return "\n".join("".join(cell.ljust(16) for cell in line).rstrip() for line in lines)


def _options(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--python", action="append", metavar="3.11", help="version to check; may be repeated")
    parser.add_argument("--part", action="append", choices=PARTS, help="part to check; may be repeated")
    parser.add_argument("--skip-missing", action="store_true", help="a Python that is not there is no failure")
    parser.add_argument("--keep", action="store_true", help="keep the virtual environments and say where they are")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
