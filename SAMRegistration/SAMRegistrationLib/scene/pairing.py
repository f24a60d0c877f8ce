"""Which segments of two segmentations are one structure, and what each is for in a registration."""

from typing import Dict, List, NamedTuple, Optional, Tuple

from slicer.i18n import tr as _

from ..choices import GUIDE, IGNORE, RIGID
from ..geometry.grid import Grid
from ..volumes import StructureMasks, name_key
from .masks import SegmentMask, structure_masks
from .roles import common_role

MOST_NAMED = 5


class Part(NamedTuple):
    """A structure with a mask in one image at least; its masks are None where it has none."""

    name: str
    role: str
    fixed: Optional[SegmentMask]
    moving: Optional[SegmentMask]

    @property
    def is_paired(self) -> bool:
        """Whether both images have a mask of it."""
        return self.fixed is not None and self.moving is not None


def parts_of(fixed: List[SegmentMask], moving: List[SegmentMask]) -> List[Part]:
    """The structures with a mask of both segmentations, matched by name (case and outer blanks ignored); those of both
    first.

    Segments whose name occurs several times are matched only where their ids agree too. May run on any thread.
    """
    pairs = _pairs(fixed, moving)
    parts = [Part(first.name, common_role(first.role, second.role), first, second) for first, second in pairs]
    paired = {id(mask) for pair in pairs for mask in pair}
    for number, masks in enumerate((fixed, moving)):
        for mask in masks:
            if mask.image is not None and id(mask) not in paired:
                parts.append(Part(mask.name, mask.role, *((mask, None) if number == 0 else (None, mask))))
    return parts


def both_sides(parts: List[Part], fixed: Grid, moving: Grid) -> Tuple[Optional[StructureMasks], ...]:
    """The structures (1, 2, ...) of each image on its grid; None without any."""
    return one_side([part.fixed for part in parts], fixed), one_side([part.moving for part in parts], moving)


def one_side(masks: List[SegmentMask], grid: Grid) -> Optional[StructureMasks]:
    """Masks as structures (1, 2, ...) on a grid; None without any."""
    return structure_masks(masks, range(1, len(masks) + 1), [mask.name for mask in masks], grid)


def notes_of(parts: List[Part], compared: bool) -> List[str]:
    """Sentences about structures that are left out: rigid ones of the moving image only, and guiding ones of one image.

    Args:
        compared: both images have structures, so that guiding ones of one image are told.
    """
    alone = [part.name for part in parts if part.role == GUIDE and not part.is_paired]
    notes = []
    if alone and compared:
        text = _("Left out, as only one image has a mask of that name: {names}.")
        notes.append(text.format(names=_named(alone)))
    loose = [part.name for part in parts if part.role == RIGID and part.fixed is None]
    if loose:
        text = _("Not kept rigid, as the fixed image has no mask of that name: {names}.")
        notes.append(text.format(names=_named(loose)))
    return notes


def guiding(parts: List[Part]) -> List[Part]:
    """Those whose masks pull: what is to be ignored does not, and what stays rigid is brought where it belongs."""
    return [part for part in parts if part.is_paired and part.role != IGNORE]


def _named(names: List[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")


def _pairs(fixed: List[SegmentMask], moving: List[SegmentMask]) -> List[Tuple[SegmentMask, SegmentMask]]:
    fixed_names, moving_names = (_by_name(masks) for masks in (fixed, moving))
    pairs = []
    for name, masks in fixed_names.items():
        others = moving_names.get(name, [])
        if len(masks) == len(others) == 1:
            pairs.append((masks[0], others[0]))
        else:
            pairs += [(mask, other) for mask in masks for other in others if mask.id == other.id]
    return pairs


def _by_name(masks: List[SegmentMask]) -> Dict[str, List[SegmentMask]]:
    found: Dict[str, List[SegmentMask]] = {}
    for mask in masks:
        if mask.image is not None:
            found.setdefault(name_key(mask.name), []).append(mask)
    return found
