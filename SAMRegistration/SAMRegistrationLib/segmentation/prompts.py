"""What the user clicked: structures with their points and boxes, in world coordinates (LPS mm).

Everything here is immutable: an edit makes a new :class:`PromptSet`, so undo keeps the old one. The JSON form loses
nothing: reading what was written gives an equal set.
"""

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

import numpy as np

from ..choices import BOX, DRAWN, LASSO, NEGATIVE, NEGATIVE_SCRIBBLE, POSITIVE, SCRIBBLE
from ..errors import InputError
from ..files import PathLike, whole_file
from ..points import read_text
from .intensity import Intensity

Vector = Tuple[float, float, float]

LARGEST_LABEL = 2**32 - 1  # of the widest type of a label image that other programs read
MOST_POINTS = 1000  # of a scribble or lasso
_COUNTS = {
    **{POSITIVE: (1, 1), NEGATIVE: (1, 1), BOX: (2, 2)},
    **{SCRIBBLE: (2, MOST_POINTS), NEGATIVE_SCRIBBLE: (2, MOST_POINTS), LASSO: (3, MOST_POINTS)},
}
_VERSIONS = (1, 2)  # of the file; the first had no scribbles and no lassos
_FORMAT = "sam-registration-prompts"


def new_id() -> str:
    """A fresh identifier for a structure or prompt."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Prompt:
    """A point, a box, a scribble or a lasso.

    Attributes:
        kind: POSITIVE, NEGATIVE, BOX, SCRIBBLE, NEGATIVE_SCRIBBLE or LASSO.
        points: one position, two opposite corners of a box, or the vertices of a stroke or a closed outline (LPS mm).
        normal: unit normal (LPS) of the grid plane that the prompt was set in, which passes through `points[0]`; None
            means the planes of highest resolution.
        proposed: carried over from the other image and not yet accepted.
        correction: set on a slice that already showed a propagated or imported mask, which it corrects.
        id: unique name.
    """

    kind: str
    points: Tuple[Vector, ...]
    normal: Optional[Vector] = None
    proposed: bool = False
    correction: bool = False
    id: str = field(default_factory=new_id)

    def __post_init__(self):
        if self.kind not in _COUNTS:
            raise InputError(f"Unknown prompt kind '{self.kind}'; use {', '.join(_COUNTS)}.")
        least, most = _COUNTS[self.kind]
        if not least <= len(self.points) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise InputError(f"A {self.kind} prompt needs {wanted} position(s), not {len(self.points)}.")
        points = tuple(_vector(point) for point in self.points)
        object.__setattr__(self, "points", points)
        _require_text(id=self.id)
        if self.normal is not None:
            object.__setattr__(self, "normal", _vector(self.normal))

    @property
    def is_area(self) -> bool:
        """Whether it holds the structure: a box or a lasso."""
        return self.kind in (BOX, LASSO)

    @property
    def is_drawn(self) -> bool:
        """Whether it was drawn with the mouse held down: a scribble or a lasso."""
        return self.kind in DRAWN

    @property
    def says_inside(self) -> bool:
        """Whether it says where the structure is, rather than where it is not."""
        return self.kind not in (NEGATIVE, NEGATIVE_SCRIBBLE)


@dataclass(frozen=True)
class Structure:
    """Something to segment.

    Attributes:
        name: as shown to the user.
        label: integer from 1 to LARGEST_LABEL of its voxels in label images; the same in both images.
        color: red, green, blue in [0, 1].
        terminology: code as text (Slicer's serialized terminology entry), or "".
        prompts: in the order in which they were set; corrections depend on that order.
        propagated: whether its mask reaches beyond the prompted slices ("To volume" was asked for).
        id: unique name; the same in the fixed and the moving image.
    """

    name: str
    label: int
    color: Vector = (1.0, 1.0, 0.0)
    terminology: str = ""
    prompts: Tuple[Prompt, ...] = ()
    propagated: bool = False
    id: str = field(default_factory=new_id)

    def __post_init__(self):
        if not 1 <= self.label <= LARGEST_LABEL or int(self.label) != self.label:
            allowed = f"a whole number above 0 and at most {LARGEST_LABEL}"
            raise InputError(f"The label of structure '{self.name}' must be {allowed}, not {self.label}.")
        _require_text(id=self.id, name=self.name, terminology=self.terminology)
        object.__setattr__(self, "label", int(self.label))
        object.__setattr__(self, "color", _vector(self.color))
        object.__setattr__(self, "prompts", tuple(self.prompts))


@dataclass(frozen=True)
class PromptSet:
    """All structures of one image, and how its intensities are shown to the predictor (None: chosen by the image)."""

    structures: Tuple[Structure, ...] = ()
    intensity: Optional[Intensity] = None

    def structure(self, structure_id: str) -> Structure:
        """The structure of that id.

        Raises:
            InputError: there is none.
        """
        for structure in self.structures:
            if structure.id == structure_id:
                return structure
        raise InputError("That structure does not exist any more; choose another one.")

    def has(self, structure_id: str) -> bool:
        """Whether there is a structure of that id."""
        return any(structure.id == structure_id for structure in self.structures)

    def owner(self, prompt_id: str) -> Structure:
        """The structure that holds the prompt of that id.

        Raises:
            InputError: there is none.
        """
        for structure in self.structures:
            if any(prompt.id == prompt_id for prompt in structure.prompts):
                return structure
        raise InputError("That prompt does not exist any more.")

    def prompt(self, prompt_id: str) -> Prompt:
        """The prompt of that id.

        Raises:
            InputError: there is none.
        """
        return next(prompt for prompt in self.owner(prompt_id).prompts if prompt.id == prompt_id)

    def free_label(self) -> int:
        """The smallest label that no structure has."""
        used = {structure.label for structure in self.structures}
        return next(label for label in range(1, len(used) + 2) if label not in used)

    def with_structure(self, structure: Structure) -> "PromptSet":
        """This set with `structure` in place of the one of the same id, or added at the end.

        Raises:
            InputError: another structure has the same label.
        """
        others = [other for other in self.structures if other.id != structure.id]
        if any(other.label == structure.label for other in others):
            raise InputError(f"Label {structure.label} is already taken by another structure.")
        if len(others) == len(self.structures):
            return replace(self, structures=(*self.structures, structure))
        return replace(self, structures=tuple(structure if s.id == structure.id else s for s in self.structures))

    def without_structure(self, structure_id: str) -> "PromptSet":
        """This set without the structure of that id.

        Raises:
            InputError: there is none.
        """
        self.structure(structure_id)
        return replace(self, structures=tuple(s for s in self.structures if s.id != structure_id))

    def to_dict(self) -> Dict[str, Any]:
        """JSON-ready form; positions in LPS mm. Its version is the oldest that has all kinds of its prompts."""
        intensity = None if self.intensity is None else asdict(self.intensity)
        structures = [asdict(structure) for structure in self.structures]
        version = 2 if self._has_drawn() else 1
        return {"format": _FORMAT, "version": version, "frame": "LPS", "intensity": intensity, "structures": structures}

    @classmethod
    def from_dict(cls, data: Any) -> "PromptSet":
        """Inverse of :meth:`to_dict`. `normal`, `color`, `label` and ids may be left out of files written by hand.

        Raises:
            InputError: not a prompts file, or a frame or version that this version cannot read.
        """
        if not isinstance(data, dict) or data.get("format") != _FORMAT:
            raise InputError(f'This is not a prompts file: it lacks "format": "{_FORMAT}".')
        if data.get("version") not in _VERSIONS:
            raise InputError(f"Prompts of version {data.get('version')} cannot be read; versions 1 and 2 can.")
        if data.get("frame", "LPS") != "LPS":
            raise InputError(f"Prompts must be in the LPS frame, not {data.get('frame')}.")
        try:
            intensity = Intensity(**data["intensity"]) if data.get("intensity") else None
            result = cls(intensity=intensity)
            for entry in data["structures"]:
                result = result.with_structure(_structure(entry, result.free_label()))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"The prompts file is damaged ({type(error).__name__}: {error}).") from error
        ids = [prompt.id for structure in result.structures for prompt in structure.prompts]
        if len(set(ids)) != len(ids) or len({s.id for s in result.structures}) != len(data["structures"]):
            raise InputError("The prompts file gives the same id to two prompts or structures.")
        if data["version"] == 1 and result._has_drawn():
            raise InputError('Scribbles and lassos need "version": 2 of the prompts file.')
        return result

    def _has_drawn(self) -> bool:
        return any(prompt.is_drawn for structure in self.structures for prompt in structure.prompts)

    def save(self, path: PathLike) -> None:
        """Write as JSON, whole or not at all."""
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: PathLike) -> "PromptSet":
        """Read a JSON file written by :meth:`save` or by hand.

        Raises:
            InputError: the file is missing, is not JSON, or is not a prompts file.
        """
        try:
            data = json.loads(read_text(Path(path)))
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is not a JSON file.") from error
        try:
            return cls.from_dict(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _structure(entry: Dict[str, Any], free_label: int) -> Structure:
    prompts = tuple(Prompt(**prompt) for prompt in entry.get("prompts", ()))
    return Structure(**{"label": free_label, **entry, "prompts": prompts})


def _require_text(**values: str) -> None:
    for name, value in values.items():
        if not isinstance(value, str):
            raise InputError(f"The {name} of a structure or prompt must be text, not {value!r:.60}.")


def _vector(values: Sequence[float]) -> Vector:
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"Expected three finite numbers, not {values!r:.60}.") from error
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"Expected three finite numbers, not {values!r:.60}.")
    return tuple(float(value) for value in vector)
