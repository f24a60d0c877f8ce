"""Files that come with the library: weights with their cards, and the structures of anatomies."""

from pathlib import Path

MODELS = Path(__file__).parent / "models"
PRESETS = Path(__file__).parent / "presets"
