"""slicer.packaging, which here checks what is installed and installs nothing."""

import importlib.metadata
from pathlib import Path
from typing import Any, Callable, List, Optional, Union

Requirements = Union[str, Any, List[Any]]


def _listed(requirements: Requirements) -> List[str]:
    items = requirements if isinstance(requirements, (list, tuple)) else [requirements]
    return [str(item) for item in items]


def _parse(text: str) -> Any:
    from packaging.requirements import Requirement

    return Requirement(text)


def pip_check(req: Requirements, _seen: Optional[set] = None) -> bool:
    """Whether the requirements are met by what is installed (markers are honored, extras are not followed)."""
    for text in _listed(req):
        requirement = _parse(text)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        if not requirement.specifier.contains(version, prereleases=True):
            return False
    return True


def _refuse(requirements: Requirements) -> None:
    missing = [text for text in _listed(requirements) if not pip_check(text)]
    if missing:
        names = " ".join(missing)
        raise RuntimeError(f"The stand-in application installs nothing: run `python -m pip install {names}` yourself.")


def pip_ensure(
    requirements: Requirements,
    constraints: Union[str, Path, None] = None,
    skip_packages: Optional[List[str]] = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: Optional[str] = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> Optional[List[str]]:
    """Raises RuntimeError when something is missing; as in the application, testing mode skips silently."""
    import slicer

    if not (skip_in_testing and slicer.app.testingEnabled()):
        _refuse(requirements)
    return []


def pip_install(
    requirements: Requirements,
    constraints: Union[str, Path, None] = None,
    no_deps_requirements: Optional[Requirements] = None,
    skip_packages: Optional[List[str]] = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: Optional[str] = None,
    logCallback: Optional[Callable[[str], None]] = None,
    completedCallback: Optional[Callable[[int], None]] = None,
) -> Optional[List[str]]:
    """Raises RuntimeError when something is missing; otherwise there is nothing to do."""
    _refuse(requirements)
    if completedCallback is not None:
        completedCallback(0)
    return []


def pip_uninstall(
    requirements: Requirements,
    blocking: bool = True,
    logCallback: Optional[Callable[[str], None]] = None,
    completedCallback: Optional[Callable[[int], None]] = None,
) -> None:
    """Refused: the environment belongs to the user."""
    raise RuntimeError("The stand-in application uninstalls nothing: run pip yourself.")


def isPipInstallInProgress() -> bool:
    return False


def load_requirements(path: Union[str, Path]) -> List[Any]:
    """The requirements of a requirements.txt."""
    lines = (line.split(" #")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [_parse(line) for line in lines if line and not line.startswith(("#", "-"))]


def load_pyproject_dependencies(path: Union[str, Path]) -> List[Any]:
    """The dependencies of a pyproject.toml."""
    try:
        import tomllib
    except ModuleNotFoundError:
        import tomli as tomllib
    project = tomllib.loads(Path(path).read_text(encoding="utf-8")).get("project", {})
    return [_parse(text) for text in project.get("dependencies", [])]
