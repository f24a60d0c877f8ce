"""Files that are written whole or not at all, and folders that can be written."""

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Tuple, TypeVar, Union

from .errors import InputError, ResultsElsewhere
from .system_errors import sentence_of

PathLike = Union[str, "os.PathLike[str]"]
Result = TypeVar("Result")

LOCK = ".publishing"
LOCK_IS_STALE_AFTER = 30.0  # seconds; publishing only renames files, which takes far less


@contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, with the same file name, moved into place on success.

    What is written beside the temporary path, as the voxel file of a .mhd header, is moved along with it. What was
    there before stays as it was unless every file could be moved.

    Raises:
        InputError: the folder cannot be created or written.
    """
    path = require_usable_path(path)
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    with _staging_folder(path.parent) as staging:
        temporary = staging / path.name
        yield temporary
        _publish(staging, path.parent, last=path.name)


@contextmanager
def whole_files(folder: PathLike, replaces: Iterable[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder; on success its files move into `folder`, on failure none of them do.

    Args:
        replaces: names of files that an earlier result may have left in `folder`; those that were not written again
            are removed, so that the folder never holds files of two results.

    Raises:
        InputError: the folder cannot be created or written.
    """
    folder = require_usable_path(folder)
    with _staging_folder(folder) as staging:
        yield staging
        _publish(staging, folder, obsolete=replaces)


def keep_results(folder: PathLike, write: Callable[[Path], Result], replaces: Iterable[str] = ()) -> Result:
    """Write the results of long work into `folder`; where that fails, into a new folder for temporary files.

    Args:
        write: called with an existing folder, once or, after a failure, twice.
        replaces: see :func:`whole_files`.

    Raises:
        ResultsElsewhere: the results could not be written into `folder`; it says where they are instead.
        InputError: they could be written nowhere.
    """
    folder = Path(folder)
    try:
        with whole_files(folder, replaces) as staging:
            return write(staging)
    except (OSError, RuntimeError, InputError) as error:
        rescue = Path(tempfile.mkdtemp(prefix="samregistration-"))
        try:
            write(rescue)
        except (OSError, RuntimeError) as second:
            shutil.rmtree(rescue, ignore_errors=True)
            raise InputError(
                f"The results can be written neither into {shown(folder)} ({sentence_of(error)}) nor into "
                f"{rescue} ({sentence_of(second)}); free some space and register again."
            ) from error
        raise ResultsElsewhere(
            f"The results could not be written into {shown(folder)} ({sentence_of(error)}); they are in {rescue}."
        ) from error


def keep_file(path: PathLike, write: Callable[[Path], None]) -> None:
    """Write the file that long work ends with; where that fails, into a new folder for temporary files.

    Args:
        write: called with the path, or with one of the same name elsewhere.

    Raises:
        ResultsElsewhere: the file could not be written where it was asked for; it says where it is instead.
    """
    try:
        write(Path(path))
    except (OSError, RuntimeError) as error:
        kept = Path(tempfile.mkdtemp(prefix="samregistration-")) / Path(path).name
        write(kept)
        raise ResultsElsewhere(
            f"{shown(path)} could not be written ({sentence_of(error)}); it is in {kept}."
        ) from error


def require_writable_folder(folder: PathLike) -> Path:
    """Check, before any work is done, that files can be written into `folder`, which need not exist.

    Raises:
        InputError: the folder cannot be created or written.
    """
    folder = require_usable_path(folder)
    with _staging_folder(folder):
        pass
    return folder


def require_writable_file(path: PathLike) -> Path:
    """Check, before any work is done, that a file can be written to `path`.

    Raises:
        InputError: its folder cannot be created or written, the name is too long, or a folder or a file that must not
            be changed has that name.
    """
    names_folder = str(path).endswith(("/", os.sep))
    path = require_usable_path(path)
    if path.is_dir() or names_folder:
        raise InputError(f"{shown(path)} is a folder; give the name of a file.")
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{shown(path)} is write-protected; choose another name.")
    if path.exists() and not path.is_file():
        raise InputError(f"{shown(path)} is no ordinary file; choose another name.")
    with _staging_folder(path.parent) as staging:
        _attempt(staging / path.name, path)
    return path


def require_usable_path(path: PathLike) -> Path:
    """`path` with a leading ~ replaced by the home folder.

    Raises:
        InputError: it is empty, holds bytes that are no text, which libraries for images cannot open, or lies in a
            folder that may not be looked into.
    """
    if not str(path).strip():
        raise InputError("The name of a file is empty; give one.")
    path = Path(path)
    try:
        if "\0" in str(path):
            raise ValueError
        str(path).encode("utf-8")
        path = path.expanduser() if str(path).startswith("~") else path
        path.exists()
    except (UnicodeEncodeError, ValueError) as error:
        raise InputError(f"The name {shown(path)} holds bytes that are no text; rename the file or folder.") from error
    except RuntimeError as error:  # a home folder that is not known
        raise InputError(f"{shown(path)} names a home folder that does not exist; give the whole path.") from error
    except OSError as error:
        raise InputError(f"{shown(path)} cannot be reached ({sentence_of(error)}); choose another place.") from error
    return path


def shown(path: PathLike) -> str:
    """`path` as text that every terminal and file can hold: bytes that are no text are escaped."""
    text = str(path)
    if len(text) > 200:
        text = f"{text[:60]}...{text[-60:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@contextmanager
def _staging_folder(folder: Path) -> Iterator[Path]:
    created = _missing_parents(folder)
    try:
        staging = _new_staging_folder(folder)
    except OSError as error:
        raise InputError(
            f"Cannot write into {shown(folder)} ({sentence_of(error)}); choose another output folder."
        ) from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(created)


def _new_staging_folder(folder: Path) -> Path:
    """A folder for temporary files within `folder`, which is made where it is missing."""
    for attempt in range(5):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
        except FileNotFoundError:  # another process that was done with the new folder removed it in between
            if attempt == 4:
                raise
    raise AssertionError


def _attempt(temporary: Path, path: Path) -> None:
    try:
        temporary.touch()
    except OSError as error:
        raise InputError(
            f"A file cannot be named {shown(path.name)} ({sentence_of(error)}); choose another name."
        ) from error


def _publish(staging: Path, folder: Path, last: str = "", obsolete: Iterable[str] = ()) -> None:
    """Move the files of `staging` into `folder`, `last` at the end; where one cannot be moved, all is as before."""
    files = sorted(staging.iterdir(), key=lambda file: (file.name == last, file.name))
    names = {file.name for file in files}
    before = Path(tempfile.mkdtemp(prefix="before-", dir=staging))
    moved: List[Tuple[Path, Path]] = []
    with _locked(folder):
        try:
            for name in [*sorted(set(obsolete) - names), *(file.name for file in files)]:
                if (folder / name).is_dir():
                    raise InputError(f"{shown(folder / name)} is a folder; a file of that name cannot be written.")
                if os.path.lexists(folder / name):
                    os.replace(folder / name, before / name)
                    moved.append((before / name, folder / name))
            for file in files:
                moved.append((folder / file.name, file))
                os.replace(file, folder / file.name)
        except BaseException:
            for now, back in reversed(moved):
                if os.path.lexists(now):
                    os.replace(now, back)
            raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time move files into `folder`, so that the files of two results do not mix."""
    lock = folder / LOCK
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            if _age(lock) > LOCK_IS_STALE_AFTER:
                _remove_empty([lock])
            time.sleep(0.02)
    try:
        yield
    finally:
        _remove_empty([lock])


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _missing_parents(folder: Path) -> List[Path]:
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    return missing


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # it holds files, or another process removed it
            return
