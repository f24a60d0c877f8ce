"""Physical space: grids, transforms and displacement fields."""
