"""The selector of a segmentation and one of its segments."""

from typing import Any, List, Optional

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from .base import SceneWidget
from .nodes import qMRMLNodeComboBox
from .segments import SegmentWatch, segment_ids
from .standin import qt_property, stands_for


@stands_for("slicer.qMRMLSegmentSelectorWidget")
class qMRMLSegmentSelectorWidget(SceneWidget):
    """Selects a segmentation node and one of its segments."""

    currentNodeChanged = Signal((object,), (bool,))
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal("QStringList")
    nodeAboutToBeEdited = Signal(object)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._segment = ""
        self._watch = SegmentWatch(self, self._fill)
        self._nodes = qMRMLNodeComboBox(self)
        self._nodes.nodeTypes = ["vtkMRMLSegmentationNode"]
        self._nodes.addEnabled = False
        self._nodes.removeEnabled = False
        self._combo = QComboBox(self)
        self._message = QLabel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._nodes, self._combo, self._message):
            column.addWidget(part)
        self._nodes.currentNodeChanged.connect(self._node_changed)
        self._nodes.nodeAboutToBeEdited.connect(self.nodeAboutToBeEdited)
        self._combo.currentIndexChanged.connect(self._segment_chosen)
        self._fill()

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        super().setMRMLScene(scene)
        self._nodes.setMRMLScene(scene)

    def currentNode(self) -> Any:
        return self._nodes.currentNode()

    def setCurrentNode(self, node: Any) -> None:
        self._nodes.setCurrentNode(node)

    def currentNodeID(self) -> str:
        return self._nodes.currentNodeID

    def setCurrentNodeID(self, node_id: str) -> None:
        self._nodes.setCurrentNodeID(node_id)

    def _node_changed(self, node: Any) -> None:
        self._watch.follow(node)
        self._fill()
        self.currentNodeChanged.emit(node)
        self.currentNodeChanged[bool].emit(node is not None)

    def _fill(self) -> None:
        """List the segments again; a segment that is still there stays selected."""
        node, ids = self.currentNode(), segment_ids(self.currentNode())
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        if ids and self._nodes.noneEnabled:
            self._combo.addItem("None", "")
        for segment_id in ids:
            self._combo.addItem(node.GetSegmentation().GetSegment(segment_id).GetName(), segment_id)
        keep = self._segment in ids or (self._nodes.noneEnabled and not self._segment)
        self._combo.setCurrentIndex(self._combo.findData(self._segment) if ids and keep else -1)
        self._combo.blockSignals(blocked)
        self._combo.setVisible(bool(ids))
        self._message.setText("" if ids else "No node is selected" if node is None else "No segments in segmentation")
        self._message.setVisible(not ids)
        if ids and not keep:
            self._combo.setCurrentIndex(int(self._nodes.noneEnabled))

    def _segment_chosen(self, row: int) -> None:
        self._segment = self._combo.itemData(row) or ""
        self.currentSegmentChanged.emit(self._segment)

    def currentSegmentID(self) -> str:
        return self._segment

    def setCurrentSegmentID(self, segment_id: str) -> None:
        row = self._combo.findData(segment_id or "")
        if row >= 0:
            self._combo.setCurrentIndex(row)

    def segmentIDs(self) -> List[str]:
        return segment_ids(self.currentNode())

    def _set_none_enabled(self, enabled: bool) -> None:
        self._nodes.noneEnabled = enabled
        self._fill()

    noneEnabled = qt_property(bool, lambda self: self._nodes.noneEnabled, _set_none_enabled)
    editEnabled = qt_property(
        bool, lambda self: self._nodes.editEnabled, lambda self, on: setattr(self._nodes, "editEnabled", on)
    )
    selectNodeUponCreation = qt_property(
        bool,
        lambda self: self._nodes.selectNodeUponCreation,
        lambda self, on: setattr(self._nodes, "selectNodeUponCreation", on),
    )
    segmentationNodeSelectorVisible = qt_property(
        bool, lambda self: not self._nodes.isHidden(), lambda self, shown: self._nodes.setVisible(shown)
    )
