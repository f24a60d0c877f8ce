"""The table of structures: eye, color, name, what there is of each in both images, role and terminology."""

import qt
import slicer
from slicer.i18n import tr as _

from ..choices import GUIDE, ROLES
from ..logic.choices import role_names
from .fitting import limit_columns
from .messages import sentence
from .panel import Panel
from .terminology import TerminologyDialog

EYE, COLOR, NAME, FIXED_STATE, MOVING_STATE, MEANING = range(6)
WIDEST_STATE = 64


class StructuresTable(Panel):
    """Args:
    ui: widgets by name. logic: SAMRegistrationLogic. parameters: function giving the parameter node or None.
    changed: called without arguments when another structure is chosen or the list changed.
    removed: called with the id of a structure that was removed, and a sentence for the user or "".
    """

    def __init__(self, ui, logic, parameters, changed, removed):
        self._ui, self._logic, self._parameters = ui, logic, parameters
        self._changed, self._removed = changed, removed
        self._filling = False
        self._ids, self._structures, self._rows = [], [], {}
        self._terminology = None
        self._presence = logic.newPresence()
        self._masked = self._prompts = {}
        table = ui.structuresTable
        titles = [_("Show"), _("Color"), _("Structure"), _("Fixed"), _("Moving"), _("Role, term")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        for column in range(len(titles)):
            mode = qt.QHeaderView.Stretch if column in (NAME, MEANING) else qt.QHeaderView.ResizeToContents
            table.horizontalHeader().setSectionResizeMode(column, mode)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.verticalHeader().setVisible(False)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.itemChanged.connect(self._on_item_changed)
        table.itemSelectionChanged.connect(self._on_selected)
        table.cellDoubleClicked.connect(self._on_double_clicked)
        ui.addStructureButton.clicked.connect(self.onAdd)
        ui.removeStructureButton.clicked.connect(self.onRemove)
        ui.terminologyButton.clicked.connect(self.onTerminology)
        ui.addAnatomyButton.clicked.connect(self.onAddAnatomy)
        ui.anatomyCombo.addItems(list(logic.anatomies()))
        ui.roleCombo.addItems([role_meanings()[role] for role in ROLES])
        ui.roleCombo.currentIndexChanged.connect(self._on_role)

    def current(self):
        """Id of the chosen structure, None without any."""
        row = self._ui.structuresTable.currentRow()
        return self._ids[row] if 0 <= row < len(self._ids) else None

    def select(self, structure_id: str) -> None:
        """Choose a structure."""
        if structure_id in self._ids:
            self._ui.structuresTable.setCurrentCell(self._ids.index(structure_id), NAME)

    def scene_closes(self) -> None:
        """Let go of what is of the scene."""
        self._presence = self._logic.newPresence()
        self._masked = self._prompts = {}
        if self._terminology is not None:
            self._terminology.close()
            self._terminology = None

    def scene_loaded(self) -> None:
        """Let go of what may be of a scene before."""
        self.scene_closes()

    def update(self) -> None:
        """Fill the table from the segmentation nodes."""
        parameters, table = self._parameters(), self._ui.structuresTable
        chosen, structures = None, []
        if parameters is not None:
            chosen, structures = parameters.chosenStructure, self._logic.structures(parameters)
        sides = ("fixed", "moving")
        self._masked = {side: self._presence.masked(self._logic.segmentationOf(parameters, side)) for side in sides}
        self._prompts = {side: self._logic.promptsOf(parameters, side) for side in sides}
        limit_columns(table, WIDEST_STATE, (FIXED_STATE, MOVING_STATE))
        self._filling = True
        self._ids, self._structures = [structure.id for structure in structures], structures
        table.setRowCount(len(structures))
        self._rows = {row: shown for row, shown in self._rows.items() if row < len(structures)}
        for row, structure in enumerate(structures):
            self._fill(row, structure, parameters)
        self._filling = False
        if structures:
            row = self._ids.index(chosen) if chosen in self._ids else len(structures) - 1
            if table.currentRow() != row:
                table.setCurrentCell(row, NAME)
        self._ui.removeStructureButton.setEnabled(bool(structures))
        self._ui.terminologyButton.setEnabled(bool(structures))
        self._show_role()
        can_add = parameters is not None and (parameters.fixedVolume or parameters.movingVolume) is not None
        self._ui.addStructureButton.setEnabled(can_add)
        self._ui.addAnatomyButton.setEnabled(can_add)

    def onAdd(self, *_args):
        def add():
            parameters = self._parameters()
            self.select_after(self._logic.addStructure(parameters, self._logic.freeName(parameters)))

        self._act(add)

    def onAddAnatomy(self, *_args):
        self._act(lambda: self._logic.addAnatomy(self._parameters(), self._ui.anatomyCombo.currentText))

    def onRemove(self, *_args):
        structure_id = self.current()
        if structure_id is None:
            return

        def remove():
            copies = self._logic.removeStructure(self._parameters(), structure_id)
            text = _("{name} was hidden and keeps the structure; the module goes on with its copy {copy}.")
            told = [text.format(name=self._logic.originalOf(copy).GetName(), copy=copy.GetName()) for copy in copies]
            self._removed(structure_id, " ".join(told))

        self._act(remove)

    def _on_role(self, index):
        structure_id = self.current()
        if not self._filling and structure_id is not None and index >= 0:
            self._act(lambda: self._logic.changeStructure(self._parameters(), structure_id, role=ROLES[index]))

    def onTerminology(self, *_args):
        structure_id, parameters = self.current(), self._parameters()
        structure = next((entry for entry in self._logic.structures(parameters) if entry.id == structure_id), None)
        if structure is None:
            return

        def chosen(terminology):
            if structure_id in self._ids:
                changes = {"terminology": terminology}
                self._act(lambda: self._logic.changeStructure(self._parameters(), structure_id, **changes))

        self._terminology = TerminologyDialog(chosen)
        self._terminology.open(structure.name, structure.terminology)

    def select_after(self, structure_id: str) -> None:
        """Fill the table and choose a structure."""
        self.update()
        self.select(structure_id)

    def _act(self, action):
        try:
            action()
        except Exception as error:  # noqa: BLE001 - shown as a sentence
            self._ui.clickStatus.setText(sentence(error))
        self.update()
        self._changed()

    def _show_role(self):
        """Show the role of the chosen structure in the box below the table."""
        chosen = self.current()
        roles = {structure.id: structure.role for structure in self._structures}
        self._filling = True
        self._ui.roleCombo.setCurrentIndex(ROLES.index(roles.get(chosen, GUIDE)))
        self._filling = False
        self._ui.roleCombo.setEnabled(chosen is not None)

    def _fill(self, row, structure, parameters):
        """Show a structure in a row, unless the row shows it already."""
        visible = self._logic.isStructureVisible(parameters, structure.id)
        states = tuple(self._state(side, structure.id) for side in ("fixed", "moving"))
        if self._rows.get(row) == (structure, visible, states):
            return
        self._rows[row] = structure, visible, states
        show = self._item(row, EYE, "")
        show.setCheckState(qt.Qt.Checked if visible else qt.Qt.Unchecked)
        show.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable | qt.Qt.ItemIsUserCheckable)
        color = self._item(row, COLOR, "")
        swatch = qt.QPixmap(24, 16)
        swatch.fill(_color(structure))
        color.setIcon(qt.QIcon(swatch))
        color.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        self._item(row, NAME, structure.name)
        for column, text in (
            *zip((FIXED_STATE, MOVING_STATE), states),
            (MEANING, _role_and_meaning(structure)),
        ):
            self._item(row, column, text).setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        meaning = self._ui.structuresTable.item(row, MEANING)
        font = meaning.font()
        font.setBold(structure.role != GUIDE)
        meaning.setFont(font)
        meaning.setToolTip(f"{role_meanings()[structure.role]}\n{_meaning(structure)}")

    def _item(self, row, column, text):
        table = self._ui.structuresTable
        item = table.item(row, column)
        if item is None:
            item = qt.QTableWidgetItem()
            table.setItem(row, column, item)
        item.setText(text)
        return item

    def _state(self, side, structure_id):
        prompts = self._prompts[side]
        own = prompts.structure(structure_id).prompts if prompts.has(structure_id) else ()
        proposed = sum(prompt.proposed for prompt in own)
        parts = []
        if structure_id in self._masked[side]:
            parts.append(_("mask"))
        if proposed:
            parts.append(_("{n} proposed").format(n=proposed))
        if len(own) > proposed:
            clicks = len(own) - proposed
            parts.append(_("1 click") if clicks == 1 else _("{n} clicks").format(n=clicks))
        return ", ".join(parts) or _("nothing yet")

    def _on_item_changed(self, item):
        if self._filling or not 0 <= item.row() < len(self._ids):
            return
        self._rows.pop(item.row(), None)  # what the user put there may not be what comes of it
        parameters, structure_id = self._parameters(), self._ids[item.row()]
        if item.column() == EYE:
            self._logic.setStructureVisible(parameters, structure_id, item.checkState() == qt.Qt.Checked)
        elif item.column() == NAME and item.text().strip():
            self._act(lambda: self._logic.changeStructure(parameters, structure_id, name=item.text().strip()))

    def _on_selected(self, *_args):
        if not self._filling:
            self._parameters().chosenStructure = self.current() or ""
            self._show_role()
            self._changed()

    def _on_double_clicked(self, row, column):
        if column == MEANING:
            self.onTerminology()
        if column != COLOR:
            return
        structure_id = self._ids[row]
        structure = next(entry for entry in self._logic.structures(self._parameters()) if entry.id == structure_id)
        present = _color(structure)
        color = qt.QColorDialog.getColor(present, slicer.util.mainWindow(), _("Color of the structure"))
        if color.isValid():
            chosen = (color.red() / 255, color.green() / 255, color.blue() / 255)
            self._act(lambda: self._logic.changeStructure(self._parameters(), structure_id, color=chosen))


def role_meanings():
    """What the roles do to a registration."""
    return {
        "guide": _("guides the registration"),
        "ignore": _("ignored: nothing pulls inside"),
        "rigid": _("rigid: moves as one body"),
    }


def _color(structure):
    return qt.QColor(*[round(255 * part) for part in structure.color])


def _role_and_meaning(structure) -> str:
    """A line for the role of a structure, where it does not guide, and one for its terminology."""
    role = [] if structure.role == GUIDE else [role_names()[structure.role]]
    return "\n".join([*role, _meaning(structure)])


def _meaning(structure) -> str:
    """What the terminology entry of a structure means, with its modifier ("Kidney, left")."""
    parts = [part.split("^") for part in structure.terminology.split("~")]
    meanings = [part[2] for part in parts[2:4] if len(part) > 2 and part[2]]
    return ", ".join(meanings) or _("none")
