"""What moves with the frames of a sequence: volumes of structures and positions of points."""

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence

import numpy as np
import SimpleITK as sitk

from ..geometry.boxes import box_of, marked_bounds
from ..geometry.transforms import transform_points
from ..metrics import jacobian_image
from ..volumes import StructureMasks


def volume_of(masks: StructureMasks, label: int, transform: sitk.Transform) -> float:
    """The volume of a structure in a frame, in milliliters.

    It is the integral of the Jacobian determinant of the motion over the structure in the reference, so that it changes
    smoothly where warped voxels would come and go as wholes.

    Args:
        masks: structures of the reference.
        transform: reference point -> point in the frame (LPS mm).
    """
    inside = masks.inside(label)
    bounds = marked_bounds(inside)
    if bounds is None:
        return 0.0
    wider = [(max(low - 1, 0), min(high + 1, n - 1)) for (low, high), n in zip(bounds, inside.shape)]
    grid = masks.grid.crop([low for low, _ in wider[::-1]], [high - low + 1 for low, high in wider[::-1]])
    jacobian = sitk.GetArrayFromImage(jacobian_image(transform, grid))
    return float(jacobian[inside[box_of(wider)]].sum(dtype=np.float64)) * grid.voxel_volume / 1000


def ejection_fraction(volumes: Sequence[float]) -> Optional[float]:
    """Share of the largest volume that the smallest one lacks, in percent; None where there is no volume.

    Of the left ventricle these are the end-diastolic and the end-systolic volume.

    Example:
        >>> ejection_fraction([120.0, 90.0, 60.0, 100.0])
        50.0
    """
    largest = max(volumes, default=0.0)
    return 100 * (largest - min(volumes)) / largest if largest > 0 else None


@dataclass
class VolumeCurve:
    """The volume of a structure over the frames.

    Attributes:
        label, name: of the structure; a structure without a name is called by its number.
        milliliters: by frame.
    """

    label: int
    name: str
    milliliters: Dict[int, float] = field(default_factory=dict)

    def measures(self) -> Dict[str, object]:
        """Largest and smallest volume (ml) with their frames, and what :func:`ejection_fraction` gives (%)."""
        frames = sorted(self.milliliters)
        volumes = [self.milliliters[frame] for frame in frames]
        largest, smallest = (frames[find(volumes)] for find in (np.argmax, np.argmin))
        return {
            "label": self.label,
            "name": self.name,
            "largest_ml": max(volumes),
            "largest_frame": largest,
            "smallest_ml": min(volumes),
            "smallest_frame": smallest,
            "ejection_fraction_percent": ejection_fraction(volumes),
        }


@dataclass
class PointCurve:
    """The positions of a point over the frames.

    Attributes:
        name: of the point.
        reference: its position in the reference, LPS mm.
        positions: by frame, LPS mm.
    """

    name: str
    reference: np.ndarray
    positions: Dict[int, np.ndarray] = field(default_factory=dict)

    def displacement(self, frame: int) -> float:
        """Its distance from where it is in the reference, in mm."""
        return float(np.linalg.norm(self.positions[frame] - self.reference))


@dataclass
class Curves:
    """The curves of all structures and points."""

    masks: Optional[StructureMasks]
    volumes: List[VolumeCurve]
    points: List[PointCurve]

    @classmethod
    def of(cls, masks: Optional[StructureMasks] = None, points=None) -> "Curves":
        """Curves without any frame yet.

        Args:
            masks: structures of the reference.
            points: :class:`..points.PointList` of the reference.
        """
        structures = () if masks is None else masks.structures
        volumes = [VolumeCurve(structure.label, str(structure.title)) for structure in structures]
        named = () if points is None else zip(points.names, points.points)
        tracked = [PointCurve(name or str(number), place) for number, (name, place) in enumerate(named, start=1)]
        return cls(masks, volumes, tracked)

    def add(self, frame: int, transform: sitk.Transform) -> None:
        """Measure a frame.

        Args:
            transform: reference point -> point in the frame (LPS mm).
        """
        for curve in self.volumes:
            curve.milliliters[frame] = volume_of(self.masks, curve.label, transform)
        for point in self.points:
            point.positions[frame] = transform_points(transform, [point.reference])[0]
