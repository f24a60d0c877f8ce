"""Texts, columns and tables that fit into a narrow panel."""

import textwrap

LONGEST_LINE = 54


def button_text(text: str) -> str:
    """A sentence for a button: in lines that a narrow panel holds, with every "&" shown."""
    return "\n".join(textwrap.wrap(text, LONGEST_LINE)).replace("&", "&&")


def limit_columns(table, widest: int, wide=()) -> None:
    """Let no column be wider than `widest` pixels, unless a title is, and the table no narrower than its titles.

    Columns that are stretched, which take the rest, may be wider.

    Args:
        wide: columns for which the table has room at their widest.
    """
    header, columns = table.horizontalHeader(), range(table.columnCount)
    header.setMaximumSectionSize(-1)  # the present limit would bound the hints
    titles = [header.sectionSizeHint(column) for column in columns]
    limit = max(widest, *titles)
    header.setMaximumSectionSize(limit)
    room = sum(limit if column in wide else titles[column] for column in columns)
    table.setMinimumWidth(room + 2 * table.frameWidth)


def fit_height(table, most: int) -> None:
    """Let a table be as high as its rows, of which at most `most` are seen at once."""
    rows = [table.rowHeight(row) for row in range(min(table.rowCount, most))]
    table.setFixedHeight(table.horizontalHeader().height + sum(rows) + 2 * table.frameWidth)
