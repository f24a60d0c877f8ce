"""The choice of a terminology entry."""

from typing import Any, List, Optional, Tuple

import slicer
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from .base import SceneWidget
from .standin import qt_property, stands_for

ENTRY = Qt.ItemDataRole.UserRole


@stands_for("slicer.qSlicerTerminologyNavigatorWidget")
class qSlicerTerminologyNavigatorWidget(SceneWidget):
    """One list of the types of all loaded terminologies, and the entry that was set; without regions and modifiers."""

    selectionValidityChanged = Signal(bool)
    typeDoubleClicked = Signal()

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._override = True
        self._search = QLineEdit(self)
        self._search.setPlaceholderText("Search")
        self._table = QTableWidget(0, 3, self)
        self._table.setHorizontalHeaderLabels(["Type", "Category", "Terminology"])
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        column = QVBoxLayout(self)
        column.addWidget(self._search)
        column.addWidget(self._table)
        for entry in loaded_entries():
            self._add(entry)
        self._search.textChanged.connect(self._filter)
        self._table.itemSelectionChanged.connect(self._selected)
        self._table.itemDoubleClicked.connect(lambda _item: self.typeDoubleClicked.emit())

    def mrmlScene(self) -> Any:
        return self._scene

    def terminologyEntry(self, entry: Any) -> bool:
        chosen = self._chosen()
        if chosen is not None:
            entry.Copy(chosen)
        return chosen is not None

    def setTerminologyEntry(self, entry: Any) -> bool:
        if entry is None or not entry.GetTypeObject().GetCodeValue():
            return False
        wanted = codes(entry)
        for row in range(self._table.rowCount):
            if codes(self._table.item(row, 0).data(ENTRY)) == wanted:
                self._table.selectRow(row)
                return True
        kept = slicer.vtkSlicerTerminologyEntry()
        kept.Copy(entry)
        self._add(kept)
        self._table.selectRow(self._table.rowCount - 1)
        return True

    @staticmethod
    def nameFromTerminology(entry: Any) -> str:
        return entry.GetTypeObject().GetCodeMeaning() or ""

    def setOverrideSectionVisible(self, visible: bool) -> None:
        self._override = bool(visible)

    overrideSectionVisible = qt_property(bool, lambda self: self._override, setOverrideSectionVisible)

    def _add(self, entry: Any) -> None:
        row = self._table.rowCount
        self._table.setRowCount(row + 1)
        category, kind = entry.GetCategoryObject(), entry.GetTypeObject()
        texts = (kind.GetCodeMeaning(), category.GetCodeMeaning(), entry.GetTerminologyContextName())
        for column, text in enumerate(texts):
            self._table.setItem(row, column, QTableWidgetItem(text or ""))
        self._table.item(row, 0).setData(ENTRY, entry)

    def _chosen(self) -> Any:
        rows = self._table.selectionModel().selectedRows()
        return self._table.item(rows[0].row(), 0).data(ENTRY) if rows else None

    def _filter(self, text: str) -> None:
        for row in range(self._table.rowCount):
            self._table.setRowHidden(row, text.lower() not in self._table.item(row, 0).text().lower())

    def _selected(self) -> None:
        self.selectionValidityChanged.emit(self._chosen() is not None)


def codes(entry: Any) -> Tuple[Optional[str], ...]:
    """What two entries of the same meaning share."""
    category, kind = entry.GetCategoryObject(), entry.GetTypeObject()
    return (category.GetCodeValue(), kind.GetCodingSchemeDesignator(), kind.GetCodeValue())


def loaded_entries() -> List[Any]:
    """An entry for every type of the loaded terminologies."""
    logic = slicer.modules.terminologies.logic()
    names: List[str] = []
    logic.GetLoadedTerminologyNames(names)
    entries = []
    for name in names:
        for number in range(logic.GetNumberOfCategoriesInTerminology(name)):
            category = slicer.vtkSlicerTerminologyCategory()
            logic.GetNthCategoryInTerminology(name, number, category)
            for index in range(logic.GetNumberOfTypesInTerminologyCategory(name, category)):
                kind = slicer.vtkSlicerTerminologyType()
                logic.GetNthTypeInTerminologyCategory(name, category, index, kind)
                entry = slicer.vtkSlicerTerminologyEntry()
                entry.SetTerminologyContextName(name)
                entry.GetCategoryObject().Copy(category)
                entry.GetTypeObject().Copy(kind)
                entries.append(entry)
    return entries
