"""Files that are written whole or not at all, and places that cannot be written."""

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from SAMRegistrationLib import files
from SAMRegistrationLib.errors import InputError, ResultsElsewhere
from SAMRegistrationLib.files import (
    keep_results,
    require_writable_file,
    require_writable_folder,
    whole_file,
    whole_files,
)
from SAMRegistrationLib.system_errors import sentence_of, translated

FULL = OSError(28, "No space left on device")


def two_files(text):
    def write(folder):
        (folder / "a.txt").write_text(text, encoding="utf-8")
        (folder / "b.txt").write_text(text, encoding="utf-8")
        return text

    return write


def test_a_failure_while_writing_leaves_the_earlier_file_and_no_trace(tmp_path):
    (tmp_path / "a.txt").write_text("before", encoding="utf-8")

    def interrupted():
        with whole_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("a.txt", "before")]


def test_new_folders_go_again_when_nothing_was_written(tmp_path):
    require_writable_folder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_files_that_an_earlier_result_left_do_not_stay_beside_those_of_the_new_one(tmp_path):
    (tmp_path / "old.txt").write_text("of the result before", encoding="utf-8")
    (tmp_path / "mine.txt").write_text("of the user", encoding="utf-8")
    with whole_files(tmp_path, replaces=["old.txt", "a.txt", "b.txt"]) as staging:
        two_files("new")(staging)
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt", "mine.txt"]


def test_results_that_do_not_fit_are_kept_elsewhere_and_the_sentence_says_where(tmp_path):
    def write(folder):
        if folder.name.startswith(".writing-"):
            (folder / "a.txt").write_text("half", encoding="utf-8")
            raise FULL
        return two_files("whole")(folder)

    with pytest.raises(ResultsElsewhere, match="No space left on device") as raised:
        keep_results(tmp_path / "out", write)
    kept = Path(str(raised.value).rsplit(" ", 1)[1].rstrip("."))
    assert (kept / "a.txt").read_text(encoding="utf-8") == (kept / "b.txt").read_text(encoding="utf-8") == "whole"
    assert not list(tmp_path.iterdir())


def test_results_that_can_be_written_nowhere_are_told_and_leave_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def write(folder):
        raise FULL

    with pytest.raises(InputError, match="No space left on device"):
        keep_results(tmp_path / "out", write)
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_two_jobs_that_write_one_folder_at_once_do_not_mix_their_files(tmp_path):
    failures = []

    def job(text):
        try:
            for _ in range(20):
                require_writable_folder(tmp_path / "new")
                keep_results(tmp_path / "new", two_files(text))
                with files._locked(tmp_path / "new"):
                    texts = {(tmp_path / "new" / name).read_text(encoding="utf-8") for name in ("a.txt", "b.txt")}
                if len(texts) != 1:
                    failures.append(texts)
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failures.append(error)

    jobs = [threading.Thread(target=job, args=(text,)) for text in "12"]
    for thread in jobs:
        thread.start()
    for thread in jobs:
        thread.join()
    assert not failures
    assert sorted(os.listdir(tmp_path / "new")) == ["a.txt", "b.txt"]


def test_a_lock_that_a_killed_process_left_does_not_stop_the_next_one(tmp_path):
    lock = tmp_path / files.LOCK
    lock.mkdir()
    long_ago = time.time() - 10 * files.LOCK_IS_STALE_AFTER
    os.utime(lock, (long_ago, long_ago))
    keep_results(tmp_path, two_files("new"))
    assert sorted(os.listdir(tmp_path)) == ["a.txt", "b.txt"]


def test_written_files_have_the_permissions_that_the_user_set(tmp_path):
    former = os.umask(0o027)
    try:
        with whole_file(tmp_path / "a.txt") as temporary:
            temporary.write_text("a", encoding="utf-8")
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "target.txt").write_text("before", encoding="utf-8")
    (tmp_path / "link.txt").symlink_to(tmp_path / "target.txt")
    with whole_file(tmp_path / "link.txt") as temporary:
        temporary.write_text("after", encoding="utf-8")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text(encoding="utf-8") == "after"


@pytest.mark.parametrize("name", ["with space.txt", "Gehörgang.txt", "\U0001f9e0.txt", "-o.txt", "two\nlines.txt"])
def test_any_name_that_is_text_can_be_written(name, tmp_path):
    require_writable_file(tmp_path / name)
    with whole_file(tmp_path / name) as temporary:
        temporary.write_text("a", encoding="utf-8")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (b"l\xfcng.txt".decode("utf-8", "surrogateescape"), "bytes that are no text"),
        ("n" * 300 + ".txt", "too long"),
        ("folder", "is a folder"),
        ("new/", "is a folder"),
        ("file.txt/a.txt", "Not a directory|cannot be reached|Cannot write"),
        ("zero\0byte.txt", "bytes that are no text"),
    ],
)
def test_names_that_cannot_be_written_are_told_before_any_work(name, sentence, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.txt").write_text("a", encoding="utf-8")
    with pytest.raises(InputError, match=sentence) as raised:
        require_writable_file(f"{tmp_path}/{name}")
    str(raised.value).encode("utf-8")
    assert sorted(os.listdir(tmp_path)) == ["file.txt", "folder"]


def test_a_device_is_no_place_for_a_file():
    with pytest.raises(InputError, match="no ordinary file"):
        require_writable_file("/dev/null")


def test_a_home_folder_is_meant_by_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert require_writable_file("~/a.txt") == tmp_path / "a.txt"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users that can be changed")
def test_folders_that_may_not_be_looked_into_are_told_in_one_sentence(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    program = (
        "import os, sys\n"
        "from SAMRegistrationLib.errors import InputError\n"
        "from SAMRegistrationLib.files import require_writable_folder\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try:\n    require_writable_folder(sys.argv[1])\n"
        "except InputError as error:\n    print(error)\n"
    )
    tmp_path.chmod(0o755)
    for parent in (tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(Path(files.__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(closed / "out")], capture_output=True, encoding="utf-8", env=environment
    )
    closed.chmod(0o755)
    assert "Permission denied" in ended.stdout, ended.stderr
    assert len(ended.stdout.splitlines()) == 1


def test_errors_of_libraries_become_one_sentence_with_their_reason():
    raw = "Exception thrown in SimpleITK ReadImage: /tmp/x.cxx:97:\nITK ERROR: NrrdImageIO(0x55ab): No such field"
    assert sentence_of(RuntimeError(raw)) == "No such field"
    with pytest.raises(Exception, match=r"^The work failed \(No such field\)\.$"), translated("The work"):
        raise RuntimeError(raw)
