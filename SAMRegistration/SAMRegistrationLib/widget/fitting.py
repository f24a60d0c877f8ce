"""Texts and columns that fit into a narrow panel."""

import textwrap

LONGEST_LINE = 54


def button_text(text: str) -> str:
    """A sentence for a button: in lines that a narrow panel holds, with every "&" shown."""
    return "\n".join(textwrap.wrap(text, LONGEST_LINE)).replace("&", "&&")


def limit_columns(table, widest: int) -> None:
    """Let no column be wider than `widest` pixels, unless a title is; those that are stretched excepted."""
    header = table.horizontalHeader()
    header.setMaximumSectionSize(-1)  # the present limit would bound the hints
    header.setMaximumSectionSize(max(widest, *(header.sectionSizeHint(n) for n in range(table.columnCount))))
