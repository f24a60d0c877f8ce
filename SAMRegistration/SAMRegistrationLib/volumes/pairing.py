"""Which structures of two images are the same."""

from typing import Dict, List, Tuple

from .structure_masks import StructureMask, StructureMasks, name_key

_MOST_NAMED = 3


def with_numbers_of(fixed: StructureMasks, moving: StructureMasks) -> Tuple[StructureMasks, List[str]]:
    """The moving structures, so numbered that the same number is the same structure as in the fixed image.

    Where both images name a structure, its name decides (case and outer blanks do not count), also against the numbers;
    names that occur several times are told apart by their numbers. Where only one of them does, or none, its number
    decides.

    Returns:
        The structures, and sentences about numbers that contradict the names and about names that only one image has.
    """
    pairs = _by_name(fixed, moving)
    pairs += _by_number(fixed, moving, pairs)
    partners = {theirs.label: ours.label for ours, theirs in pairs}
    numbers, taken = dict(partners), {*fixed.labels}
    for structure in moving.structures:
        if structure.label not in partners:
            free = structure.label not in taken
            numbers[structure.label] = structure.label if free else 1 + max((*taken, *moving.labels))
            taken.add(numbers[structure.label])
    return moving.renumbered(numbers), _notes(fixed, moving, pairs)


Pairs = List[Tuple[StructureMask, StructureMask]]


def _by_name(fixed: StructureMasks, moving: StructureMasks) -> Pairs:
    ours, theirs = _names(fixed), _names(moving)
    pairs: Pairs = []
    for name, structures in ours.items():
        others = theirs.get(name, [])
        if len(structures) == len(others) == 1:
            pairs.append((structures[0], others[0]))
        else:
            pairs += [(one, other) for one in structures for other in others if one.label == other.label]
    return pairs


def _names(structures: StructureMasks) -> Dict[str, List[StructureMask]]:
    found: Dict[str, List[StructureMask]] = {}
    for structure in structures.structures:
        if structure.name:
            found.setdefault(name_key(structure.name), []).append(structure)
    return found


def _by_number(fixed: StructureMasks, moving: StructureMasks, pairs: Pairs) -> Pairs:
    paired = [{pair[side].label for pair in pairs} for side in (0, 1)]
    others = {structure.label: structure for structure in moving.structures if structure.label not in paired[1]}
    return [
        (structure, others[structure.label])
        for structure in fixed.structures
        if structure.label not in paired[0]
        and structure.label in others
        and not (structure.name and others[structure.label].name)
    ]


def _notes(fixed: StructureMasks, moving: StructureMasks, pairs: Pairs) -> List[str]:
    notes = []
    named = [any(structure.name for structure in side.structures) for side in (fixed, moving)]
    if named[0] != named[1] and pairs:
        side = "fixed" if named[0] else "moving"
        notes.append(f"Only the {side} structures have names, so that structures are matched by their numbers.")
    crossed = [(ours, theirs) for ours, theirs in pairs if ours.label != theirs.label]
    if crossed:
        told = [f"{ours.name} is {ours.label} and {theirs.label}" for ours, theirs in crossed[:_MOST_NAMED]]
        more = f" and {len(crossed) - _MOST_NAMED} more" if len(crossed) > _MOST_NAMED else ""
        notes.append(
            "Structures are matched by name; their numbers in the fixed and the moving image differ "
            f"({', '.join(told)}{more}), and results use those of the fixed image."
        )
    repeated = [
        structures[0].name
        for names in (_names(fixed), _names(moving))
        for structures in names.values()
        if len(structures) > 1
    ]
    if repeated:
        notes.append(f'Several structures are called "{repeated[0]}"; they are matched where their numbers agree too.')
    return notes
