"""parameterNodeWrapper: stored as the application stores it, and connected to widgets as there.

The expected texts were printed by 3D Slicer 5.13 for the same class and the same assignments.
"""

import enum
import pathlib
from typing import Annotated, Dict, List, Optional, Tuple, Union

import pytest

STORED_BY_THE_APPLICATION = {
    "d.0.0": "k",
    "d.0.1": "2",
    "d.len": "1",
    "device": "CPU",
    "fixedVolume": "",
    "flag": "True",
    "n": "3",
    "names.0": "a",
    "names.1": "b,c",
    "names.len": "2",
    "opt.0": "1.5",
    "pack.a": "7",
    "pack.b": "q",
    "path": "x/y",
    "preset": "balanced",
    "segs.0": "",
    "segs.len": "1",
    "spacing": "20",
}
MEMBERS_IN_THE_APPLICATION = (
    "AddObserver EndModify Modified RemoveObserver StartModify allParameters connectGui connectParametersToGui d "
    "dataType default device disconnectGui fixedVolume flag getValue isCached n names opt pack parameterNode path "
    "preset segs setValue spacing"
)


class Device(enum.Enum):
    AUTO = "auto"
    CPU = "cpu"


@pytest.fixture
def parameters(application):
    """The class of the record, as a namespace: PN, Pack and a fresh node."""
    import types

    import slicer
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper, parameterPack

    @parameterPack
    class Pack:
        a: int = 1
        b: str = "q"

    @parameterNodeWrapper
    class PN:
        fixedVolume: slicer.vtkMRMLScalarVolumeNode
        segs: List[slicer.vtkMRMLSegmentationNode]
        preset: Annotated[str, Choice(["fast", "balanced"])] = "balanced"
        device: Device = Device.AUTO
        spacing: Annotated[float, WithinRange(1, 50), Default(15)]
        n: int = 3
        flag: bool = True
        path: pathlib.Path
        names: List[str]
        pack: Pack
        d: Dict[str, int]
        opt: Optional[float] = None

    return types.SimpleNamespace(PN=PN, Pack=Pack)


@pytest.fixture
def node(application):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "Parameters")


def add(kind, name=""):
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def texts(node):
    return {name: node.GetParameter(name) for name in node.GetParameterNames()}


def fill(p):
    p.fixedVolume = add("vtkMRMLScalarVolumeNode", "V1")
    p.segs = [add("vtkMRMLSegmentationNode")]
    p.device = Device.CPU
    p.spacing = 20
    p.path = pathlib.Path("x/y")
    p.names = ["a", "b,c"]
    p.pack.a = 7
    p.d = {"k": 2}
    p.opt = 1.5


def test_values_are_stored_as_the_application_stores_them(parameters, node):
    p = parameters.PN(node)
    fill(p)
    assert texts(node) == STORED_BY_THE_APPLICATION
    assert node.GetNodeReferenceID("fixedVolume") == p.fixedVolume.GetID()
    assert node.GetNodeReferenceID("segs.0") == p.segs[0].GetID()


def test_a_fresh_node_has_the_defaults_that_the_application_printed(parameters, node):
    p = parameters.PN(node)
    assert (p.fixedVolume, list(p.segs), p.preset, p.device) == (None, [], "balanced", Device.AUTO)
    assert (p.spacing, p.n, p.flag, p.path) == (15.0, 3, True, pathlib.Path("."))
    assert (list(p.names), p.opt, dict(p.d), p.pack) == ([], None, {}, parameters.Pack(1, "q"))
    assert isinstance(p.spacing, float)


def test_what_the_application_stored_is_read_back(parameters, node):
    for name, text in STORED_BY_THE_APPLICATION.items():
        node.SetParameter(name, text)
    p = parameters.PN(node)
    assert (p.device, p.spacing, p.opt, p.path) == (Device.CPU, 20.0, 1.5, pathlib.Path("x/y"))
    assert (list(p.names), dict(p.d), p.pack.a, p.pack.b) == (["a", "b,c"], {"k": 2}, 7, "q")


