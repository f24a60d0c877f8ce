"""Edits of a prompt set as commands, and the history that undoes and redoes them."""

from dataclasses import dataclass, replace
from typing import Any, List, NamedTuple, Optional, Protocol, Tuple

from .prompts import Prompt, PromptSet, Structure


class Edit(Protocol):
    """A change of a prompt set; `label` says what it does, for the undo button."""

    label: str

    def apply(self, prompts: PromptSet) -> PromptSet:
        """The changed set; the given one stays as it is."""


@dataclass(frozen=True)
class PutStructures:
    """Add structures, or replace those of the same ids (rename, recolor, propagate, new list of prompts)."""

    label: str
    structures: Tuple[Structure, ...]

    def apply(self, prompts: PromptSet) -> PromptSet:
        for structure in self.structures:
            prompts = prompts.with_structure(structure)
        return prompts


@dataclass(frozen=True)
class DescribeStructure:
    """Set name, color and terminology of a structure whose prompts stay; it is added when it is not there."""

    label: str
    structure: Structure

    def apply(self, prompts: PromptSet) -> PromptSet:
        new = self.structure
        if not prompts.has(new.id):
            return prompts.with_structure(replace(new, label=prompts.free_label()))
        known = prompts.structure(new.id)
        return prompts.with_structure(replace(known, name=new.name, color=new.color, terminology=new.terminology))


@dataclass(frozen=True)
class TakeOver:
    """Give a structure the prompts that another set has of it."""

    label: str
    structure: Structure

    def apply(self, prompts: PromptSet) -> PromptSet:
        new, known = self.structure, prompts.structure(self.structure.id)
        return prompts.with_structure(replace(known, prompts=new.prompts, propagated=new.propagated))


@dataclass(frozen=True)
class RemoveStructure:
    """Remove a structure with its prompts."""

    label: str
    structure_id: str

    def apply(self, prompts: PromptSet) -> PromptSet:
        return prompts.without_structure(self.structure_id)


@dataclass(frozen=True)
class AddPrompt:
    """Append a prompt to a structure."""

    label: str
    structure_id: str
    prompt: Prompt

    def apply(self, prompts: PromptSet) -> PromptSet:
        structure = prompts.structure(self.structure_id)
        return prompts.with_structure(replace(structure, prompts=(*structure.prompts, self.prompt)))


@dataclass(frozen=True)
class ReplacePrompt:
    """Put a prompt in the place of the one of the same id."""

    label: str
    prompt: Prompt

    def apply(self, prompts: PromptSet) -> PromptSet:
        owner = prompts.owner(self.prompt.id)
        changed = tuple(self.prompt if prompt.id == self.prompt.id else prompt for prompt in owner.prompts)
        return prompts.with_structure(replace(owner, prompts=changed))


@dataclass(frozen=True)
class DeletePrompt:
    """Remove one prompt."""

    label: str
    prompt_id: str

    def apply(self, prompts: PromptSet) -> PromptSet:
        owner = prompts.owner(self.prompt_id)
        kept = tuple(prompt for prompt in owner.prompts if prompt.id != self.prompt_id)
        return prompts.with_structure(replace(owner, prompts=kept))


class State(NamedTuple):
    """A prompt set before or after a step: `label` says what the edit does, `step` is what it belongs to."""

    step: Any
    label: str
    prompts: PromptSet


class History:
    """A prompt set with every state it went through.

    Attributes:
        step: what the edits from now on belong to, any object; :meth:`undo_step` knows them by it.

    Example:
        >>> history = History()
        >>> history.do(PutStructures("Add liver", (Structure("liver", 1),)))
        >>> history.undo()
        'Add liver'
        >>> history.current
        PromptSet(structures=(), intensity=None)
    """

    def __init__(self, start: Optional[PromptSet] = None):
        self.current = PromptSet() if start is None else start
        self.step: Any = None
        self._done: List[State] = []
        self._undone: List[State] = []

    def do(self, edit: Edit) -> None:
        """Apply an edit; when it raises, nothing changed. What was undone before can no longer be redone."""
        after = edit.apply(self.current)
        self._done.append(State(self.step, edit.label, self.current))
        self._undone.clear()
        self.current = after

    def amend(self, edit: Edit) -> None:
        """Apply an edit to every state, so that undo neither shows it nor takes it back."""
        for states in (self._done, self._undone):
            states[:] = [state._replace(prompts=edit.apply(state.prompts)) for state in states]
        self.current = edit.apply(self.current)

    @property
    def undo_label(self) -> Optional[str]:
        """What :meth:`undo` would take back, or None."""
        return self._done[-1].label if self._done else None

    @property
    def redo_label(self) -> Optional[str]:
        """What :meth:`redo` would do again, or None."""
        return self._undone[-1].label if self._undone else None

    def undo(self) -> Optional[str]:
        """Take back the last edit and return its label; None when there is nothing to take back."""
        return self._move(self._done, self._undone)

    def take_back(self) -> None:
        """Undo the last edit as if it had never been done."""
        self._move(self._done, [])

    def redo(self) -> Optional[str]:
        """Do again what was undone last and return its label; None when there is nothing."""
        return self._move(self._undone, self._done)

    def has_done(self, step: Any) -> bool:
        """Whether an edit of this step is done, and not undone."""
        return any(state.step is step for state in self._done)

    def undo_step(self, step: Any) -> None:
        """Take back the edits of a step, and what was done after them; nothing where it is not done."""
        while self.has_done(step):
            self.undo()

    def redo_step(self, step: Any) -> None:
        """Do the edits of a step again, and what was undone after them; nothing where it was not undone."""
        while any(state.step is step for state in self._undone):
            self.redo()

    def _move(self, source: List[State], target: List[State]) -> Optional[str]:
        if not source:
            return None
        state = source.pop()
        target.append(state._replace(prompts=self.current))
        self.current = state.prompts
        return state.label
