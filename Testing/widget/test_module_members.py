"""The module's sources and .ui file use only what the record of the application has."""

import ast
import functools
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import SimpleITK as sitk
from Host import record

ROOT = Path(__file__).parents[2] / "SAMRegistration"
UI = ElementTree.parse(ROOT / "Resources" / "UI" / "SAMRegistration.ui").getroot()
LOGIC = sorted((ROOT / "SAMRegistrationLib" / "logic").glob("*.py"))
SOURCES = [
    ROOT / "SAMRegistration.py",
    *LOGIC,
    *(
        path
        for name in ("widget", "scene", "testing")
        for path in sorted((ROOT / "SAMRegistrationLib" / name).glob("*.py"))
    ),
]
AT_LOADING = {"typing", "pathlib", "dataclasses", "slicer", "vtk"}
UNRECORDED_QT = {
    "Qt", "QAbstractItemView", "QBrush", "QColor", "QColorDialog", "QHeaderView", "QIcon", "QKeySequence", "QPixmap",
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


GIVES = {  # what a method of a recorded object gives
    ("slicer.app", "layoutManager"): "slicer.app.layoutManager()",
    ("slicer.app.layoutManager()", "sliceWidget"): "sliceWidget",
    ("slicer.app.layoutManager()", "threeDWidget"): "threeDWidget",
    ("sliceWidget", "sliceView"): "sliceView",
    ("sliceWidget", "sliceController"): "sliceController",
    ("threeDWidget", "threeDView"): "threeDView",
    ("threeDWidget", "threeDController"): "threeDController",
}


class Objects(ast.NodeVisitor):
    """Finds which expressions of a source are objects of the application, through names, attributes and calls."""

    def __init__(self):
        self.names, self.attributes, self.wrong = {}, {}, []

    def kind(self, node):
        """The recorded name of the class of an expression; None where it is not known."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            created = ast.unparse(node.func)
            if record.has_class(created):
                return created
            return GIVES.get((self.kind(node.func.value), node.func.attr))
        if isinstance(node, ast.Attribute):
            widget = widget_of(node)
            if widget in WIDGETS:
                return WIDGETS[widget]
        return "slicer.app" if ast.unparse(node) == "slicer.app" else self.attributes.get(ast.unparse(node))

    def visit_ClassDef(self, node):
        self.attributes = {}
        for statement in ast.walk(node):
            if isinstance(statement, ast.Assign):
                for target, value in assigned(statement):
                    if isinstance(target, ast.Attribute):
                        self.attributes[ast.unparse(target)] = self.kind(value)
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.names = {}
        self.generic_visit(node)

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target, value in assigned(node):
            if isinstance(target, ast.Name):
                self.names[target.id] = self.kind(value)

    def visit_For(self, node):
        kinds = {self.kind(part) for part in getattr(node.iter, "elts", [])}
        if isinstance(node.target, ast.Name):
            self.names[node.target.id] = kinds.pop() if len(kinds) == 1 else None
        self.generic_visit(node)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            kind = self.kind(node.func.value)
            has = kind is not None and record.has_class(kind) and node.func.attr in record.allowed(kind)
            if has and node.func.attr not in record.complete(kind).callables:
                self.wrong.append(f"{node.lineno} {kind}.{node.func.attr} is not callable")
        self.generic_visit(node)

    def visit_Attribute(self, node):
        kind = self.kind(node.value)
        if kind is not None and node.attr not in record.allowed(kind):
            self.wrong.append(f"{node.lineno} {kind} has no {node.attr}")
        self.generic_visit(node)


def assigned(statement):
    """The pairs of target and value of an assignment, one for each name of `a, b = c, d`."""
    for target in statement.targets:
        if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
            yield from zip(target.elts, statement.value.elts)
        else:
            yield target, statement.value


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_members_of_the_application_its_layout_manager_and_views_are_recorded(path):
    objects = Objects()
    objects.visit(ast.parse(path.read_text(encoding="utf-8")))
    assert objects.wrong == []


def test_the_search_for_members_sees_what_the_application_lacks():
    objects = Objects()
    objects.visit(ast.parse("def f():\n    m = slicer.app.layoutManager()\n    m.sliceWidget('Red').sliceViews()"))
    assert objects.wrong == ["3 sliceWidget has no sliceViews"]


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("combo = self._ui.deviceCombo\n    combo.count()", "qt.QComboBox.count is not callable"),
        ("there, table = True, ui.structuresTable\n    table.setRows(1)", "qt.QTableWidget has no setRows"),
        ("timer = qt.QTimer()\n    timer.setEvery(1)", "qt.QTimer has no setEvery"),
        ("self._timer = qt.QTimer()\n    self._timer.interval()", "qt.QTimer.interval is not callable"),
        ("self._ui.fixedSelector.setNodeTypes([])", "slicer.qMRMLNodeComboBox has no setNodeTypes"),
    ],
)
def test_the_search_for_members_follows_names_and_attributes(code, wrong):
    objects = Objects()
    objects.visit(ast.parse(f"class A:\n  def f(self, ui):\n    {code}"))
    assert [entry.partition(" ")[2] for entry in objects.wrong] == [wrong]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_every_method_with_a_capital_exists_in_some_class_of_vtk_or_of_the_application(path, application):
    import vtk

    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and re.fullmatch("[A-Z][a-z]+[A-Z][A-Za-z0-9]*", node.attr):
            owner = ast.unparse(node.value)
            elsewhere = re.match(r"(qt|slicer\.util|unittest|tempfile)\b", owner) or re.fullmatch(
                "[A-Z][A-Za-z]+", owner
            )
            known = any(hasattr(kind, node.attr) for kind in (vtk, sitk, *vtk_classes(), *vars(sitk).values()))
            if not known and not elsewhere:
                wrong.append(f"{path.name}:{node.lineno} {owner}.{node.attr}")
    assert wrong == []


def test_whether_the_panel_is_entered_is_an_attribute_in_the_application_and_here(application):
    """Q_PROPERTY(bool isEntered READ isEntered) of qSlicerAbstractModuleWidget; a method would always be true."""
    from Host.modules import qSlicerScriptedLoadableModuleWidget

    assert isinstance(qSlicerScriptedLoadableModuleWidget.isEntered, property)
    assert "isEntered()" not in (ROOT / "SAMRegistration.py").read_text(encoding="utf-8")


@functools.cache
def vtk_classes():
    import slicer
    import vtk

    return tuple(
        value
        for namespace in (slicer, vtk)
        for name, value in vars(namespace).items()
        if name.startswith("vtk") and isinstance(value, type)
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_qt_and_slicer_classes_and_functions_are_recorded(path, application):
    import slicer

    functions = record.record()["functions"]["slicer.util"]
    modules = {name.lower() for name in record.record()["modules"]}
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        owner, name = ast.unparse(node.value), node.attr
        if owner in ("qt", "ctk"):
            known = record.has_class(f"{owner}.{name}") or name in UNRECORDED_QT
        elif owner == "slicer.util":
            known = name in functions
        elif owner == "slicer.modules":
            known = name in modules
        elif owner == "slicer" and name.startswith("q"):
            known = record.has_class(f"slicer.{name}")
        elif owner.startswith("slicer.vtk") and owner.count(".") == 1:
            known = hasattr(getattr(slicer, owner[len("slicer.") :]), name)
        else:
            known = not (owner == "slicer" and name.startswith("vtk")) or hasattr(slicer, name)
        if not known:
            wrong.append(f"{path.name}:{node.lineno} {owner}.{name}")
    assert wrong == []


def test_the_tab_order_reaches_every_widget_that_can_be_operated_from_top_to_bottom():
    operable = {
        "QPushButton", "QComboBox", "QCheckBox", "QSpinBox", "QTableWidget", "QPlainTextEdit", "qMRMLNodeComboBox",
        "ctkCollapsibleButton", "ctkSliderWidget", "ctkPathLineEdit",
    }  # fmt: skip
    there = [element.get("name") for element in UI.iter("widget") if element.get("class") in operable]
    assert [element.text for element in UI.iter("tabstop")] == there


def test_every_widget_that_can_be_operated_has_a_tooltip_and_every_field_a_label():
    silent = [
        element.get("name")
        for element in UI.iter("widget")
        if element.get("class").startswith(("QPush", "QCombo", "QCheck", "QSpin", "QTable", "QPlain", "qMRMLNode"))
        and not element.findall("property[@name='toolTip']")
    ]
    assert silent == []
    buddies = {prop.findtext("cstring") for prop in UI.iter("property") if prop.get("name") == "buddy"}
    fields = {e.get("name") for e in UI.iter("widget") if e.get("class") in ("qMRMLNodeComboBox", "ctkPathLineEdit")}
    assert fields <= buddies


def test_every_shortcut_is_told_by_the_tooltip_of_its_button():
    from SAMRegistrationLib.widget.click_panel import SHORTCUTS

    tips = {element.get("name"): element.findtext("property[@name='toolTip']/string") for element in UI.iter("widget")}
    assert [name for keys, name in SHORTCUTS if f"({keys})" not in tips[name]] == []


SLICER_KEYS = {
    "slice views": "F B G T V R S [ ] { } Up Down Left Right",  # vtkMRMLSliceIntersectionWidget, vtkSlicerMarkupsWidget
    "3D views": "R I S + - Up Down Left Right",  # vtkMRMLCameraWidget, vtkMRMLModelDisplayableManager
    "segment editor": "Q W I A X Space Esc Return / * , . < > + - = _",  # its keys beside numbers, undo (Z), redo (Y)
    "plots": "S R U",  # qMRMLPlotView
}


def test_no_shortcut_takes_a_key_of_the_views_or_of_the_segment_editor():
    from SAMRegistrationLib.widget.click_panel import SHORTCUTS

    keys = [key for key, _ in SHORTCUTS]
    assert len(set(keys)) == len(keys)
    assert {key for key in keys for taken in SLICER_KEYS.values() if key in taken.split()} == set()


TEXT_SETTERS = {
    "setText", "setToolTip", "setWindowTitle", "setTitle", "setPlaceholderText", "addItem", "addItems",
    "setHorizontalHeaderLabels", "appendPlainText",
}  # fmt: skip


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.stem}-{path.stem}")
def test_no_text_for_the_user_is_set_without_translation(path):
    """Letters in a literal that a widget gets directly; texts that went through _() are calls, not literals."""
    wrong = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXT_SETTERS):
            continue
        for argument in node.args:
            elements = argument.elts if isinstance(argument, (ast.List, ast.Tuple)) else [argument]
            literals = [part for part in elements if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            wrong += [f"{path.name}:{node.lineno} {part.value!r}" for part in literals if part.value.strip()]
    assert wrong == []


@pytest.mark.parametrize("path", [ROOT / "SAMRegistration.py", *LOGIC], ids=lambda path: path.stem)
def test_loading_the_module_imports_nothing_but_the_application_and_its_logic(path):
    imported = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            imported |= {name.name.split(".")[0] for name in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            module = statement.module.replace("SAMRegistrationLib.", "")
            own = statement.level == 1 or module.startswith("logic.") or module == "choices"
            imported |= set() if own else {statement.module.split(".")[0]}
    assert imported <= AT_LOADING
