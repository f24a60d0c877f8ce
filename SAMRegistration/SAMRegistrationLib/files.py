"""Files that are written whole or not at all."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Union

from .errors import InputError

PathLike = Union[str, "os.PathLike[str]"]


@contextmanager
def whole_file(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, with the same file name, moved into place on success.

    Raises:
        InputError: the folder cannot be created or written.
    """
    path = Path(path)
    with _staging_folder(path.parent) as staging:
        temporary = staging / path.name
        yield temporary
        os.replace(temporary, path)


@contextmanager
def whole_files(folder: PathLike) -> Iterator[Path]:
    """Yield a temporary folder; on success its files move into `folder`, on failure none of them do.

    Raises:
        InputError: the folder cannot be created or written.
    """
    folder = Path(folder)
    with _staging_folder(folder) as staging:
        yield staging
        for file in sorted(staging.iterdir()):
            os.replace(file, folder / file.name)


def require_writable_folder(folder: PathLike) -> Path:
    """Check, before any work is done, that files can be written into `folder`, which need not exist.

    Raises:
        InputError: the folder cannot be created or written.
    """
    folder = Path(folder)
    created = _missing_parents(folder)
    with _staging_folder(folder):
        pass
    _remove_empty(created)
    return folder


@contextmanager
def _staging_folder(folder: Path) -> Iterator[Path]:
    created = _missing_parents(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    except OSError as error:
        raise InputError(f"Cannot write into {folder} ({error.strerror}); choose another output folder.") from error
    try:
        yield staging
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        _remove_empty(created)
        raise
    shutil.rmtree(staging, ignore_errors=True)


def _missing_parents(folder: Path) -> list:
    missing = []
    while not folder.exists() and folder != folder.parent:
        missing.append(folder)
        folder = folder.parent
    return missing


def _remove_empty(folders: list) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
