"""In which order the frames of a sequence are registered, and from which neighbor each of them starts."""

from typing import List, NamedTuple

from ..errors import InputError


class Step(NamedTuple):
    """A frame, and the frame whose motion it starts from: a neighbor that is nearer to the reference."""

    frame: int
    start: int


def order_of(count: int, reference: int, cyclic: bool = False) -> List[Step]:
    """The frames of a sequence but the reference, each after the one that it starts from.

    Args:
        count: of all frames.
        reference: number of the frame that the others are registered to, from 0.
        cyclic: whether the first frame follows the last one, as in a cine of a heart cycle.

    Raises:
        InputError: there is no such frame, or only one.

    Example:
        >>> [step.frame for step in order_of(5, 1)]
        [2, 3, 4, 0]
        >>> [step.frame for step in order_of(5, 1, cyclic=True)]
        [2, 3, 0, 4]
    """
    require_frame(count, reference)
    ahead, back = (count // 2, (count - 1) // 2) if cyclic else (count - 1 - reference, reference)
    return [
        Step((reference + sign * distance) % count, (reference + sign * (distance - 1)) % count)
        for sign, most in ((1, ahead), (-1, back))
        for distance in range(1, most + 1)
    ]


def require_frame(count: int, number: int) -> None:
    """Refuse the number of a frame that a sequence does not have.

    Raises:
        InputError: as it says, or a single frame is no sequence.
    """
    if count < 2:
        raise InputError("A sequence needs two frames at least.")
    if not 0 <= number < count:
        raise InputError(f"There is no frame {number}; the frames are 0 to {count - 1}.")
