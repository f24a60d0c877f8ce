"""The parts of run_in_slicer.py that need no application."""

import io
import runpy
import sys
import types
import unittest

import pytest
from tools import run_in_slicer


class Sample(unittest.TestCase):
    __test__ = False  # for the runner under test, not for pytest

    def test_good(self):
        pass

    def test_bad(self):
        self.fail("it is bad")

    def test_broken(self):
        raise KeyError("x")

    def test_left_out(self):
        self.skipTest("PyTorch is missing")


def outcomes_of(*names):
    runner = unittest.TextTestRunner(stream=io.StringIO(), resultclass=run_in_slicer.TimedResult)
    return runner.run(run_in_slicer.selected(Sample, names)).outcomes


@pytest.fixture
def application(monkeypatch):
    """Stand-ins for slicer and the module; what is asked of them is in the list `calls`."""
    calls = []
    logic = types.SimpleNamespace(
        missingPackages=lambda: ["torch", "safetensors"], installPackages=lambda: calls.append("packages")
    )
    manager = types.SimpleNamespace(
        installExtensionFromServer=lambda name, restart: calls.append((name, restart)) or True,
        extensionModulePaths=lambda name: [f"/extensions/{name}"],
    )
    slicer = types.ModuleType("slicer")
    slicer.modules = types.SimpleNamespace(samregistration=None)
    slicer.app = types.SimpleNamespace(extensionsManagerModel=lambda: manager, layoutManager=lambda: None)
    slicer.util = types.SimpleNamespace(exit=lambda status: calls.append(("exit", status)))
    slicer.manager, slicer.logic, slicer.calls = manager, logic, calls
    module = types.ModuleType("SAMRegistration")
    module.SAMRegistrationLogic, module.SAMRegistrationTest = lambda: logic, Sample
    monkeypatch.setitem(sys.modules, "slicer", slicer)
    monkeypatch.setitem(sys.modules, "SAMRegistration", module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return slicer


def test_the_separator_before_the_options_is_no_option():
    assert run_in_slicer.parse(["--", "--test", "test_a", "--test", "test_b"]).test == ["test_a", "test_b"]


def test_nothing_is_installed_unless_the_option_says_so():
    assert run_in_slicer.parse([]).install_dependencies is False


def test_an_unknown_option_ends_with_the_status_for_nothing_tested(capsys):
    assert run_in_slicer.main(["--tset"]) == run_in_slicer.NOT_TESTED
    assert "--tset" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "status", "sentence"),
    [
        (["test_good"], 0, "1 passed, 0 failed, 0 skipped."),
        (["test_good", "test_left_out"], 0, "1 passed, 0 failed, 1 skipped."),
        (["test_good", "test_bad", "test_broken"], 1, "1 passed, 2 failed, 0 skipped."),
        (["test_left_out"], 2, "Nothing was tested: PyTorch is missing"),
    ],
)
def test_the_exit_status_says_what_happened(names, status, sentence):
    assert run_in_slicer.verdict(outcomes_of(*names)) == (status, sentence)


def test_no_tests_at_all_are_no_success():
    assert run_in_slicer.verdict([]) == (2, "Nothing was tested: there are no tests.")


def test_every_outcome_is_kept_with_its_reason():
    kept = {entry["test"].split(".")[-1]: (entry["outcome"], entry["why"]) for entry in outcomes_of()}
    assert kept == {
        "test_good": ("passed", ""),
        "test_bad": ("failed", "it is bad"),
        "test_broken": ("failed", "KeyError: 'x'"),
        "test_left_out": ("skipped", "PyTorch is missing"),
    }


def test_an_unknown_test_is_refused_with_the_names_of_the_tests():
    with pytest.raises(run_in_slicer.CannotTest, match="There is no test test_x; there are test_bad, test_broken, "):
        run_in_slicer.selected(Sample, ["test_x"])


def test_the_extension_pytorch_is_installed_before_the_packages(application):
    run_in_slicer.install_dependencies()
    assert application.calls == [("PyTorch", False), "packages"]
    assert "/extensions/PyTorch" in sys.path


def test_the_extension_pytorch_is_left_alone_where_it_is_there(application):
    application.modules.pytorchutils = None
    run_in_slicer.install_dependencies()
    assert application.calls == ["packages"]


def test_the_extension_pytorch_is_not_asked_for_where_torch_is_there(application):
    application.logic.missingPackages = lambda: ["safetensors"]
    run_in_slicer.install_dependencies()
    assert application.calls == ["packages"]


def test_an_extension_that_cannot_be_installed_ends_the_run_in_one_sentence(application, capsys):
    application.manager.installExtensionFromServer = lambda name, restart: False
    assert run_in_slicer.main(["--install-dependencies"]) == run_in_slicer.NOT_TESTED
    assert "SAMRegistration: The extension PyTorch cannot be installed;" in capsys.readouterr().out
    assert application.calls == []


def test_without_views_the_self_test_is_refused_with_what_to_do(application, capsys):
    assert run_in_slicer.main([]) == run_in_slicer.NOT_TESTED
    assert "start Slicer with its main window, or use --load-only." in capsys.readouterr().out


def test_an_error_ends_the_run_instead_of_leaving_the_application_open(application, capsys):
    def broken():
        raise OSError("no disk")

    application.logic.installPackages = broken
    assert run_in_slicer.main(["--install-dependencies"]) == run_in_slicer.FAILED
    assert "OSError: no disk" in capsys.readouterr().out


@pytest.mark.parametrize(("test", "status"), [("test_good", 0), ("test_bad", 1), ("test_left_out", 2)])
def test_the_application_ends_with_the_status_of_the_run(application, monkeypatch, test, status):
    application.app.layoutManager = object
    monkeypatch.setattr(sys, "argv", [run_in_slicer.__file__, "--test", test])
    runpy.run_path(run_in_slicer.__file__, run_name="__main__")
    assert application.calls == [("exit", status)]
