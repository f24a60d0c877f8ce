"""Weights that can be downloaded: what there is, where they are kept, and the check before a file is used.

Nothing is downloaded unless :func:`download` is called. The folder is the user's: it may be looked at and emptied.
"""

import hashlib
import json
import os
import shutil
import sys
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from .errors import InputError, WeightsError
from .files import require_writable_folder
from .inside import inside, is_plain_name
from .job import Job
from .resources import MODELS

_BLOCK = 2**20
_PATIENCE = 30.0


@dataclass(frozen=True)
class WeightsFile:
    """A published weights file.

    Attributes:
        name: what the user calls it.
        url: where the publisher offers it; its last part is the file's name.
        sha256: of the whole file, hexadecimal.
        size: bytes.
        license: of the weights.
        shape: image encoder, e.g. "ViT-B".
        source: who publishes it.
    """

    name: str
    url: str
    sha256: str
    size: int
    license: str
    shape: str
    source: str

    @property
    def file(self) -> str:
        """Name of the file in the folder."""
        return self.url.rsplit("/", 1)[1]


_SAM = ("Apache-2.0", "https://github.com/facebookresearch/segment-anything")
_SAM_URL = "https://dl.fbaipublicfiles.com/segment_anything/"
MANIFEST: Tuple[WeightsFile, ...] = (
    WeightsFile(
        "sam-vit-b",
        _SAM_URL + "sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        375042383,
        _SAM[0],
        "ViT-B",
        _SAM[1],
    ),
    WeightsFile(
        "sam-vit-l",
        _SAM_URL + "sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        1249524607,
        _SAM[0],
        "ViT-L",
        _SAM[1],
    ),
    WeightsFile(
        "sam-vit-h",
        _SAM_URL + "sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        2564550879,
        _SAM[0],
        "ViT-H",
        _SAM[1],
    ),
    WeightsFile(
        "medsam-vit-b",
        "https://zenodo.org/records/10689643/files/medsam_vit_b.pth",
        "34b34b78c1d18cb8c6bf84cf9c00e135d6d6c965699f3c0e31ef1bc9dcb5be74",
        375049145,
        "CC-BY-4.0",
        "ViT-B",
        "https://github.com/bowang-lab/MedSAM",
    ),
)


def find(name: str, manifest: Tuple[WeightsFile, ...] = MANIFEST) -> WeightsFile:
    """The manifest's entry of that name.

    Raises:
        InputError: there is none.
    """
    for entry in manifest:
        if entry.name == name:
            return entry
    raise InputError(f"There are no weights called '{name}'; choose among {', '.join(e.name for e in manifest)}.")


def default_folder() -> Path:
    """Where weights are kept: SAMREGISTRATION_WEIGHTS, or a folder of this program in the user's data folder."""
    if os.environ.get("SAMREGISTRATION_WEIGHTS"):
        return Path(os.environ["SAMREGISTRATION_WEIGHTS"])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "SAMRegistration" / "weights"


def default_weights() -> Optional[Path]:
    """The registration weights that ship with the extension; None where there are none."""
    found = sorted(MODELS.glob("registration-*.safetensors"))
    return found[-1] if found else None


def is_installed(entry: WeightsFile, folder: Optional[Path] = None) -> bool:
    """Whether a file of the right name and size is in the folder; :func:`installed_path` also checks its content."""
    path = _path(entry, folder)
    return path.is_file() and path.stat().st_size == entry.size


def installed_path(entry: WeightsFile, folder: Optional[Path] = None, job: Optional[Job] = None) -> Path:
    """The file, its checksum verified before it is used for the first time and whenever it changed since.

    Raises:
        WeightsError: it is missing, truncated, or another file than the published one.
        Canceled: the job was canceled.
    """
    path = _path(entry, folder)
    if not path.is_file():
        raise WeightsError(f"The weights {entry.name} are not installed; download them first ({_megabytes(entry)} MB).")
    if path.stat().st_size != entry.size:
        raise WeightsError(
            f"{path} has {path.stat().st_size} bytes instead of {entry.size}; remove it and download it again."
        )
    if not _is_known_good(path, entry):
        if _digest(path, Job() if job is None else job) != entry.sha256:
            raise WeightsError(
                f"{path} is not the published file (its checksum differs); remove it and download again."
            )
        _remember_good(path, entry)
    return path


