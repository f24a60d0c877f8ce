"""Whatever a part of the project imports, pyproject.toml asks for in that part."""

import ast
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Set

import pytest
from SAMRegistrationLib import environment

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = "SAMRegistration/SAMRegistrationLib"

# Module: the distribution that brings it.
DISTRIBUTIONS = {
    "PIL": "Pillow",
    "PySide6": "PySide6-Essentials",
    "SimpleITK": "SimpleITK",
    "ants": "antspyx",
    "cmake": "cmake",
    "coverage": "coverage",
    "fsl": "fslpy",
    "highdicom": "highdicom",
    "itk": "itk-elastix",
    "jinja2": "Jinja2",
    "jsonschema": "jsonschema",
    "matplotlib": "matplotlib",
    "monai": "monai",
    "nibabel": "nibabel",
    "nrrd": "pynrrd",
    "numpy": "numpy",
    "packaging": "packaging",
    "pip": "pip",
    "pydicom": "pydicom",
    "pytest": "pytest",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "segment_anything": "segment-anything",
    "setuptools": "setuptools",
    "shiboken6": "shiboken6",
    "slicer": "slicer-core",
    "tensorboard": "tensorboard",
    "tomli": "tomli",
    "torch": "torch",
    "vtk": "vtk",
    "vtkmodules": "vtk",
    "yaml": "PyYAML",
}
# Part of torch that needs another distribution.
WITHIN_TORCH = {"torch.utils.tensorboard": "tensorboard"}
# What 3D Slicer gives to modules that run in it.
OF_THE_APPLICATION = {"slicer", "qt", "ctk", "vtk", "SampleData", "PyTorchUtils"}
# What the stand-in for 3D Slicer gives under the names that the application uses.
OF_THE_STAND_IN = {"qt", "ctk", "SampleData"}
# Packages that are used where the user has installed them, which no part asks for.
OF_THE_USER = {"sam2", "nnInteractive"}
# Other programs of the comparison, in an environment of their own: Testing/bench/peers.txt.
PEERS = {"picsl_greedy": "picsl-greedy", "itk": "itk-elastix", "convexAdam": "convexAdam", "ants": "antspyx"}


class Part(NamedTuple):
    """Files, the extras that they are installed with, and the modules that whoever runs them provides.

    Attributes:
        paths: files and folders, relative to the repository.
        but: those of them that belong to another part.
        extras: of pyproject.toml; "" stands for the dependencies that are always installed.
        provided: top-level modules.
    """

    paths: tuple
    extras: tuple
    but: tuple = ()
    provided: frozenset = frozenset()


EXPORT = f"{LIBRARY}/export"
ROUND_TRIPS = ("Testing/unit/test_export_readers.py",)
MODULE_ROOMS = tuple(f"{LIBRARY}/{name}" for name in ("logic", "scene", "widget", "testing"))
HOST = "Testing/standin"
FIXTURES = f"{HOST}/src/Host/fixtures.py"
TRAINING_ROOMS = tuple(f"{LIBRARY}/{name}" for name in ("training", "cli/train.py", "cli/train_sam.py"))
PARTS = {
    "library and command line": Part(
        (LIBRARY,), ("",), (*MODULE_ROOMS, *TRAINING_ROOMS, EXPORT), frozenset(OF_THE_USER)
    ),
    "export": Part((EXPORT,), ("", "export")),
    "round trips": Part(ROUND_TRIPS, ("", "test", "export", "readers")),
    "report": Part((f"{LIBRARY}/report",), ("",)),
    "training": Part((*TRAINING_ROOMS, "Resources/Training"), ("", "train")),
    "module": Part((*MODULE_ROOMS, "SAMRegistration/SAMRegistration.py"), ("",), (), frozenset(OF_THE_APPLICATION)),
    "host": Part((f"{HOST}/src", f"{HOST}/tools"), ("standin",), (FIXTURES,), frozenset(OF_THE_STAND_IN)),
    "tests of the host": Part(
        (f"{HOST}/tests", FIXTURES), ("standin", "standin:test"), (f"{HOST}/tests/sample",), frozenset(OF_THE_STAND_IN)
    ),
    "sample data": Part(("Resources/SampleData", "Resources/Icon"), ("",), ("Resources/SampleData/show_module.py",)),
    "shown module": Part(("Resources/SampleData/show_module.py",), ("", "host")),
    "tools": Part(("Testing/tools",), ("", "host", "test"), (), frozenset({"qt"})),
    "bench": Part(
        ("Testing/bench",), ("", "host", "test", "bench"), ("Testing/bench/peers.py",), frozenset(OF_THE_STAND_IN)
    ),
    "tests": Part(
        ("Testing/unit", "Testing/property", "Testing/scene", "Testing/widget", "Testing/gpu", "Testing/cases"),
        ("", "train", "host", "test"),
        ROUND_TRIPS,
        frozenset(OF_THE_STAND_IN | OF_THE_USER | {"highdicom"}),
    ),
}


def declared() -> Dict[str, Dict[str, str]]:
    """Extra: distribution in lower case: what is asked for; those of the stand-in as "standin" and "standin:EXTRA"."""
    host = declared_in(ROOT / HOST / "pyproject.toml")
    return {
        **declared_in(ROOT / "pyproject.toml"),
        **{f"standin:{extra}" if extra else "standin": entries for extra, entries in host.items()},
    }


