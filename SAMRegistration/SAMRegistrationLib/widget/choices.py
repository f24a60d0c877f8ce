"""Human words in the combo boxes whose items the application takes from the parameter node."""

from ..logic.choices import modality_names, prealignment_names, preset_names


def name_choices(ui) -> None:
    """Replace the values of the parameter node, which connecting it has put there, by what the user reads."""
    for combo, names in (
        (ui.fixedModalityCombo, modality_names()),
        (ui.movingModalityCombo, modality_names()),
        (ui.presetCombo, preset_names()),
        (ui.prealignmentCombo, prealignment_names()),
    ):
        for index in range(combo.count):
            combo.setItemText(index, names[combo.itemText(index)])
