"""The button "Copy diagnostics": versions, devices, the last error, and nothing of the data."""

import os

import qt
import slicer
from module_panel import choose
from SAMRegistrationLib import engine
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.testing.driver import click, settle


def copied(panel):
    panel.ui.advancedSection.collapsed = False
    slicer.app.processEvents()
    click(panel.ui.diagnosticsButton)
    return qt.QApplication.clipboard().text()


def test_without_an_error_there_are_versions_and_devices(panel):
    lines = copied(panel).splitlines()
    assert lines[0].startswith("SAMRegistration ")
    assert any(line.startswith("torch ") for line in lines)
    assert any(line.startswith("cpu: CPU (") for line in lines)
    assert lines[-1] == "No error."


def test_the_last_error_is_told_without_names_of_patients_files_and_users(panel, a_pair, monkeypatch):
    def failing(*_arguments):
        raise RuntimeError("cannot read /home/ada/DOE_JANE 1970/ct.nii.gz of 'Doe^Jane' at C:\\Users\\ada\\x.dcm")

    choose(panel, a_pair)
    a_pair[0][0].SetName("Doe Jane CT")
    monkeypatch.setattr(engine, "register", failing)
    click(panel.ui.registerButton)
    settle(panel)
    text = copied(panel)
    assert "RuntimeError: cannot read <file>.gz of <name> at <file>.dcm" in text
    assert "run.py:" in text
    for private in ("ada", "Doe", "DOE", "Jane", "JANE", "1970", os.path.expanduser("~"), str(os.getcwd())):
        assert private not in text
    slicer.mrmlScene.Clear(0)
    assert copied(panel).splitlines()[-1] == "No error."


def test_a_sentence_about_a_volume_does_not_name_it(panel, a_pair, monkeypatch):
    def failing(*_arguments):
        raise InputError("Doe Jane holds no voxels; choose another volume.")

    choose(panel, a_pair, masks=False)
    a_pair[0][0].SetName("Doe Jane")
    monkeypatch.setattr(engine, "register", failing)
    click(panel.ui.registerButton)
    settle(panel)
    text = copied(panel)
    assert "<name> holds no voxels; choose another volume." in text
    assert "Doe" not in text
