"""What the segmentation tests share: volumes with known bright bodies, and a predictor whose answer is known."""

from typing import NamedTuple, Optional

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.segmentation.predictor import SlicePrediction


class FloodEmbedding(NamedTuple):
    image: np.ndarray

    @property
    def nbytes(self) -> int:
        return self.image.nbytes


class FloodPredictor:
    """Fills the connected region of like intensity around each positive point (or the middle of the box).

    Three candidates, as SAM gives: a narrow, the right and a wide tolerance; the right one has the best score.
    """

    name = "flood"
    tolerances = (0.02, 0.15, 0.9)
    scores = (0.6, 0.9, 0.5)

    def __init__(self):
        self.embedded = []
        self.calls = []

    def embed(self, image, pixel_size=(1.0, 1.0)):
        assert image.dtype == np.float32
        assert image.min() >= 0
        assert image.max() <= 1
        self.embedded.append((image.shape, pixel_size))
        return FloodEmbedding(image)

    def predict(self, embedding, points, labels, box=None, logits: Optional[np.ndarray] = None):
        image = embedding.image
        self.calls.append((points.copy(), labels.copy(), box, logits))
        seeds = [tuple(np.round(point).astype(int)) for point, label in zip(points, labels) if label == 1]
        if not seeds and box is not None:
            seeds = [(round((box[0] + box[2]) / 2), round((box[1] + box[3]) / 2))]
        masks = []
        for tolerance in self.tolerances:
            mask = np.zeros(image.shape, dtype=bool)
            for column, row in seeds:
                alike = np.abs(image - image[row, column]) <= tolerance
                labels_image = sitk.ConnectedComponent(sitk.GetImageFromArray(alike.astype(np.uint8)))
                components = sitk.GetArrayFromImage(labels_image)
                mask |= components == components[row, column]
            if box is not None:
                rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
                mask &= (columns >= box[0]) & (columns <= box[2]) & (rows >= box[1]) & (rows <= box[3])
            masks.append(np.where(mask, 4.0, -4.0).astype(np.float32))
        masks = np.stack(masks)
        return SlicePrediction(masks, np.array(self.scores), masks[:, ::4, ::4])

    def mask_prompt(self, embedding, mask):
        return np.where(mask, 4.0, -4.0)[::4, ::4]


def oblique_grid(size=(40, 36, 14), spacing=(1.1, 1.3, 4.0), origin=(-31.0, 12.0, 95.0), angle=0.5):
    """A grid turned about two axes, so that no index axis is a world axis."""
    rotation = sitk.Euler3DTransform((0.0, 0.0, 0.0), angle, -0.6 * angle, 0.4 * angle)
    return Grid(size, spacing, origin, tuple(rotation.GetMatrix()))


def body(grid: Grid, center, radii):
    """Ellipsoid around a continuous index `center` with `radii` in mm along the grid's axes; bool (z, y, x)."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij")
    offsets = [(index - c) * s / r for index, c, s, r in zip((i, j, k), center, grid.spacing, radii)]
    return sum(offset**2 for offset in offsets) <= 1


def picture(grid: Grid, *bodies):
    """Image whose n-th body has intensity 100 * (n + 1) over 0."""
    array = np.zeros(grid.shape, dtype=np.float32)
    for number, mask in enumerate(bodies):
        array[mask] = 100.0 * (number + 1)
    return grid.image(array)


def world(grid: Grid, *index):
    """LPS position of a continuous index (i, j, k)."""
    return tuple(grid.index_to_physical([index])[0])


def dice(a, b):
    a, b = np.asarray(a) > 0, np.asarray(b) > 0
    return 2 * np.count_nonzero(a & b) / max(np.count_nonzero(a) + np.count_nonzero(b), 1)
