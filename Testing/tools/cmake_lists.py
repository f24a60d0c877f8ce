"""List every script and resource of the module in its CMakeLists.txt: what is not listed is missing in the package.

python Testing/tools/cmake_lists.py          write the lists
python Testing/tools/cmake_lists.py --check  only say whether they are up to date
"""

import re
import sys
from pathlib import Path
from typing import Dict, List

MODULE = Path(__file__).resolve().parents[2] / "SAMRegistration"
LEFT_OUT = {"__pycache__", ".DS_Store", "CMakeLists.txt"}


def files_of(module: Path) -> Dict[str, List[str]]:
    """Paths relative to the folder `module`, by the name of the CMake list they belong to."""
    files = [path.relative_to(module) for path in sorted(module.rglob("*")) if path.is_file()]
    listed = [
        path
        for path in files
        if not LEFT_OUT & set(path.parts) and not any(part.endswith(".egg-info") for part in path.parts)
    ]
    return {
        "MODULE_PYTHON_SCRIPTS": [path.as_posix() for path in listed if path.suffix == ".py"],
        "MODULE_PYTHON_RESOURCES": [path.as_posix() for path in listed if path.suffix != ".py"],
    }


def listed_in(text: str, name: str) -> List[str]:
    """The entries of the list `name` in the text of a CMakeLists.txt."""
    return _pattern(name).search(text).group("entries").split()


def with_lists(text: str, lists: Dict[str, List[str]]) -> str:
    """The text of a CMakeLists.txt with the entries of `lists` in place of its own."""
    for name, entries in lists.items():
        block = "".join(f"  {entry}\n" for entry in entries)
        text = _pattern(name).sub(lambda match, block=block: f"{match.group('start')}\n{block}  )", text)
    return text


def _pattern(name: str) -> "re.Pattern[str]":
    return re.compile(rf"(?P<start>^set\({name})\s(?P<entries>[^)]*)\)", re.MULTILINE)


def main() -> int:
    """Write or check the lists."""
    cmake = MODULE / "CMakeLists.txt"
    current = cmake.read_text(encoding="utf-8")
    wanted = with_lists(current, files_of(MODULE))
    if current == wanted:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{cmake} does not list what is there; run `make cmake-lists`.")
        return 1
    cmake.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
