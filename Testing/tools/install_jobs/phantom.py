"""Write a pair of phantoms, their masks and prompts into the current folder; needs NumPy and SimpleITK only."""

import json

import numpy as np
import SimpleITK as sitk

SIZE, SPACING = (48, 44, 20), (1.2, 1.3, 3.0)
ORGAN = 1


def image_of(array):
    """An image with the spacing of the phantom, its middle at the origin."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    image.SetOrigin([-(size - 1) * step / 2 for size, step in zip(SIZE, SPACING)])
    return image


def ellipsoid(center, radii):
    """Mask (z, y, x) of the voxels in an ellipsoid, in mm about the middle."""
    grids = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * step for n, step in zip(SIZE, SPACING)], indexing="ij")
    inside = sum(((grid - middle) / radius) ** 2 for grid, middle, radius in zip(grids, center, radii)) < 1
    return inside.transpose(2, 1, 0)


def main():
    """Fixed and moving differ by a shift and by the size of the organ."""
    noise = np.random.default_rng(0)
    for name, shift, radius in (("fixed", 0.0, 11.0), ("moving", 4.0, 9.0)):
        organ = ellipsoid((-6.0 + shift, 2.0, 0.0), (radius, radius, radius + 3))
        values = 100.0 * ellipsoid((shift, 0.0, 0.0), (25.0, 24.0, 26.0)) + 90.0 * organ
        image = image_of((values + noise.normal(0, 4, values.shape)).astype(np.float32))
        sitk.WriteImage(image, f"{name}.nii.gz")
        sitk.WriteImage(image_of((ORGAN * organ).astype(np.uint8)), f"{name}_labels.nii.gz")
    click = {"kind": "positive", "points": [[-6.0, 2.0, 1.0]], "normal": [0, 0, 1]}
    structure = {"name": "organ", "label": ORGAN, "color": [1, 0, 0], "prompts": [click]}
    prompts = {"format": "sam-registration-prompts", "version": 1, "structures": [structure]}
    with open("prompts.json", "w", encoding="utf-8") as file:
        json.dump(prompts, file)


if __name__ == "__main__":
    main()
