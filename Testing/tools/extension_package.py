"""The extension as its package would be, laid out by CMake with a stand-in for 3D Slicer's macros; nothing is built."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).resolve().parent / "slicer_cmake"
MODULES_FOLDER = "lib/Slicer-5.13/qt-scripted-modules"


class Package(NamedTuple):
    """An installed tree.

    Attributes:
        modules: folder of the scripted modules in the tree.
        listed: what the module's CMakeLists.txt names, as paths in `modules`, in its order.
        description: HOMEPAGE, CONTRIBUTORS and so on as the extension's CMakeLists.txt sets them, by lower case name.
        tests: names of the tests that CTest would run.
    """

    modules: Path
    listed: List[str]
    description: Dict[str, str]
    tests: List[str]


def program(name: str) -> str:
    """Path of `cmake` or `ctest`, of the Python package cmake where it is installed, else of the system.

    Raises:
        FileNotFoundError: there is none.
    """
    try:
        from cmake import CMAKE_BIN_DIR
    except ImportError:
        CMAKE_BIN_DIR = None
    found = shutil.which(name, path=CMAKE_BIN_DIR) or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"There is no {name}; install the Python package cmake (it is in the extra 'test').")
    return found


def lay_out(folder: Path, testing: bool = True, source: Path = ROOT) -> Package:
    """Configure the extension in `source` and install it into `folder`, which is made.

    Raises:
        subprocess.CalledProcessError: CMake refused; its message is in `stderr`.
    """
    build, tree = folder / "build", folder / "tree"
    initial = ["-C", str(STAND_IN / "no_compiler.cmake")]
    variables = [f"-DSlicer_DIR={STAND_IN.as_posix()}", f"-DBUILD_TESTING={'ON' if testing else 'OFF'}"]
    _run("cmake", "-S", str(source), "-B", str(build), *initial, *variables)
    _run("cmake", "--install", str(build), "--prefix", str(tree))
    description = next(tree.glob("share/*/*.s4ext")).read_text(encoding="utf-8")
    listed = (build / "modules.txt").read_text(encoding="utf-8").splitlines()
    tests = json.loads(_run("ctest", "--test-dir", str(build), "--show-only=json-v1"))["tests"]
    return Package(
        tree / MODULES_FOLDER,
        [line.split("/", 1)[1] for line in listed],
        dict(line.split(" ", 1) for line in description.splitlines()),
        [test["name"] for test in tests],
    )


def _run(name: str, *arguments: str) -> str:
    command = [program(name), *arguments]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
