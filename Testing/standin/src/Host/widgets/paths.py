"""CTK's widgets for files and folders."""

from typing import Optional

from PySide6.QtCore import QDir, QSettings, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QToolButton, QWidget

from .standin import qt_property, stands_for, stored


@stands_for("ctk.ctkPathLineEdit")
class ctkPathLineEdit(QWidget):
    """A path with its history and a browse button. `filters` has the values of QDir.Filter; Writable means saving."""

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._edit = QComboBox(self)
        self._edit.setEditable(True)
        self._button = QToolButton(self)
        self._button.setText("...")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._edit, 1)
        row.addWidget(self._button)
        self._edit.editTextChanged.connect(self.currentPathChanged)
        self._button.clicked.connect(lambda: self.browse())

    def comboBox(self) -> QComboBox:
        return self._edit

    def setCurrentPath(self, path: str) -> None:
        if path != self._edit.currentText:
            self._edit.setEditText(path)

    def addCurrentPathToHistory(self) -> None:
        path = self._edit.currentText
        if path and self._edit.findText(path) < 0:
            blocked = self._edit.blockSignals(True)
            self._edit.insertItem(0, path)
            self._edit.setCurrentIndex(0)
            self._edit.blockSignals(blocked)
        if self.settingKey:
            paths = [self._edit.itemText(row) for row in range(self._edit.count)]
            QSettings().setValue(self.settingKey, paths)

    def retrieveHistory(self) -> None:
        paths = QSettings().value(self.settingKey) if self.settingKey else None
        for path in [paths] if isinstance(paths, str) else paths or []:
            if self._edit.findText(path) < 0:
                self._edit.addItem(path)

    def browse(self) -> None:
        start = self._edit.currentText
        if not self.filters & int(QDir.Filter.Files.value):
            path = QFileDialog.getExistingDirectory(self, "Select a folder...", start)
        elif self.filters & int(QDir.Filter.Writable.value):
            path = QFileDialog.getSaveFileName(self, "Select a file...", start, ";;".join(self.nameFilters))[0]
        else:
            path = QFileDialog.getOpenFileName(self, "Select a file...", start, ";;".join(self.nameFilters))[0]
        if path:
            self.setCurrentPath(path)

    currentPath = qt_property(str, lambda self: self._edit.currentText, setCurrentPath)
    filters = stored(
        int, "filters", int((QDir.Filter.AllEntries | QDir.Filter.NoDotAndDotDot | QDir.Filter.Readable).value)
    )
    sizeAdjustPolicy = stored(int, "sizeAdjustPolicy", 0)
    nameFilters = stored("QStringList", "nameFilters", [])
    label = stored(str, "label", "")
    settingKey = stored(str, "settingKey", "")
    showBrowseButton = qt_property(
        bool, lambda self: not self._button.isHidden(), lambda self, shown: self._button.setVisible(shown)
    )
    showHistoryButton = stored(bool, "showHistoryButton", True)
    minimumContentsLength = qt_property(
        int, lambda self: self._edit.minimumContentsLength, lambda self, n: self._edit.setMinimumContentsLength(n)
    )


@stands_for("ctk.ctkDirectoryButton")
class ctkDirectoryButton(QWidget):
    """A button that shows a folder and asks for another when it is clicked."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, parent: Optional[QWidget] = None):
        super().__init__(parent)
        self._folder = "."
        self._button = QPushButton(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._button)
        self._button.clicked.connect(lambda: self.browse())

    def _set_directory(self, folder: str) -> None:
        """Take a folder, as an absolute path; the same one under another name changes nothing."""
        absolute = QDir(folder).absolutePath()
        if absolute != QDir(self._folder).absolutePath():
            self._folder = absolute
            self._button.setText(self.text or absolute)
            self.directoryChanged.emit(absolute)

    def browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.caption, self._folder)
        if folder:
            self._set_directory(folder)
            self.directorySelected.emit(folder)

    directory = qt_property(str, lambda self: self._folder, _set_directory)
    text = stored(str, "text", "")
    caption = stored(str, "caption", "")