def download(entry: WeightsFile, folder: Optional[Path] = None, job: Optional[Job] = None) -> Path:
    """Download a file into the folder and verify it; an interrupted download goes on where it stopped.

    The file gets its name only once it is complete and its checksum is right.

    Raises:
        WeightsError: the server cannot be reached, stops early or sends something else.
        InputError: the folder cannot be written, or the disk is full.
        Canceled: the job was canceled; the part that arrived is kept for the next time.
    """
    job = Job() if job is None else job
    path = _path(entry, folder)
    if path.is_file():
        return installed_path(entry, folder, job)
    require_writable_folder(path.parent).mkdir(parents=True, exist_ok=True)
    part = inside(path.parent, _part(path).name)
    have = part.stat().st_size if part.is_file() else 0
    if shutil.disk_usage(path.parent).free < entry.size - have + 50 * _BLOCK:
        raise InputError(f"There is not enough room in {path.parent} for {_megabytes(entry)} MB; free some space.")
    if have < entry.size:
        _Transfer(entry, part, have).run(job.part(0.0, 0.9))
    if _digest(part, job.part(0.9, 1.0)) != entry.sha256:
        part.unlink()
        raise WeightsError(f"The server sent another file than the published {entry.file}; nothing was installed.")
    os.replace(part, path)
    _remember_good(path, entry)
    job.update(1.0, f"{entry.name} installed")
    return path


def leftovers(entry: WeightsFile, folder: Optional[Path] = None) -> List[Path]:
    """What there is of a file: itself, the part of an interrupted download, and the note that it was verified."""
    path = _path(entry, folder)
    return [file for file in (path, _part(path), _mark(path)) if file.is_file()]


def remove(entry: WeightsFile, folder: Optional[Path] = None) -> bool:
    """Delete a file and what is left of an interrupted download; whether there was anything to delete."""
    files = leftovers(entry, folder)
    for file in files:
        file.unlink()
    return bool(files)


class _Transfer:
    """Receives the rest of a file on a thread of its own, so that a silent server cannot delay a cancel."""

    def __init__(self, entry: WeightsFile, part: Path, have: int):
        self._entry, self._part, self._have = entry, part, have
        self._stop = threading.Event()
        self._error: Optional[Exception] = None

    def run(self, job: Job) -> None:
        thread = threading.Thread(target=self._receive, name="weights download", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.1)
                arrived = f"{self._entry.name}: {self._have / 1e6:.0f} of {_megabytes(self._entry)} MB"
                job.update(self._have / self._entry.size, arrived)
        finally:
            self._stop.set()
        if self._error is not None:
            raise WeightsError(
                f"Cannot download {self._entry.url} ({self._error}); check the network and try again."
            ) from self._error
        if self._have != self._entry.size:
            raise WeightsError(
                f"The download stopped after {self._have} of {self._entry.size} bytes; start it again to go on."
            )

    def _receive(self) -> None:
        try:
            request = urllib.request.Request(self._entry.url, headers={"User-Agent": "SAMRegistration"})
            if self._have:
                request.add_header("Range", f"bytes={self._have}-")
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                goes_on = response.status == 206
                self._have = self._have if goes_on else 0
                with self._part.open("ab" if goes_on else "wb") as file:
                    self._copy(response, file)
        except Exception as error:  # noqa: BLE001 - raised as a sentence by the thread that waits
            self._error = error

    def _copy(self, response, file) -> None:
        while self._have < self._entry.size:
            block = response.read(min(_BLOCK, self._entry.size - self._have))
            if not block or self._stop.is_set():
                return
            file.write(block)
            self._have += len(block)


def _path(entry: WeightsFile, folder: Optional[Path]) -> Path:
    if not is_plain_name(entry.file):
        raise InputError(f"The weights {entry.name} have no name that a file could have: {entry.url}.")
    return (default_folder() if folder is None else Path(folder)) / entry.file


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _mark(path: Path) -> Path:
    return path.with_name(path.name + ".verified")


def _digest(path: Path, job: Job) -> str:
    digest, done, size = hashlib.sha256(), 0, max(path.stat().st_size, 1)
    with path.open("rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
            done += len(block)
            job.update(done / size, f"checking {path.name}")
    return digest.hexdigest()


def _state(path: Path, entry: WeightsFile) -> dict:
    stat = path.stat()
    return {"sha256": entry.sha256, "size": stat.st_size, "modified": stat.st_mtime_ns}


def _remember_good(path: Path, entry: WeightsFile) -> None:
    mark = _mark(path)
    inside(mark.parent, mark.name).write_text(json.dumps(_state(path, entry)), encoding="utf-8")


def _is_known_good(path: Path, entry: WeightsFile) -> bool:
    try:
        return json.loads(_mark(path).read_text(encoding="utf-8")) == _state(path, entry)
    except (OSError, ValueError):
        return False


def _megabytes(entry: WeightsFile) -> str:
    return f"{entry.size / 1e6:.0f}"
