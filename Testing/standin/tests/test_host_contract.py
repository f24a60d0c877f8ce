"""Every Qt class and every stand-in against the record of the application: nothing more, and nothing that differs."""

import inspect
import os

import pytest
from Host import record

QT_CLASSES = sorted(name for name in record.record()["classes"] if name.startswith("qt."))
# Virtual functions that C++ calls by name through Python, and spellings that PythonQt accepts beside the recorded one.
TOLERATED = {"exec_", "raise_", "print_", "name", "staticMetaObject", "emit"}


@pytest.fixture(autouse=True)
def an_empty_scene(application):
    """Nothing here touches the scene: no need to clear it for each test."""


def stand_in_classes():
    from Host import widgets

    return {cls._stands_for: cls for cls in widgets.classes() if cls.__module__.startswith("Host.widgets.")}


def offered(instance):
    """The public names that can be read from an object, enumerations apart (Qt 6 has more of those)."""
    names = set()
    for name in dir(type(instance)):
        value = inspect.getattr_static(type(instance), name)
        if name.startswith("_") or isinstance(value, type) or name in TOLERATED:
            continue
        if hasattr(instance, name):
            names.add(name)
    return names


@pytest.fixture
def make(application):
    import qt

    owner = qt.QWidget()

    def make(name):
        cls = getattr(qt, name.partition(".")[2])
        return cls(owner) if cls in (qt.QShortcut, qt.QAction) else cls()

    yield make
    owner.delete()


@pytest.mark.parametrize("name", QT_CLASSES)
def test_a_qt_class_offers_nothing_that_the_application_lacks(make, name):
    from Host.qtshim.objects import VIRTUAL

    assert sorted(offered(make(name)) - record.allowed(name) - set(VIRTUAL.split())) == []


@pytest.mark.parametrize("name", QT_CLASSES)
def test_the_recorded_properties_of_a_qt_class_are_attributes_and_not_callable(make, name):
    instance = make(name)
    callable_properties = [key for key in record.complete(name).properties if callable(getattr(instance, key, None))]
    assert callable_properties == []


@pytest.mark.parametrize("name", QT_CLASSES)
def test_what_is_called_in_the_application_is_callable_in_a_qt_class(make, name):
    instance, members = make(name), record.complete(name)
    methods = members.callables - set(members.properties)
    assert [key for key in sorted(methods) if hasattr(instance, key) and not callable(getattr(instance, key))] == []


# What Qt 6 removed: nothing can stand for it, so a module that must run here does without.
GONE_IN_QT6 = {
    "qt.QComboBox": {"autoCompletion", "autoCompletionCaseSensitivity"},
    "qt.QFileDialog": {"confirmOverwrite", "nameFilterDetailsVisible", "readOnly", "resolveSymlinks"},
    "qt.QLayout": {"margin"},
    "qt.QPlainTextEdit": {"tabStopWidth"},
    "qt.QTextEdit": {"tabStopWidth"},
}
SIGNALS_NOT_COVERED = {
    "qt.QTextBrowser": {"highlighted(QString)"},
    "slicer.qMRMLTableView": {"selectionChanged()"},  # a virtual function of that name is called by Qt itself
    "qt.QProcess": {"finished(int,QProcess::ExitStatus)"},
}


@pytest.mark.parametrize("name", QT_CLASSES)
def test_every_recorded_property_of_a_qt_class_can_be_read(make, name):
    instance = make(name)
    gone = set().union(*(names for owner, names in GONE_IN_QT6.items() if is_a(instance, owner)))
    missing = [key for key in record.complete(name).properties if not hasattr(instance, key)]
    assert sorted(set(missing) - gone) == []


def is_a(instance, name):
    import qt

    return isinstance(instance, getattr(qt, name.partition(".")[2]))


@pytest.mark.parametrize("name", [name for name in QT_CLASSES if record.complete(name).signals])
def test_every_recorded_signal_of_a_qt_class_can_be_connected_by_name(make, name):
    instance = make(name)
    missing = {s for s in record.complete(name).signals if not instance.connect(s, lambda *_: None)}
    assert missing == SIGNALS_NOT_COVERED.get(name, set())


def test_every_stand_in_of_a_widget_says_what_it_stands_for(application):
    unknown = [name for name in stand_in_classes() if not record.has_class(name)]
    assert unknown == []
    assert len(stand_in_classes()) >= 25


def each_stand_in():
    return [
        "ctk.ctkCheckBox",
        "ctk.ctkCheckablePushButton",
        "ctk.ctkCollapsibleButton",
        "ctk.ctkCollapsibleGroupBox",
        "ctk.ctkColorPickerButton",
        "ctk.ctkComboBox",
        "ctk.ctkDirectoryButton",
        "ctk.ctkDoubleSlider",
        "ctk.ctkDoubleSpinBox",
        "ctk.ctkMenuButton",
        "ctk.ctkMessageBox",
        "ctk.ctkPathLineEdit",
        "ctk.ctkPushButton",
        "ctk.ctkRangeWidget",
        "ctk.ctkSliderWidget",
        "slicer.qMRMLCollapsibleButton",
        "slicer.qMRMLNodeComboBox",
        "slicer.qMRMLRangeWidget",
        "slicer.qMRMLSegmentSelectorWidget",
        "slicer.qMRMLSegmentsTableView",
        "slicer.qMRMLSliderWidget",
        "slicer.qMRMLSpinBox",
        "slicer.qMRMLTableView",
        "slicer.qMRMLWidget",
        "slicer.qSlicerMarkupsPlaceWidget",
        "slicer.qSlicerSimpleMarkupsWidget",
        "slicer.qSlicerTerminologyNavigatorWidget",
        "slicer.qSlicerWidget",
    ]


