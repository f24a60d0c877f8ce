"""The map in docs/architecture.md and the code agree: rooms, the direction of imports, folders."""

import ast
import fnmatch
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "SAMRegistrationLib"
LIBRARY = ROOT / "SAMRegistration" / PACKAGE
COMPUTING = {"segmentation", "metrics", "registration", "training", "report", "sequences", "batch"}
CALLERS = {"cli", "scene", "logic", "widget"}
APPLICATION = {"slicer", "vtk", "qt", "ctk"}
SECTIONS = re.split(r"^## ", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"), flags=re.MULTILINE)


def rows(title):
    """The rows of the table in a section of the map, as lists of cells; names without their marks."""
    section = next(text for text in SECTIONS if text.startswith(title))
    found = re.findall(r"^\| (`.*)\|$", section, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in row.split("|")] for row in found]


ROOMS = [row[0] for row in rows("Rooms")]


def modules():
    """Names of the Python modules of the library, as tuples, with their syntax trees."""
    for path in sorted(LIBRARY.rglob("*.py")):
        name = path.relative_to(LIBRARY).with_suffix("").parts
        if name != ("__init__",):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(name, tree):
    """Absolute names of all that a module imports, also within functions, as tuples."""
    package = (PACKAGE, *name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: -node.level] if node.level else ()
            base = (*start, *(node.module.split(".") if node.module else ()))
            yield from ((*base, alias.name) for alias in node.names)


def rooms_imported(name, tree):
    found = {imported[1] for imported in imports(name, tree) if imported[0] == PACKAGE and len(imported) > 1}
    return found - {"__version__", name[0]}


def test_the_map_names_every_room_once_and_no_other():
    there = {path.stem for path in LIBRARY.glob("*.py")} - {"__init__"}
    there |= {path.name for path in LIBRARY.iterdir() if path.is_dir() and list(path.glob("*.py"))}
    assert sorted(ROOMS) == sorted(there)


def test_a_room_imports_only_from_rooms_above_it():
    """Else move the room in the map, where the direction of its imports allows it, or turn the import around."""
    backward = {}
    for name, tree in modules():
        above = ROOMS[: ROOMS.index(name[0])] if name[0] in ROOMS else []
        backward["/".join(name)] = sorted(rooms_imported(name, tree) - set(above))
    assert {name: rooms for name, rooms in backward.items() if rooms} == {}


def long_work():
    """Public functions of the computing rooms that take a job, as (room, name)."""
    for name, tree in modules():
        for node in tree.body if name[0] in COMPUTING else []:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
                yield from [(name[0], node.name)] if "job" in arguments else []


def test_command_line_and_module_enter_long_work_by_the_engine_only():
    entries = set(long_work())
    assert {("registration", "register"), ("segmentation", "segment_structures")} <= entries
    around = {}
    for name, tree in modules():
        if name[0] in CALLERS:
            found = {(path[1], path[-1]) for path in imports(name, tree) if path[0] == PACKAGE and len(path) > 2}
            around["/".join(name)] = sorted(found & entries)
    assert {name: found for name, found in around.items() if found} == {}


def test_the_panel_goes_through_the_logic():
    """Besides it imports only words, errors, frames, devices and what runs threads and processes."""
    allowed = {"logic", "choices", "errors", "geometry", "environment", "background", "worker"}
    around = {
        "/".join(name): sorted(rooms_imported(name, tree) - allowed) for name, tree in modules() if name[0] == "widget"
    }
    assert {name: rooms for name, rooms in around.items() if rooms} == {}
    tree = ast.parse((ROOT / "SAMRegistration" / "SAMRegistration.py").read_text(encoding="utf-8"))
    used = {path[1] for path in imports((), tree) if path[0] == PACKAGE and len(path) > 1}
    assert used <= {"choices", "logic", "widget", "testing", "metrics"}  # the last two for the self-test


def test_only_the_rooms_that_the_map_says_import_the_application():
    found = {}
    for name, tree in modules():
        found.setdefault(name[0], set()).update({imported[0] for imported in imports(name, tree)} & APPLICATION)
    stated = {row[0]: set(filter(None, row[2].split(", "))) for row in rows("Rooms")}
    assert {room: names for room, names in found.items() if names} == {
        room: names for room, names in stated.items() if names
    }


def test_the_library_names_its_own_rooms_and_not_the_module():
    for name, tree in modules():
        assert "SAMRegistration" not in {imported[0] for imported in imports(name, tree)}, name


def test_the_stand_in_application_knows_nothing_of_the_module():
    for path in (ROOT / "Testing" / "standin").rglob("*.py"):
        assert "SAMRegistration" not in path.read_text(encoding="utf-8"), path


def test_the_map_has_a_line_for_every_folder_with_files_and_no_other():
    named = [row[0] for row in rows("Folders")]
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(folders())
    assert all(row[1] for row in rows("Folders"))


def folders():
    """Folders of the repository that hold files, as paths, without what Git ignores."""
    ignored = [line for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line]
    found, waiting = [], [ROOT]
    while waiting:
        folder = waiting.pop()
        children = [child for child in folder.iterdir() if not is_ignored(child, ignored)]
        waiting += [child for child in children if child.is_dir()]
        if any(child.is_file() for child in children):
            found.append(folder.relative_to(ROOT).as_posix())
    return found


def is_ignored(path, ignored):
    """Whether a path is Git's own or matches a pattern for folders in .gitignore."""
    at_the_top = path.parent == ROOT
    names = [pattern.strip("/") for pattern in ignored if at_the_top or not pattern.startswith("/")]
    return path.name == ".git" or any(fnmatch.fnmatch(path.name, name) for name in names)


def without_encoding(tree):
    """Lines of the calls that read or write text in the encoding that the system happens to have."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        mode = node.args[1] if len(node.args) > 1 else keywords.get("mode", ast.Constant("r"))
        of_text = {
            "read_text": not node.args,
            "write_text": len(node.args) == 1,
            "open": isinstance(node.func, ast.Name) and "b" not in str(getattr(mode, "value", "")),
            "run": "text" in keywords,
            "Popen": "text" in keywords,
        }
        if of_text.get(name) and not {"encoding", None} & set(keywords):
            yield node.lineno


def test_text_is_read_and_written_in_a_named_encoding():
    folders = ("SAMRegistration", "Testing", "Resources")
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    found = [(path.name, line) for path in paths for line in without_encoding(ast.parse(path.read_bytes()))]
    assert not found


def test_no_array_views_an_image_that_nobody_keeps():
    """SimpleITK's views hold no reference to their image: of a temporary one they show memory that is in use again."""
    wrong = []
    for path in [*LIBRARY.rglob("*.py"), *(ROOT / "Testing").rglob("*.py"), *(ROOT / "Resources").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            view = isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "GetArrayViewFromImage"
            if view and isinstance(node.args[0], ast.Call):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []
