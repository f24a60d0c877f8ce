"""Damaged files of every kind are read or refused with a sentence; nothing else comes out of a reader."""

import ast
import os
from pathlib import Path

import pytest
import SimpleITK as sitk
from damage import readers
from SAMRegistrationLib.errors import LONGEST, SAMRegistrationError

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(__file__).parent / "corpus"
NAMES = (
    *("points in CSV", "points in fcsv", "points in markups", "prompts", "data list"),
    *("training", "click training", "evaluation", "training state"),
    *("volume in nrrd", "volume in mha", "volume in nii", "volume in nii.gz", "DICOM slices", "segmentation", "labels"),
    *("displacement field", "transform in tfm", "transform in mat", "transform in h5"),
    *("weights", "header of weights", "click weights", "published weights"),
)
NEVER_WHOLE = "published weights"  # whole ones have 350 MB
INPUTS = 1_000_000 if os.environ.get("SAMREGISTRATION_NIGHTLY") else 1500
RUNS_CODE = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "yaml.load", "yaml.unsafe_load", "marshal.loads"),
    *("shelve.open", "eval", "exec", "joblib.load", "dill.load", "os.system", "subprocess.getoutput"),
}
SAFE_WITH = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    yield tmp_path_factory.mktemp("damaged")
    sitk.ProcessObject.SetGlobalWarningDisplay(True)


@pytest.fixture(scope="module")
def every_reader(folder):
    return readers(folder)


def outcome(reader, folder, data: bytes):
    """What is wrong with how a reader takes a file; None where it reads or refuses it."""
    path = folder / reader.name
    path.write_bytes(data)
    try:
        reader.read(path)
    except SAMRegistrationError as error:
        sentence = str(error)
        return None if len(sentence) <= LONGEST and "Traceback" not in sentence else f"no sentence: {sentence[:200]}"
    except Exception as error:  # noqa: BLE001 - this is what must not come out
        return f"{type(error).__name__}: {error}"[:300]
    return None


def test_every_reader_is_tried(every_reader):
    assert set(every_reader) == set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != NEVER_WHOLE])
def test_the_whole_file_is_read(every_reader, folder, name):
    reader = every_reader[name]
    (folder / reader.name).write_bytes(reader.whole)
    reader.read(folder / reader.name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_read_or_refused_with_a_sentence(every_reader, folder, name):
    reader = every_reader[name]
    count = min(max(INPUTS * reader.share // 1000, 3), reader.most)
    wrong = ((seed, outcome(reader, folder, reader.damaged(seed))) for seed in range(count))
    assert [(seed, problem) for seed, problem in wrong if problem] == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.stem)
def test_files_that_a_reader_once_stumbled_over_are_refused(every_reader, folder, path):
    assert outcome(every_reader[path.stem.rpartition("-")[0].replace("-", " ")], folder, path.read_bytes()) is None


def test_nothing_that_a_file_holds_is_executed():
    found = []
    for folder in ("SAMRegistration", "Resources"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _runs_code(node):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def _runs_code(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if name in SAFE_WITH:
        keyword, value = SAFE_WITH[name]
        return not any(given.arg == keyword and ast.unparse(given.value) == str(value) for given in call.keywords)
    is_shell = any(given.arg == "shell" and ast.unparse(given.value) != "False" for given in call.keywords)
    return name in RUNS_CODE or is_shell


@pytest.mark.parametrize("source", ["pickle.load(f)", "torch.load(f)", "np.load(f, allow_pickle=True)", "eval(text)"])
def test_calls_that_execute_what_a_file_holds_are_noticed(source):
    assert _runs_code(ast.parse(source, mode="eval").body)
