"""The words that users choose by, each said once; imports nothing, so that command line and panel start at once."""

AUTO = "auto"
PRESETS, PRESET = ("fast", "balanced", "accurate"), "balanced"
PREALIGNMENTS, PREALIGNMENT = ("affine", "rigid", "none"), "affine"
MODALITIES = ("ct", "mr", "other")
BUILT_IN_CLICK_MODEL = "compact"
POSITIVE, NEGATIVE, BOX = "positive", "negative", "box"  # kinds of prompts
