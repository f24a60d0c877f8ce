"""The node selector."""

from typing import Any, Dict, List, Optional, Tuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QSizePolicy, QWidget

from .scene import SceneObserver
from .standin import qt_property, stands_for, stored

NODE_ID, ACTION = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


def _refreshing(kind: Any, name: str, default: Any) -> Any:
    """A stored property after whose change the nodes are listed again."""
    plain = stored(kind, name, default)

    def write(self: QWidget, value: Any) -> None:
        plain.fset(self, value)
        self._update()

    return qt_property(kind, plain.fget, write)


class _NodeComboBox(QWidget):
    """Lists the scene's nodes of some types: "None" (optional), the nodes, then actions (create, rename, delete)."""

    currentNodeChanged = Signal((object,), (bool,))
    currentNodeIDChanged = Signal(str)
    currentNodeRenamed = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._scene: Any = None
        self._types: List[str] = []
        self._attributes: Dict[str, Dict[str, Any]] = {}
        self._labels: Dict[str, str] = {}
        self._base_names: Dict[str, str] = {}
        self._user_actions: List[Any] = []
        self._nodes: List[Any] = []
        self._node: Any = None
        self._wanted: Tuple[str, Any] = ("", None)
        self._options = {"none": False, "add": True, "remove": True, "edit": False, "rename": False}
        self._none_text = "None"
        self._observer = SceneObserver(self, self._update, self._close)
        self._combo = QComboBox(self)
        self._combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo)
        self.setSizePolicy(QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed))
        self._combo.activated.connect(self._activate)
        self.setEnabled(False)

    # Scene

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        self._scene = scene
        self._observer.observe(scene)
        self.setEnabled(scene is not None)
        wanted_id, wanted_node = self._wanted
        self._wanted = ("", None)
        self._fill()
        target = wanted_node if wanted_node is not None else self._find(wanted_id)
        if target is not None and target in self._nodes:
            self._select(target)
        elif self._node not in self._nodes:
            self._select(None if self._options["none"] or not self._nodes else self._nodes[0])
        self._show()

    def _eligible(self, node: Any) -> bool:
        return any(self._matches_type(node, kind) for kind in self._types)

    def _listed(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        return all(
            self._matches_attributes(node, wanted) for kind, wanted in self._attributes.items() if node.IsA(kind)
        )

    def _matches_type(self, node: Any, kind: str) -> bool:
        if not self.showChildNodeTypes:
            return node.GetClassName() == kind
        return bool(node.IsA(kind)) and not any(node.IsA(child) for child in self.hideChildNodeTypes)

    @staticmethod
    def _matches_attributes(node: Any, wanted: Dict[str, Any]) -> bool:
        for name, value in wanted.items():
            actual = node.GetAttribute(name)
            if actual is None or (value is not None and actual != str(value)):
                return False
        return True

    def _find(self, node_id: Optional[str]) -> Any:
        return self._scene.GetNodeByID(node_id) if self._scene is not None and node_id else None

    def _fill(self) -> None:
        nodes: List[Any] = []
        if self._scene is not None and self._types:
            collection = self._scene.GetNodes()
            eligible: Dict[str, bool] = {}  # by class
            for node in (collection.GetItemAsObject(i) for i in range(collection.GetNumberOfItems())):
                kind = node.GetClassName()
                if kind not in eligible:
                    eligible[kind] = self._eligible(node)
                if eligible[kind]:
                    nodes.append(node)
        self._observer.observe_nodes(nodes)  # one that is hidden or filtered out now may be listed after a change
        self._nodes = [node for node in nodes if self._listed(node)]

    def _update(self) -> None:
        """The scene or one of its nodes changed: list again, keep the selection if it is still there."""
        before = list(self._nodes)
        self._fill()
        for node in self._nodes:
            if node not in before:
                self.nodeAdded.emit(node)
        if self._node is not None and self._node not in self._nodes:
            position = before.index(self._node) if self._node in before else 0
            self._select(self._nodes[min(position, len(self._nodes) - 1)] if self._nodes else None)
        elif self._node is None and not self._options["none"] and not before and self._nodes:
            self._select(self._nodes[0])
        self._show()

    def _close(self, node: Any) -> None:
        if node in self._nodes:
            self.nodeAboutToBeRemoved.emit(node)

    # Selection

    def currentNode(self) -> Any:
        return self._node

    def setCurrentNode(self, node: Any) -> None:
        if isinstance(node, str):
            self.setCurrentNodeID(node)
            return
        if self._scene is None:
            self._wanted = ("", node)
            return
        self._select(node if node in self._nodes else None)
        self._show()

    def setCurrentNodeID(self, node_id: Optional[str]) -> None:
        if self._scene is None:
            self._wanted = (node_id or "", None)
            return
        self.setCurrentNode(self._find(node_id))

    def setCurrentNodeIndex(self, index: int) -> None:
        self.setCurrentNode(self._nodes[index] if 0 <= index < len(self._nodes) else None)

    def nodeCount(self) -> int:
        return len(self._nodes)

    def nodeFromIndex(self, index: int) -> Any:
        return self._nodes[index] if 0 <= index < len(self._nodes) else None

    def _select(self, node: Any) -> None:
        if node is self._node:
            return
        self._node = node
        self._show()
        self.currentNodeChanged.emit(node)
        self.currentNodeChanged[bool].emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    # Creation, removal, renaming

    def addNode(self, kind: Optional[str] = None) -> Any:
        kind = kind or (self._types[0] if self._types else None)
        if self._scene is None or kind not in self._types:
            return None
        node = self._scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        base = self._base_names.get(kind) or self._scene.GetTypeDisplayNameByClassName(kind).replace(" ", "")
        node.SetName(self._scene.GetUniqueNameByString(base))
        for name, value in self._attributes.get(kind, {}).items():
            node.SetAttribute(name, "" if value is None else str(value))
        self._scene.AddNode(node)
        if node.IsA("vtkMRMLDisplayableNode"):
            node.CreateDefaultDisplayNodes()
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def removeCurrentNode(self) -> None:
        if self._node is not None:
            self._scene.RemoveNode(self._node)

    def renameCurrentNode(self) -> None:
        if self._node is None:
            return
        title = f"Rename {self.nodeTypeLabel(self._node.GetClassName())}"
        name, accepted = QInputDialog.getText(self, title, "New name:", text=self._node.GetName() or "")
        if accepted and name:
            self._node.SetName(name)
            self.currentNodeRenamed.emit(name)

    def editCurrentNode(self) -> None:
        self.nodeAboutToBeEdited.emit(self._node)

    # Settings

    def addAttribute(self, kind: str, name: str, value: Any = None) -> None:
        self._attributes.setdefault(kind, {})[name] = value
        self._update()

    def removeAttribute(self, kind: str, name: str) -> None:
        self._attributes.get(kind, {}).pop(name, None)
        self._update()

    def addMenuAction(self, action: Any) -> None:
        self._user_actions.append(action)
        self._show()

    def nodeTypeLabel(self, kind: str) -> str:
        if kind in self._labels:
            return self._labels[kind]
        label = self._scene.GetTypeDisplayNameByClassName(kind) if self._scene is not None and kind else ""
        return label or "node"

    def setNodeTypeLabel(self, label: str, kind: str) -> None:
        self._labels[kind] = label
        self._show()

    def _set_types(self, kinds: Any) -> None:
        self._types = [kind for kind in kinds if kind]
        self._update()

    def _set_option(self, name: str, value: bool) -> None:
        self._options[name] = value
        if name == "none" and self._scene is not None and not value and self._node is None and self._nodes:
            self._select(self._nodes[0])
        self._show()

    def _set_none_text(self, text: str) -> None:
        self._none_text = text
        self._show()

    def _set_base_name(self, name: str) -> None:
        self._base_names.update({kind: name for kind in self._types})

    # The Qt combo box

    def _actions(self) -> List[Tuple[str, str]]:
        label = self.nodeTypeLabel(self._types[0]) if len(self._types) == 1 else "node"
        actions: List[Tuple[str, str]] = []
        if self._options["rename"]:
            actions.append((f"Rename current {label}", "rename"))
        if self._options["edit"]:
            actions.append((f"Edit current {label}", "edit"))
        if self._options["add"]:
            actions += [(f"Create new {self.nodeTypeLabel(kind)}", f"create/{kind}") for kind in self._types]
        if self._options["remove"]:
            actions.append((f"Delete current {label}", "remove"))
        return actions + [(action.text, f"user/{i}") for i, action in enumerate(self._user_actions)]

    def _show(self) -> None:
        combo = self._combo
        blocked = combo.blockSignals(True)
        combo.clear()
        if self._options["none"] and self._scene is not None:
            combo.addItem(self._none_text, "")
        for node in self._nodes:
            combo.addItem(node.GetName() or "", node.GetID())
        actions = self._actions() if self._scene is not None else []
        if actions:
            combo.insertSeparator(combo.count)
        for text, action in actions:
            combo.addItem(text)
            combo.setItemData(combo.count - 1, action, ACTION)
        label = self.nodeTypeLabel(self._types[0]) if self._types else "node"
        combo.setPlaceholderText(f"Select a {label}")
        combo.setCurrentIndex(self._row())
        combo.blockSignals(blocked)

    def _row(self) -> int:
        if self._node is not None and self._node in self._nodes:
            return self._nodes.index(self._node) + int(self._options["none"])
        return 0 if self._options["none"] and self._scene is not None else -1

    def _activate(self, row: int) -> None:
        """The user chose a row."""
        action = self._combo.itemData(row, ACTION)
        if action is None:
            node = self._find(self._combo.itemData(row))
            self._select(node)
            self.nodeActivated.emit(node)
            return
        self._combo.setCurrentIndex(self._row())
        verb, _, argument = action.partition("/")
        if verb == "create":
            node = self.addNode(argument)
            self.setCurrentNode(node)
            self.nodeAddedByUserAction.emit(node)
        elif verb == "user":
            self._user_actions[int(argument)].trigger()
        else:
            {"rename": self.renameCurrentNode, "edit": self.editCurrentNode, "remove": self.removeCurrentNode}[verb]()

    def _id(self) -> str:
        return self._node.GetID() if self._node is not None else ""

    nodeTypes = qt_property("QStringList", lambda self: list(self._types), _set_types)
    noneEnabled = qt_property(bool, lambda self: self._options["none"], lambda self, on: self._set_option("none", on))
    addEnabled = qt_property(bool, lambda self: self._options["add"], lambda self, on: self._set_option("add", on))
    removeEnabled = qt_property(
        bool, lambda self: self._options["remove"], lambda self, on: self._set_option("remove", on)
    )
    editEnabled = qt_property(bool, lambda self: self._options["edit"], lambda self, on: self._set_option("edit", on))
    renameEnabled = qt_property(
        bool, lambda self: self._options["rename"], lambda self, on: self._set_option("rename", on)
    )
    noneDisplay = qt_property(str, lambda self: self._none_text, _set_none_text)
    currentNodeID = qt_property(str, _id, setCurrentNodeID)
    baseName = qt_property(str, lambda self: self._base_names.get((self._types or [""])[0], ""), _set_base_name)
    sizeAdjustPolicy = qt_property(
        int,
        lambda self: int(self._combo.sizeAdjustPolicy),
        lambda self, policy: self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy(int(policy))),
    )
    showHidden = _refreshing(bool, "showHidden", False)
    showChildNodeTypes = _refreshing(bool, "showChildNodeTypes", True)
    hideChildNodeTypes = _refreshing("QStringList", "hideChildNodeTypes", [])
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    interactionNodeSingletonTag = stored(str, "interactionNodeSingletonTag", "Singleton")


@stands_for("slicer.qMRMLNodeComboBox")
class qMRMLNodeComboBox(_NodeComboBox):
    pass
