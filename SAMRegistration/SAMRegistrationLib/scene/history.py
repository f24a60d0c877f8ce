"""The states that a result had, one after the other; its nodes hold the one that is chosen."""

from dataclasses import dataclass, field, replace
from typing import Any, List, Optional

MOST_STEPS = 12  # kept; the oldest are let go


@dataclass(frozen=True)
class Step:
    """A state of the result.

    Attributes:
        name: as the user calls it.
        content: what its nodes hold, a :class:`.steps.Content`.
        masks: the segments with which it was made, a :class:`.correct.PairMasks`.
    """

    name: str
    content: Any
    masks: Any

    @property
    def rows(self) -> List[List[str]]:
        """The table of measures as text."""
        from .tables import table_rows

        return table_rows(self.content.table)


@dataclass
class History:
    """The states of one result, the oldest first, and which of them its nodes hold.

    Attributes:
        transform: the transform node of the result; another one is another result.
    """

    transform: Any = None
    steps: List[Step] = field(default_factory=list)
    at: int = -1

    @property
    def present(self) -> Optional[Step]:
        """The chosen step; None without any."""
        return self.steps[self.at] if self.steps else None

    def begin(self, transform, step: Step) -> None:
        """Begin with the first state of another result."""
        self.transform, self.steps, self.at = transform, [step], 0

    def clear(self) -> None:
        """Let go of everything."""
        self.transform, self.steps, self.at = None, [], -1

    def add(self, step: Step) -> None:
        """Add a step after the chosen one, in place of those that were undone."""
        self.steps = [*self.steps[: self.at + 1], step][-MOST_STEPS:]
        self.at = len(self.steps) - 1

    def rename(self, number: int, name: str) -> None:
        """Call a step otherwise."""
        self.steps[number] = replace(self.steps[number], name=name)
