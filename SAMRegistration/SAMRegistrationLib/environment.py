"""What this computer offers: the packages that the library needs, and the devices that can compute."""

import ctypes
import functools
import os
import re
import sys
from importlib import metadata, util
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from .errors import InputError, PackageError


class Package(NamedTuple):
    """A package: how pip calls it, the module it gives, its version, None where it is not there, and the oldest one
    that will do."""

    name: str
    module: str
    version: Optional[str]
    oldest: str = "0"

    @property
    def is_too_old(self) -> bool:
        """Whether it is there, but older than what will do."""
        return self.version is not None and _release(self.version) < _release(self.oldest)


class Device(NamedTuple):
    """A device as the library calls it ("cpu", "cuda:0", ...), its name, and its free memory in bytes, if known."""

    id: str
    name: str
    free: Optional[int]


_NEEDED = (
    ("torch", "torch", "2.1"),
    ("safetensors", "safetensors", "0.4"),
    ("packaging", "packaging", "21"),
    ("SimpleITK", "SimpleITK", "2.2"),
    ("pydicom", "pydicom", "2.4"),
    ("numpy", "numpy", "1.23"),
    ("Pillow", "PIL", "9.1"),
    ("Jinja2", "jinja2", "3.0"),
    *((("tomli", "tomli", "2.0"),) if sys.version_info < (3, 11) else ()),
)


def packages() -> List[Package]:
    """The packages that are needed; none of them is imported."""
    return [Package(name, module, _version(name, module), oldest) for name, module, oldest in _NEEDED]


def missing_packages() -> List[str]:
    """The names of those that are not installed."""
    return [package.name for package in packages() if package.version is None]


def require_packages() -> None:
    """Go on only where everything that is needed is installed.

    Raises:
        PackageError: a package is missing or too old.
    """
    found = packages()
    absent = [package for package in found if package.version is None]
    outdated = [package for package in found if package.is_too_old]
    if absent or outdated:
        problems = [f"{package.name} is not installed" for package in absent]
        problems += [f"{package.name} {package.version} is older than {package.oldest}" for package in outdated]
        raise PackageError(f"{', '.join(problems)}; {_how_to_install(absent + outdated)}.")


def explain_import(error: ImportError) -> str:
    """A sentence for an import that failed: what is missing or does not fit, and what to do."""
    name = (error.name or "").split(".")[0]
    if isinstance(error, ModuleNotFoundError) and name:
        known = [Package(*entry[:2], None, entry[2]) for entry in _NEEDED if entry[1] == name]
        return f"{name} is not installed; {_how_to_install(known or [Package(name, name, None)])}."
    return f"A package cannot be loaded ({error}); install packages that fit each other in a new virtual environment."


def is_there(module: str) -> bool:
    """Whether a module can be imported, as far as can be told without importing it."""
    try:
        return util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package that is there in part, or not at all
        return False


def processor() -> Device:
    """The CPU; imports nothing."""
    return Device("cpu", f"CPU ({os.cpu_count() or 1} cores)", _free_memory())


def load_torch() -> None:
    """Import torch so that the other threads of the application go on meanwhile.

    Where Python itself would load the largest library, it holds up all of its threads for that time; so it is loaded
    before, by a call out of Python. On Windows torch does so itself.
    """
    found = None if "torch" in sys.modules or os.name != "posix" else util.find_spec("torch")
    if found is not None and found.origin:
        library = Path(found.origin).parent / "lib" / ("libtorch.dylib" if sys.platform == "darwin" else "libtorch.so")
        ctypes.CDLL(None).dlopen(os.fsencode(library), os.RTLD_NOW)
    import torch  # noqa: F401


def devices() -> List[Device]:
    """The CPU and every CUDA device; imports torch, which takes a while."""
    load_torch()
    import torch

    found = [processor()]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, _ = torch.cuda.mem_get_info(index)
        found.append(Device(f"cuda:{index}", torch.cuda.get_device_name(index), free))
    return found


def usable_device(name: str) -> str:
    """`name` where this computer has that device, else "auto"; imports torch.

    Example:
        >>> usable_device("cpu")
        'cpu'
    """
    load_torch()
    import torch

    if name in ("auto", "cpu"):
        return name
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    number = name.partition(":")[2] or "0"
    return name if number.isdigit() and int(number) < count else "auto"


def choose_device(name: str) -> str:
    """ "cpu", "cuda" or "cuda:N" from a device's name or "auto", which takes the first GPU where there is one.

    Raises:
        InputError: a GPU is asked for that is not here.
    """
    if usable_device(name) != name:
        raise InputError(f"There is no CUDA device {name} here; choose the device cpu or auto.")
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def report() -> Dict[str, Any]:
    """Packages and devices as plain data; torch and the devices beyond the CPU only where torch can be imported."""
    found: Dict[str, Any] = {"packages": [package._asdict() for package in packages()]}
    try:
        import torch

        found["cuda"] = torch.version.cuda
        found["devices"] = [device._asdict() for device in devices()]
    except (ImportError, OSError) as error:  # OSError: a library of torch that cannot be loaded
        found["cuda"], found["devices"], found["problem"] = None, [processor()._asdict()], str(error)
    return found


def _how_to_install(wanted: List[Package]) -> str:
    names = [package.name if package.oldest == "0" else f'"{package.name}>={package.oldest}"' for package in wanted]
    return f"install it with: python -m pip install {' '.join(names)}"


def _release(version: str) -> Tuple[int, ...]:
    """The numbers at the beginning of a version; very large where there are none, as then nothing is known."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in numbers.group().split(".")) if numbers else (sys.maxsize,)


def _version(name: str, module: str) -> Optional[str]:
    if not is_there(module):
        return None
    try:
        return _version_by_pip(name)
    except metadata.PackageNotFoundError:  # not installed by pip, as SimpleITK within 3D Slicer
        return str(getattr(sys.modules.get(module), "__version__", "?"))


@functools.cache
def _version_by_pip(name: str) -> str:
    """The version of a distribution when it was asked for first: reading it takes some milliseconds."""
    return metadata.version(name)


def _free_memory() -> Optional[int]:
    if sys.platform == "win32":
        return _free_memory_of_windows()
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            values = dict(line.split(":", 1) for line in lines)
        return int(values["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):  # another system than Linux
        return None


def _free_memory_of_windows() -> Optional[int]:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("free", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 5),
        )

    status = Status(length=ctypes.sizeof(Status))
    known = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.free) if known else None
