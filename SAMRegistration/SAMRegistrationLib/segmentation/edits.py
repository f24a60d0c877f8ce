"""Edits of a prompt set as commands, and the history that undoes and redoes them."""

from dataclasses import dataclass, replace
from typing import List, Optional, Protocol, Tuple

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


class History:
    """A prompt set with every state it went through.

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
        self._done: List[Tuple[str, PromptSet]] = []
        self._undone: List[Tuple[str, PromptSet]] = []

    def do(self, edit: Edit) -> None:
        """Apply an edit; when it raises, nothing changed. What was undone before can no longer be redone."""
        after = edit.apply(self.current)
        self._done.append((edit.label, self.current))
        self._undone.clear()
        self.current = after

    def amend(self, edit: Edit) -> None:
        """Apply an edit to every state, so that undo neither shows it nor takes it back."""
        self._done = [(label, edit.apply(state)) for label, state in self._done]
        self._undone = [(label, edit.apply(state)) for label, state in self._undone]
        self.current = edit.apply(self.current)

    def forget(self, structure_id: str) -> None:
        """Take a structure out of every state, and with it the steps that changed nothing else."""
        self.current = _without(self.current, structure_id)
        for steps in (self._done, self._undone):
            kept, after = [], self.current
            for label, state in reversed(steps):
                state = _without(state, structure_id)
                if state != after:
                    kept.append((label, state))
                after = state
            steps[:] = reversed(kept)

    @property
    def undo_label(self) -> Optional[str]:
        """What :meth:`undo` would take back, or None."""
        return self._done[-1][0] if self._done else None

    @property
    def redo_label(self) -> Optional[str]:
        """What :meth:`redo` would do again, or None."""
        return self._undone[-1][0] if self._undone else None

    def undo(self) -> Optional[str]:
        """Take back the last edit and return its label; None when there is nothing to take back."""
        return self._step(self._done, self._undone)

    def take_back(self) -> None:
        """Undo the last edit as if it had never been done."""
        self._step(self._done, [])

    def redo(self) -> Optional[str]:
        """Do again what was undone last and return its label; None when there is nothing."""
        return self._step(self._undone, self._done)

    def _step(self, source: list, target: list) -> Optional[str]:
        if not source:
            return None
        label, state = source.pop()
        target.append((label, self.current))
        self.current = state
        return label


def _without(prompts: PromptSet, structure_id: str) -> PromptSet:
    return prompts.without_structure(structure_id) if prompts.has(structure_id) else prompts
