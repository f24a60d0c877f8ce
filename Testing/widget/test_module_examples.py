"""The examples in the docstrings of the logic are run in a scene with a registered pair, and give what they show."""

import doctest
import importlib
from pathlib import Path

import pytest
import slicer
from module_life import pair
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.testing.driver import settle

LOGIC = Path(__file__).resolve().parents[2] / "SAMRegistration" / "SAMRegistrationLib" / "logic"
# Examples of what downloads, installs, or trains for hours.
NOT_RUN = {
    "startLoadingSamples",
    "startTraining",
    "startEvaluation",
    "installPackages",
    "startEnvironmentReport",
    "downloadModel",
    "removeModel",
}


def examples(name):
    """The examples of a file of the logic, in its order."""
    module = importlib.import_module(f"SAMRegistrationLib.logic.{name}")
    found = doctest.DocTestFinder(exclude_empty=True).find(module, module.__name__)
    run = [example for example in found if example.examples and example.name.rsplit(".", 1)[1] not in NOT_RUN]
    return sorted(run, key=lambda example: example.lineno)


@pytest.fixture
def scene(panel, quick_registration, tmp_path):
    """Names that the examples use: the logic, nodes of a registered pair with masks, and a folder for files."""
    logic, parameters = panel.logic, panel.parameters()
    for (volume, masks), name in zip(pair(), ("CT1", "CT2")):
        volume.SetName(name)
        masks.SetName(f"{name} masks")
        segmentation = masks.GetSegmentation()
        for number, title in enumerate(("liver", "spleen")):
            segmentation.GetSegment(segmentation.GetNthSegmentID(number)).SetName(title)
    get_node = slicer.util.getNode
    parameters.fixedVolume, parameters.movingVolume = get_node("CT1"), get_node("CT2")
    parameters.fixedSegmentation, parameters.movingSegmentation = get_node("CT1 masks"), get_node("CT2 masks")
    work, present = logic.startRegistration(parameters)
    present(work(Job()))
    settle(panel)
    structures = {structure.name: structure.id for structure in logic.structures(parameters)}
    names = {"logic": logic, "parameters": parameters, "getNode": get_node, "slicer": slicer}
    return {**names, **structures, "Job": Job, "folder": tmp_path}


@pytest.mark.parametrize("name", sorted(path.stem for path in LOGIC.glob("*.py") if ">>>" in path.read_text("utf-8")))
def test_the_examples_of_the_actions_give_what_they_show(scene, name, capsys):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for example in examples(name):
        example.globs.update(scene)
        outcome = runner.run(example, clear_globs=False)
        assert (outcome.attempted, outcome.failed) == (len(example.examples), 0), capsys.readouterr().out


def test_the_examples_of_the_module_give_what_they_show(scene, capsys):
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    logic = type(scene["logic"])
    for example in doctest.DocTestFinder(exclude_empty=True, recurse=False).find(
        logic, "SAMRegistrationLogic", globs={}
    ):
        example.globs.update(scene, SAMRegistrationLogic=logic)
        outcome = runner.run(example, clear_globs=False)
        assert outcome.attempted > 1
        assert outcome.failed == 0, capsys.readouterr().out


def test_no_other_example_is_skipped():
    skipped = {example.name.rsplit(".", 1)[1] for example in all_examples() if "+SKIP" in example.docstring}
    assert skipped == NOT_RUN


def all_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for path in LOGIC.glob("*.py"):
        module = importlib.import_module(f"SAMRegistrationLib.logic.{path.stem}")
        yield from finder.find(module, module.__name__)
