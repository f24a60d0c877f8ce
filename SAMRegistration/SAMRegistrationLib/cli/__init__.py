"""Command line: the same calls as in the module, from a shell."""

from .main import main

__all__ = ["main"]
