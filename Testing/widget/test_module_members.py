"""The module's sources and .ui file use only what the record of the application has."""

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from Host import record

ROOT = Path(__file__).parents[2] / "SAMRegistration"
UI = ElementTree.parse(ROOT / "Resources" / "UI" / "SAMRegistration.ui").getroot()
LOGIC = sorted((ROOT / "SAMRegistrationLib" / "logic").glob("*.py"))
SELFTEST = ROOT / "SAMRegistrationLib" / "selftest.py"
SOURCES = [
    ROOT / "SAMRegistration.py",
    SELFTEST,
    *LOGIC,
    *sorted((ROOT / "SAMRegistrationLib" / "widget").glob("*.py")),
]
AT_LOADING = {"typing", "pathlib", "slicer", "vtk"}
UNRECORDED_QT = {
    "Qt", "QAbstractItemView", "QBrush", "QColor", "QColorDialog", "QIcon", "QKeySequence", "QPixmap",
}  # fmt: skip


def recorded_name(class_name):
    names = [f"{namespace}.{class_name}" for namespace in ("qt", "ctk", "slicer")]
    return next((name for name in names if record.has_class(name)), None)


WIDGETS = {element.get("name"): recorded_name(element.get("class")) for element in UI.iter("widget")}


def test_every_widget_class_of_the_ui_file_is_recorded():
    assert {
        element.get("class") for element in UI.iter("widget") if recorded_name(element.get("class")) is None
    } == set()


def test_every_property_of_the_ui_file_exists_in_the_application():
    wrong = [
        (element.get("name"), prop.get("name"))
        for element in UI.iter("widget")
        for prop in element.findall("property")
        if prop.get("stdset") != "0"
        and not (element.get("class") == "QLabel" and prop.get("name") == "buddy")  # known to Designer's loader alone
        and prop.get("name") not in record.complete(WIDGETS[element.get("name")]).properties
    ]
    assert wrong == []


def test_every_connection_of_the_ui_file_joins_a_signal_and_a_slot():
    for connection in UI.iter("connection"):
        sender, receiver = (WIDGETS[connection.findtext(tag)] for tag in ("sender", "receiver"))
        assert connection.findtext("signal") in record.complete(sender).signals
        assert connection.findtext("slot").split("(")[0] in record.allowed(receiver)


def test_every_parameter_of_the_ui_file_is_one_of_the_parameter_node():
    tree = ast.parse((ROOT / "SAMRegistration.py").read_text(encoding="utf-8"))
    node = next(n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "SAMRegistrationParameterNode")
    names = {statement.target.id for statement in node.body if isinstance(statement, ast.AnnAssign)}
    used = {p.findtext("string") for p in UI.iter("property") if p.get("name") == "SlicerParameterName"}
    assert used <= names
    assert used


def widget_of(node):
    """Name of the widget that an expression such as `self._ui.undoButton` names, None for anything else."""
    if not isinstance(node, ast.Attribute):
        return None
    owner = node.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return node.attr if name in ("ui", "_ui") else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_widgets_are_used_as_the_application_allows(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    wrong = []
    for node in ast.walk(tree):
        name = widget_of(node.value) if isinstance(node, ast.Attribute) else None
        if name is None:
            continue
        if name not in WIDGETS:
            wrong.append(f"{path.name}:{node.lineno} there is no widget {name}")
            continue
        members = record.complete(WIDGETS[name])
        if node.attr not in record.allowed(WIDGETS[name]):
            wrong.append(f"{path.name}:{node.lineno} {WIDGETS[name]} has no {node.attr}")
        elif id(node) in called and node.attr not in members.callables:
            wrong.append(f"{path.name}:{node.lineno} {WIDGETS[name]}.{node.attr} is not callable")
    assert wrong == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_qt_and_slicer_classes_and_application_members_are_recorded(path):
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in ("qt", "ctk"):
            known = record.has_class(f"{node.value.id}.{node.attr}") or node.attr in UNRECORDED_QT
            if not known:
                wrong.append(f"{path.name}:{node.lineno} {node.value.id}.{node.attr}")
        if ast.unparse(node.value) == "slicer.app" and node.attr not in record.allowed("slicer.app"):
            wrong.append(f"{path.name}:{node.lineno} slicer.app.{node.attr}")
        manager = ast.unparse(node.value) == "slicer.app.layoutManager()"
        if manager and node.attr not in record.allowed("slicer.app.layoutManager()"):
            wrong.append(f"{path.name}:{node.lineno} layoutManager().{node.attr}")
    assert wrong == []


@pytest.mark.parametrize("path", [ROOT / "SAMRegistration.py", *LOGIC], ids=lambda path: path.stem)
def test_loading_the_module_imports_nothing_but_the_application_and_its_logic(path):
    imported = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            imported |= {name.name.split(".")[0] for name in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            own = statement.level == 1 or statement.module.startswith("SAMRegistrationLib.logic.")
            imported |= set() if own else {statement.module.split(".")[0]}
    assert imported <= AT_LOADING