def declared_in(path: Path) -> Dict[str, Dict[str, str]]:
    """Extra: distribution in lower case: what is asked for; read without tomllib, which Python 3.9 lacks."""
    text = re.sub(r"^\s*#.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    extras = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    lists = {"": re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL).group(1)}
    lists.update(re.findall(r"^(\w+) = \[((?:\"[^\"]*\"|[^\]])*)\]", extras, re.MULTILINE))
    return {
        extra: {re.match(r"[\w.-]+", entry).group().lower(): entry for entry in re.findall(r'"([^"]+)"', entries)}
        for extra, entries in lists.items()
    }


def files_of(part: Part) -> Iterator[Path]:
    """The scripts of a part."""
    without = [ROOT / path for path in part.but]
    for path in (ROOT / path for path in part.paths):
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.exists() else []:
            if not any(file == other or other in file.parents for other in without):
                yield file


def imported_by(source: str) -> Set[str]:
    """Full names of the modules that a script imports anywhere, relative imports left out."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "importorskip", "__import__") and isinstance(node.args[0].value, str):
                names.add(node.args[0].value)
    return {name for name in names if name and not name.startswith(".")}


def own_modules() -> Set[str]:
    """Top-level names that the repository itself has, as scripts or folders on the path."""
    folders = [ROOT / name for name in ("SAMRegistration", "Testing", f"{HOST}/src")]
    folders += [folder for top in ("Testing", "Resources") for folder in (ROOT / top).iterdir() if folder.is_dir()]
    return {path.stem for folder in folders for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}


def standard_library() -> Set[str]:
    """Its top-level modules."""
    names = getattr(sys, "stdlib_module_names", None)
    if names is None:
        pytest.skip("this Python does not list its standard library (3.10 and later do)")
    return {*names, "tomllib"}


def undeclared(part: Part, asked: Dict[str, Dict[str, str]]) -> Dict[str, Set[str]]:
    """Distribution or unknown module: the files that import it although the part does not ask for it."""
    known = standard_library() | own_modules() | part.provided
    available = {name for extra in part.extras for name in asked[extra]}
    found: Dict[str, Set[str]] = {}
    for file in files_of(part):
        for module in imported_by(file.read_text(encoding="utf-8")):
            top = module.split(".")[0]
            needed = [WITHIN_TORCH[module]] if module in WITHIN_TORCH else []
            if top not in known:
                needed.append(DISTRIBUTIONS.get(top, top))
            for name in needed:
                if name.lower() not in available:
                    found.setdefault(name, set()).add(file.relative_to(ROOT).as_posix())
    return found


@pytest.mark.parametrize("name", PARTS)
def test_every_import_of_a_part_is_declared_for_it(name):
    assert undeclared(PARTS[name], declared()) == {}


@pytest.mark.parametrize(
    ("extra", "distribution", "part"),
    [
        ("", "pillow", "report"),
        ("", "jinja2", "report"),
        ("", "safetensors", "library and command line"),
        ("", "tomli", "training"),
        ("train", "tensorboard", "training"),
        ("standin", "vtk", "host"),
        ("standin", "shiboken6", "host"),
        ("standin:test", "simpleitk", "tests of the host"),
        ("host", "slicer-core", "shown module"),
        ("test", "scipy", "tests"),
        ("bench", "matplotlib", "bench"),
    ],
)
def test_a_dependency_that_is_dropped_is_missed(extra, distribution, part):
    asked = declared()
    del asked[extra][distribution]
    assert distribution in {name.lower() for name in undeclared(PARTS[part], asked)}


def test_imports_within_functions_and_by_name_are_seen():
    source = "def f():\n    import PIL.Image\n    importlib.import_module('scipy')\nfrom . import x\nimport a.b\n"
    assert imported_by(source) == {"PIL.Image", "scipy", "a.b"}


def test_every_script_of_the_project_belongs_to_a_part():
    covered = {file for part in PARTS.values() for file in files_of(part)}
    covered |= {ROOT / "Testing/bench/peers.py", *(ROOT / HOST / "tests/sample").glob("*.py")}
    there = {file for top in ("SAMRegistration", "Testing", "Resources") for file in (ROOT / top).rglob("*.py")}
    assert {file for file in there - covered if file.parent != ROOT / "Testing"} == set()


def test_the_stand_in_application_asks_for_what_the_extra_host_asks_for():
    asked = declared()
    both = [{name: asked[extra][name] for name in set(asked[extra]) - set(asked[""])} for extra in ("standin", "host")]
    assert both[0] == both[1]


def test_tomli_is_asked_for_only_where_python_has_none():
    assert declared()[""]["tomli"].endswith("python_version < '3.11'")


def test_the_programs_of_the_comparison_are_in_their_own_list():
    listed = {
        re.split("[=>]=", line)[0] for line in (ROOT / "Testing/bench/peers.txt").read_text(encoding="utf-8").split()
    }
    imports = {
        name.split(".")[0] for name in imported_by((ROOT / "Testing/bench/peers.py").read_text(encoding="utf-8"))
    }
    brought = {PEERS.get(name, DISTRIBUTIONS.get(name, name)) for name in imports - standard_library() - own_modules()}
    assert brought <= listed


def test_the_module_looks_for_the_packages_that_the_library_declares():
    asked = declared()[""]
    looked_for = {name.lower(): oldest for name, _, oldest in environment._NEEDED}
    assert set(asked) - {"tomli"} == set(looked_for) - {"tomli"}
    for name, oldest in looked_for.items():
        assert f">={oldest}" in asked[name]
    for name, module, _ in environment._NEEDED:
        assert DISTRIBUTIONS[module] == name