def test_the_wrapper_has_the_public_members_that_the_application_lists(parameters, node):
    assert [name for name in dir(parameters.PN(node)) if not name.startswith("_")] == MEMBERS_IN_THE_APPLICATION.split()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("spacing", 99, r"Value must be within range \[1, 50\], is 99"),
        ("preset", "slow", r"Value is slow, but must be in one of the following: \['fast', 'balanced'\]"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_the_applications_words(parameters, node, name, value, sentence):
    p = parameters.PN(node)
    before = texts(node)
    with pytest.raises(ValueError, match=sentence):
        setattr(p, name, value)
    assert texts(node) == before


@pytest.mark.parametrize(("name", "value"), [("n", "three"), ("n", 2.5), ("fixedVolume", "V1"), ("flag", 1)])
def test_a_value_of_another_type_is_refused(parameters, node, name, value):
    p = parameters.PN(node)
    with pytest.raises((TypeError, ValueError)):
        setattr(p, name, value)


def test_a_change_is_told_once_and_the_same_value_again_is_not(parameters, node):
    p, events = parameters.PN(node), []
    node.AddObserver("ModifiedEvent", lambda *_: events.append(1))
    p.n = 5
    assert len(events) == 1
    p.n = 5
    assert len(events) == 1
    p.names = ["a", "b", "c"]
    assert len(events) == 2


def test_a_removed_node_reads_as_none(parameters, node):
    import slicer

    p = parameters.PN(node)
    p.fixedVolume = add("vtkMRMLScalarVolumeNode")
    slicer.mrmlScene.RemoveNode(p.fixedVolume)
    assert p.fixedVolume is None


def test_a_change_of_a_list_a_dict_or_a_pack_is_a_change_of_the_node(parameters, node):
    p = parameters.PN(node)
    p.names = ["a", "b", "c"]
    names = p.names
    names.append("d")
    del names[0]
    names[0] = "B"
    assert texts(node)["names.0"] == "B"
    assert [texts(node)["names.len"], "names.3" in texts(node)] == ["3", False]
    p.d["x"] = 4
    p.d.pop("x")
    p.d["y"] = 5
    assert dict(parameters.PN(node).d) == {"y": 5}
    p.setValue("pack.b", "new")
    assert (texts(node)["pack.b"], p.getValue("pack.b")) == ("new", "new")


def test_a_refused_change_of_a_list_or_a_pack_changes_nothing(parameters, node):
    p = parameters.PN(node)
    p.names = ["a"]
    names, pack = p.names, p.pack
    with pytest.raises(TypeError):
        names.append(3)
    with pytest.raises(TypeError):
        pack.a = "seven"
    assert (list(names), list(p.names), pack.a, p.pack.a) == (["a"], ["a"], 1, 1)


def test_an_optional_value_goes_back_to_none(parameters, node):
    p = parameters.PN(node)
    assert texts(node)["opt.1"] == "True"
    p.opt = 2.0
    assert "opt.1" not in texts(node)
    p.opt = None
    assert (p.opt, "opt.0" in texts(node)) == (None, False)


def test_unions_tuples_and_nested_lists_keep_their_types(application, node):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Nested:
        either: Union[int, str] = 1
        pair: Tuple[int, str] = (1, "a")
        matrix: List[List[float]]

    p = Nested(node)
    p.either = "text"
    p.pair = (2, "b")
    p.matrix = [[1.5], [2.5, 3.5]]
    p.matrix[1][0] = 9.5
    again = Nested(node)
    assert (again.either, again.pair) == ("text", (2, "b"))
    assert [list(row) for row in again.matrix] == [[1.5], [9.5, 3.5]]


def test_a_reserved_or_unknown_type_is_refused_when_the_class_is_made(application):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(ValueError, match="reserved name 'setValue'"):

        @parameterNodeWrapper
        class Reserved:
            setValue: int

    with pytest.raises(TypeError, match="serializer"):

        @parameterNodeWrapper
        class Unknown:
            x: complex


def test_parameters_survive_a_saved_scene_that_is_closed_and_loaded_again(parameters, node, tmp_path):
    import slicer

    node.SetSingletonTag("HostTest")
    fill(parameters.PN(node))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    loaded = parameters.PN(slicer.mrmlScene.GetSingletonNode("HostTest", "vtkMRMLScriptedModuleNode"))
    assert texts(loaded.parameterNode) == STORED_BY_THE_APPLICATION
    assert loaded.fixedVolume.GetName() == "V1"
    assert loaded.segs[0].IsA("vtkMRMLSegmentationNode")


# Values that the wrapper remembers


def test_a_wrapper_kept_over_a_closed_scene_misses_the_loaded_nodes_and_a_new_one_gives_them(parameters, tmp_path):
    import slicer

    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
    node.UnRegister(None)
    node.SetSingletonTag("HostTestKept")
    node = slicer.mrmlScene.AddNode(node)
    kept = parameters.PN(node)
    fill(kept)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    assert kept.fixedVolume is None
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert slicer.mrmlScene.GetSingletonNode("HostTestKept", "vtkMRMLScriptedModuleNode") is node
    assert node.GetNodeReference("fixedVolume").GetName() == "V1"
    assert (kept.fixedVolume, kept.spacing, kept.device) == (None, 20.0, Device.CPU)
    assert parameters.PN(node).fixedVolume.GetName() == "V1"
    node.Modified()
    assert kept.fixedVolume.GetName() == "V1"


def test_a_value_is_read_when_the_wrapper_is_made_and_at_each_modified_event_and_not_in_between(parameters, node):
    p = parameters.PN(node)
    assert all(p.isCached(name) for name in p.allParameters)
    blocked = node.StartModify()
    node.SetParameter("n", "8")
    assert (p.n, parameters.PN(node).n) == (3, 8)
    node.EndModify(blocked)
    assert p.n == 8


def test_a_value_written_is_known_to_the_wrapper_before_observers_are_told_of_it(parameters, node):
    p, seen = None, []
    node.AddObserver("ModifiedEvent", lambda *_: p and seen.append((p.n, p.spacing)))
    p = parameters.PN(node)
    p.n = 5
    assert seen == [(5, 15.0)]


def test_what_is_no_longer_in_the_node_reads_as_its_default_which_is_then_stored(parameters, node):
    p = parameters.PN(node)
    p.n, p.spacing = 5, 30
    node.UnsetAllParameters()
    assert (p.n, p.spacing, p.preset) == (3, 15.0, "balanced")
    assert texts(node)["spacing"] == "15"


def test_any_value_and_a_color_are_never_cached(application, node, qt):
    from typing import Any

    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Loose:
        thing: Any
        things: List[Any]
        color: qt.QColor = qt.QColor(1, 2, 3)

    p = Loose(node)
    assert not any(p.isCached(name) for name in p.allParameters)
    p.thing = 4
    assert texts(node)["thing.type.1"] == "int"
    assert texts(node)["color"] == "#ff010203"
    blocked = node.StartModify()
    node.SetParameter("thing.value", "9")
    assert p.thing == 9
    node.EndModify(blocked)
    p.thing = "text"
    assert (p.thing, Loose(node).thing) == ("text", "text")


def test_a_wrapper_that_is_let_go_is_told_of_no_more_changes(parameters, node, capfd):
    import gc
    import weakref

    p = parameters.PN(node)
    gone = weakref.ref(p)
    del p
    gc.collect()
    node.SetParameter("n", "8")
    assert gone() is None
    assert "Error" not in capfd.readouterr().err


def test_a_refused_element_leaves_the_whole_list_and_tells_once(parameters, node):
    p, events = parameters.PN(node), []
    p.names = ["a", "b"]
    node.AddObserver("ModifiedEvent", lambda *_: events.append(list(p.names)))
    with pytest.raises(TypeError):
        p.names = ["x", 3]
    assert (list(p.names), texts(node)["names.0"], events) == (["a", "b"], "a", [["a", "b"]])


def test_lists_and_dicts_have_the_limits_that_they_have_in_the_application(parameters, node):
    p = parameters.PN(node)
    p.names, p.d = ["a"], {"k": 2}
    names = p.names
    names *= 2
    assert list(p.names) == ["a", "a"]
    with pytest.raises(NotImplementedError):
        p.names.__add__(["b"])
    with pytest.raises(TypeError):
        p.d.get("x", 0)
    assert (p.d.get("x"), p.d.pop("k"), dict(p.d)) == (None, 2, {})


def test_a_union_takes_a_value_by_its_exact_type(application, node):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Either:
        value: Union[int, str] = 1

    p = Either(node)
    with pytest.raises(TypeError, match="Unable to write value 'True'"):
        p.value = True
    assert p.value == 1


def test_a_pack_of_a_node_takes_no_new_attributes(parameters, node):
    with pytest.raises(AttributeError):
        parameters.PN(node).pack.c = 1


def test_the_default_of_a_tuple_can_be_taken_once_as_in_the_application(application, node):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Pair:
        pair: Tuple[int, str]

    assert Pair(node).pair == (0, "")
    with pytest.raises(ValueError, match="Unexpected number of tuple values"):
        Pair(add("vtkMRMLScriptedModuleNode"))


# Widgets


@pytest.fixture
def panel(application):
    """Widgets named by their parameter, as `childWidgetVariables` would give them."""
    import types

    import ctk
    import qt
    import slicer

    widgets = {
        "fixedVolume": slicer.qMRMLNodeComboBox(),
        "spacing": ctk.ctkSliderWidget(),
        "preset": qt.QComboBox(),
        "device": qt.QComboBox(),
        "flag": qt.QCheckBox(),
        "n": qt.QSpinBox(),
        "path": ctk.ctkPathLineEdit(),
        "pack.b": qt.QLineEdit(),
    }
    widgets["fixedVolume"].setMRMLScene(slicer.mrmlScene)
    for name, widget in widgets.items():
        widget.setProperty("SlicerParameterName", name)
    return types.SimpleNamespace(**{name.replace(".", "_"): widget for name, widget in widgets.items()})


def test_connected_widgets_take_the_range_the_choices_and_the_values(parameters, node, panel):
    parameters.PN(node).connectGui(panel)
    assert (panel.spacing.minimum, panel.spacing.maximum, panel.spacing.value) == (1.0, 50.0, 15.0)
    assert [panel.preset.itemText(i) for i in range(panel.preset.count)] == ["fast", "balanced"]
    assert [panel.device.itemText(i) for i in range(panel.device.count)] == ["AUTO", "CPU"]
    assert (panel.preset.currentText, panel.flag.checked, panel.n.value, panel.pack_b.text) == (
        "balanced",
        True,
        3,
        "q",
    )
    assert panel.fixedVolume.nodeTypes == ["vtkMRMLScalarVolumeNode"]


def test_edits_in_the_widgets_reach_the_parameters(parameters, node, panel):
    p = parameters.PN(node)
    p.connectGui(panel)
    volume = add("vtkMRMLScalarVolumeNode", "V2")
    panel.spacing.setValue(30)
    panel.flag.click()
    panel.preset.setCurrentIndex(0)
    panel.device.setCurrentIndex(1)
    panel.n.setValue(9)
    panel.path.setCurrentPath("/a/b")
    panel.pack_b.setText("new")
    panel.fixedVolume.setCurrentNode(volume)
    assert (p.spacing, p.flag, p.preset, p.device, p.n) == (30.0, False, "fast", Device.CPU, 9)
    assert (p.path, p.pack.b, p.fixedVolume) == (pathlib.Path("/a/b"), "new", volume)


def test_changes_of_the_parameters_reach_the_widgets(parameters, node, panel):
    p = parameters.PN(node)
    p.connectGui(panel)
    p.spacing, p.flag, p.preset = 40, False, "fast"
    p.fixedVolume = add("vtkMRMLScalarVolumeNode", "V2")
    assert (panel.spacing.value, panel.flag.checked, panel.preset.currentText) == (40.0, False, "fast")
    assert panel.fixedVolume.currentNode().GetName() == "V2"


def test_disconnected_widgets_change_nothing_any_more(parameters, node, panel):
    p = parameters.PN(node)
    tag = p.connectGui(panel)
    p.spacing = 40
    p.disconnectGui(tag)
    panel.spacing.setValue(12)
    assert p.spacing == 40.0
    p.spacing = 20
    assert panel.spacing.value == 12.0


def test_widgets_follow_the_node_that_they_were_connected_to_last(parameters, node, panel):
    first, second = parameters.PN(node), parameters.PN(add("vtkMRMLScriptedModuleNode"))
    tag = first.connectGui(panel)
    first.spacing, second.spacing = 10, 20
    first.disconnectGui(tag)
    second.connectGui(panel)
    panel.spacing.setValue(33)
    first.spacing = 5
    assert (first.spacing, second.spacing, panel.spacing.value) == (5.0, 33.0, 33.0)


def test_a_slider_for_an_unlimited_number_is_refused(application, node):
    import ctk
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Unlimited:
        x: float

    with pytest.raises(RuntimeError, match="unbounded"):
        Unlimited(node).connectParametersToGui({"x": ctk.ctkSliderWidget()})


def test_a_widget_without_a_connector_is_refused_as_in_the_application(application, node):
    import qt
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Radio:
        x: bool

    with pytest.raises(RuntimeError, match="Unable to create GUI connector"):
        Radio(node).connectParametersToGui({"x": qt.QRadioButton()})


def test_a_range_is_edited_by_a_range_widget(application, node):
    import ctk
    from slicer.parameterNodeWrapper import Default, FloatRange, RangeBounds, parameterNodeWrapper

    @parameterNodeWrapper
    class Limits:
        window: Annotated[FloatRange, RangeBounds(-10, 10), Default(FloatRange(-1, 1))]

    p, widget = Limits(node), ctk.ctkRangeWidget()
    p.connectParametersToGui({"window": widget})
    assert (widget.minimum, widget.maximum, widget.minimumValue, widget.maximumValue) == (-10, 10, -1, 1)
    widget.setValues(-3, 4)
    assert (p.window.minimum, p.window.maximum) == (-3, 4)
    assert texts(node) == {"window._minimum": "-3.0", "window._maximum": "4.0"}
    with pytest.raises(ValueError, match="within"):
        p.window = FloatRange(-20, 0)
    p.window = FloatRange(-20, 30)  # which the application does not refuse


def test_a_range_without_a_default_cannot_be_connected_as_in_the_application(application, node):
    import ctk
    from slicer.parameterNodeWrapper import FloatRange, RangeBounds, parameterNodeWrapper

    @parameterNodeWrapper
    class Limits:
        window: Annotated[FloatRange, RangeBounds(-10, 10)]

    with pytest.raises(AttributeError):
        Limits(node).connectParametersToGui({"window": ctk.ctkRangeWidget()})


def test_a_list_put_into_a_stored_list_is_stored_with_its_changes(application, node):
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Nested:
        matrix: List[List[int]]

    p = Nested(node)
    matrix = p.matrix
    matrix.append([4, 5])
    matrix[0].append(7)
    assert p.matrix == [[4, 5, 7]]
    assert Nested(node).matrix == [[4, 5, 7]]
    with pytest.raises(NotImplementedError):
        2 * matrix


def test_popitem_takes_the_newest_item_of_a_stored_dict(parameters, node):
    p = parameters.PN(node)
    p.d = {"w": 4, "c": 3}
    assert p.d.popitem() == ("c", 3)
    assert p.d == {"w": 4}
    p.d.clear()
    with pytest.raises(KeyError):
        p.d.popitem()


def test_defaults_of_the_same_value_are_equal(application):
    from slicer.parameterNodeWrapper import Default

    assert Default(15) == Default(15)
    assert Default(15) != Default(16)
    assert Default(15) != 15


@pytest.mark.parametrize("name", ["ctkDoubleSlider", "ctkDoubleSpinBox"])
def test_a_number_without_limits_has_infinite_ones_in_its_widget(application, node, name):
    import ctk
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Unlimited:
        value: float

    p, widget = Unlimited(node), getattr(ctk, name)()
    p.connectParametersToGui({"value": widget})
    assert (widget.minimum, widget.maximum) == (float("-inf"), float("inf"))
    widget.value = 3e20
    assert p.value == 3e20
    widget.value = float("inf")
    assert p.value == float("inf")


def test_a_directory_button_has_absolute_paths(application, node):
    import ctk
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    @parameterNodeWrapper
    class Folder:
        path: pathlib.Path

    p, button = Folder(node), ctk.ctkDirectoryButton()
    p.connectParametersToGui({"path": button})
    assert p.path == pathlib.Path()
    button.directory = "some/path"
    assert pathlib.Path(button.directory) == pathlib.Path("some/path").absolute()
    assert p.path == pathlib.Path("some/path").absolute()
