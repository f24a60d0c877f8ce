"""Make the virtual environment of the Makefile and install into it; what stands in the way is told in one sentence.

    python3 Testing/tools/set_up.py FOLDER [ARGUMENTS OF PIP INSTALL ...]

Runs on any Python from 3.6 on, without any package.
"""

import os
import subprocess
import sys

OLDEST = (3, 10)
NETWORK = (
    "NewConnectionError",
    "ConnectTimeout",
    "name resolution",
    "getaddrinfo",
    "Read timed out",
    "ProxyError",
    "(from versions: none)",  # what pip says where the registry did not answer at all
)


class SetUpError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def main(arguments):
    """Make the environment in a folder where there is none, and install what the other arguments say."""
    folder, wanted = arguments[0], arguments[1:]
    try:
        require_python(sys.version_info)
        python = make_environment(folder)
        if wanted:
            install(python, wanted)
    except SetUpError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def require_python(version):
    """Raise a SetUpError where Python is too old."""
    if tuple(version[:2]) < OLDEST:
        there, needed = ".".join(map(str, version[:3])), ".".join(map(str, OLDEST))
        raise SetUpError(
            f"Python {there} is too old, {needed} is needed; name another with make PYTHON=/path/to/python3."
        )


def make_environment(folder):
    """Make a virtual environment in `folder`, unless a whole one is there; its Python.

    Raises:
        SetUpError: Python lacks what is needed for that, or the folder cannot be written.
    """
    python = os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")
    if os.path.exists(python) and run([python, "-c", "import pip"]).returncode == 0:
        return python
    clear = ["--clear"] if os.path.exists(os.path.join(folder, "pyvenv.cfg")) else []
    done = run([sys.executable, "-m", "venv", *clear, folder])
    if done.returncode == 0:
        return python
    text = done.stdout
    if "ensurepip" in text or "No module named venv" in text:
        raise SetUpError(
            "This Python cannot make virtual environments; install its parts venv and pip (on Debian: python3-venv)."
        )
    raise SetUpError(f"The virtual environment {folder} cannot be made: {last_line(text)}")


def install(python, wanted):
    """Install by pip.

    Raises:
        SetUpError: a package cannot be downloaded or installed.
    """
    done = run([python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", *wanted])
    if done.returncode == 0:
        return
    text = done.stdout
    if any(word in text for word in NETWORK):
        raise SetUpError("The packages cannot be downloaded; connect this machine to the network and try again.")
    if "No space left" in text:
        raise SetUpError("The disk is full; free some gigabytes and try again.")
    raise SetUpError(f"pip cannot install the packages: {last_line(text)}")


def run(command):
    """Run a command and keep what it prints."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def last_line(text):
    """The line that says what went wrong: pip's last error, or the last line at all."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["no reason was given."])[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
