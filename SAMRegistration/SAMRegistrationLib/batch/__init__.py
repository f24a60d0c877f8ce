"""Many pairs: a table of inputs, a process for each, and a table and a page of what came out."""

from .pairs import COLUMNS, Pair, Part, part_of, read_pairs
from .running import collect

__all__ = ["COLUMNS", "Pair", "Part", "collect", "part_of", "read_pairs"]
