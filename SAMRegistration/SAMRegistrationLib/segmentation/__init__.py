"""Interactive segmentation: prompts in world coordinates, slice predictors, masks of whole volumes."""
