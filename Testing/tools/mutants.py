"""Small faults in a Python file: one comparison, operator, number, condition or statement is changed at a time."""

import ast
import copy
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple

SWAPPED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
NOT_MUTATED = (ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.JoinedStr)


@dataclass(frozen=True)
class Mutant:
    """A change of a file.

    Attributes:
        source: of the whole file as it is.
        number: of the place that is changed.
        line: where it is, from 1.
        change: what is there and what is put there, as source.
    """

    source: str
    number: int
    line: int
    change: str

    def tree(self) -> ast.Module:
        """The changed file."""
        tree = ast.parse(self.source)
        parent, name, index = list(_places(tree))[self.number]
        _put(parent, name, index, _changed(_child(parent, name, index)))
        return ast.fix_missing_locations(tree)


def mutants_of(source: str) -> List[Mutant]:
    """All mutants of a file, one for every place that can be changed.

    Texts, annotations, docstrings, imports and what is raised or asserted stay as they are.
    """
    found = []
    for number, (parent, name, index) in enumerate(_places(ast.parse(source))):
        node = _child(parent, name, index)
        changed = _changed(copy.deepcopy(node))
        if changed is not None:
            found.append(Mutant(source, number, node.lineno, f"{_short(node)} -> {_short(changed)}"))
    return found


def _places(tree: ast.AST) -> Iterator[Tuple[ast.AST, str, Optional[int]]]:
    """Where a statement or expression may be changed: its parent, the field, and the place in a list."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "type_comment") or isinstance(tree, NOT_MUTATED):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, (ast.expr, ast.stmt)) and not _is_docstring(child):
                yield tree, name, index
            yield from _places(child)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _child(parent: ast.AST, name: str, index: Optional[int]):
    value = getattr(parent, name)
    return value if index is None else value[index]


def _put(parent: ast.AST, name: str, index: Optional[int], node: ast.AST) -> None:
    if index is None:
        setattr(parent, name, node)
    else:
        getattr(parent, name)[index] = node


def _changed(node: ast.AST) -> Optional[ast.AST]:
    """The node with a fault, changed in place; None where there is none to put in."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPPED:
        node.ops[0] = SWAPPED[type(node.ops[0])]()
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPPED:
        node.op = SWAPPED[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        return node.operand
    elif isinstance(node, (ast.If, ast.IfExp, ast.While)):
        node.test = ast.copy_location(ast.UnaryOp(ast.Not(), node.test), node.test)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        node.value = node.value + 1 if isinstance(node.value, int) else node.value * 2 or 1.0
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.copy_location(ast.Pass(), node)
    else:
        return None
    return node


def _short(node: ast.AST) -> str:
    """Its first line as source, the condition alone of what has a body."""
    return ast.unparse(node.test if isinstance(node, (ast.If, ast.While)) else node).split("\n", 1)[0][:70]