def test_the_list_of_stand_ins_tested_here_is_complete(application):
    assert sorted(name for name in stand_in_classes()) == each_stand_in()


@pytest.mark.parametrize("name", each_stand_in())
def test_a_stand_in_offers_nothing_that_the_application_lacks(application, name):
    from Host.qtshim.objects import VIRTUAL

    instance = stand_in_classes()[name]()
    assert sorted(offered(instance) - record.allowed(name) - set(VIRTUAL.split())) == []


@pytest.mark.parametrize("name", each_stand_in())
def test_the_properties_of_a_stand_in_are_properties_and_its_methods_are_callable(application, name):
    instance, members = stand_in_classes()[name](), record.complete(name)
    for key in offered(instance) & set(members.properties):
        assert not callable(getattr(instance, key)), f"{key} is a property in the application"
    for key in offered(instance) & (members.callables - set(members.properties)):
        assert callable(getattr(instance, key)), f"{key} is called in the application"


@pytest.mark.parametrize("name", each_stand_in())
def test_the_signals_of_a_stand_in_can_be_connected_by_their_recorded_signature(application, name):
    instance = stand_in_classes()[name]()
    for signal in record.complete(name).signals:
        if signal.split("(")[0] in offered(instance) and signal not in SIGNALS_NOT_COVERED.get(name, ()):
            assert instance.connect(signal, lambda *_: None), signal


@pytest.mark.parametrize("name", each_stand_in())
def test_what_a_stand_in_does_not_cover_is_said_in_a_sentence(application, name):
    instance = stand_in_classes()[name]()
    for key in (record.allowed(name) - offered(instance)) - record.complete(name).attributes:
        with pytest.raises(AttributeError, match=r"exists in 3D Slicer|in 3D Slicer"):
            getattr(instance, key)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = instance.nonsense


SETTABLE = {"double": 3.5, "int": 3, "bool": False, "QString": "text", "QStringList": ["a", "b"]}
FOLDERS = {("ctk.ctkDirectoryButton", "directory")}  # come back as absolute paths
UNSET = {
    # Without a scene, a list or a node there is nothing to hold the value.
    "slicer.qMRMLNodeComboBox": {"currentNodeID", "currentNodeId", "baseName"},
    "ctk.ctkComboBox": {"currentIndex", "currentText", "currentUserDataAsString"},
    "slicer.qSlicerMarkupsPlaceWidget": {"placeModeEnabled", "placeModePersistency", "currentNodeActive"},
    "ctk.ctkColorPickerButton": {"colorName"},
}


@pytest.mark.parametrize("name", each_stand_in())
def test_an_assigned_property_of_a_stand_in_comes_back_by_attribute_and_by_property(application, name):
    instance, own = stand_in_classes()[name](), record.recorded(name)
    for key, kind in own.properties.items():
        value = inspect.getattr_static(type(instance), key, None)
        writable = type(value).__name__ == "Property" and value.fset is not None
        if not writable or kind not in SETTABLE or key in UNSET.get(name, ()):
            continue
        setattr(instance, key, SETTABLE[kind])
        expected = os.path.abspath(SETTABLE[kind]) if (name, key) in FOLDERS else SETTABLE[kind]
        assert getattr(instance, key) == expected, key
        assert instance.property(key) == expected, key
        assert instance.setProperty(key, SETTABLE[kind]), key


def parameters_of(signature):
    return [part.split(":")[0].split("=")[0].strip() for part in split_arguments(signature) if part.strip() != "*"]


def split_arguments(signature):
    """Arguments of a recorded signature such as "(self, path: 'str | Path' = None) -> 'x'", split at its commas."""
    depth, parts, current = 0, [], ""
    for character in signature[1:]:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            if depth == 0:
                break
            depth -= 1
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part.strip()]


@pytest.mark.parametrize("part", ["slicer.ScriptedLoadableModule"])
def test_the_module_base_classes_have_the_recorded_methods_with_the_recorded_arguments(application, part):
    import slicer

    for class_name, members in record.record()["functions"][part].items():
        cls = getattr(slicer.ScriptedLoadableModule, class_name)
        for name, signature in members.items():
            if signature.startswith("(") and not name.startswith("_class"):
                ours = list(inspect.signature(getattr(cls, name)).parameters)
                assert ours == [argument.lstrip("*") for argument in parameters_of(signature)], f"{class_name}.{name}"
        extra = {n for n in vars(cls) if not n.startswith("_")} - set(members)
        assert extra == set(), class_name


@pytest.mark.parametrize("part", ["slicer.i18n", "slicer.packaging"])
def test_the_functions_of_a_pure_python_part_take_the_recorded_arguments(application, part):
    import importlib

    module = importlib.import_module(part)
    for name, signature in record.record()["functions"][part].items():
        if name in {"canonicalize_name", "default_environment"}:  # of the library `packaging`, only passed through
            continue
        assert list(inspect.signature(getattr(module, name)).parameters) == [
            argument.lstrip("*") for argument in parameters_of(signature)
        ], name


def test_the_parameter_node_package_has_no_name_that_the_application_lacks(application):
    import slicer.parameterNodeWrapper as package

    recorded = set(record.record()["functions"]["slicer.parameterNodeWrapper"])
    assert set(package.__all__) - recorded == {
        "SlicerParameterNamePropertyName"
    }  # a constant: the record has callables


def test_a_record_entry_is_the_reduction_of_what_the_application_printed():
    members = record.complete("ctk.ctkSliderWidget")
    assert members.properties["maximum"] == "double"
    assert "setValue" in members.callables
    assert "setMaximum" not in members.callables
    assert "isVisible" in members.callables
    assert "valueChanged(double)" in members.signals
