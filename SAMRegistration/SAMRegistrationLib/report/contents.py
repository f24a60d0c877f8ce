"""What a report is made of."""

from dataclasses import dataclass, field
from typing import Dict, Optional, Sequence

import SimpleITK as sitk

from ..volumes import Labels


@dataclass(frozen=True)
class ReportContents:
    """A registration to be shown.

    Attributes:
        fixed, moving: the images, each on a grid of its own.
        warped: the moving image on the fixed grid.
        transform: maps fixed points to moving points, LPS mm.
        linear: the linear part that the deformation was added to; None is the identity.
        fixed_labels: label map of the fixed image, on its grid, 0 is background; or structures that may overlap.
        warped_labels: label map or structures of the moving image, warped onto the fixed grid, with the same numbers.
        label_names: names of the structures by label; others are called as the measures name them, or by their number.
        before, after: measures of the pair as it was and as registered, see :func:`..metrics.measure`.
        jacobian: Jacobian map of the transform on the fixed grid, computed when None.
        disagreement: by how many mm two solutions disagree, on the fixed grid; not shown when None.
        differing: its "median_mm", "p95_mm" and "share_above_voxel" where it counts.
        timings: seconds by stage.
        facts: what was used (device, preset, versions, ...), shown as it is.
        notes: sentences about what was left out, guessed or done differently.
        title: heading of the page.
    """

    fixed: sitk.Image
    moving: sitk.Image
    warped: sitk.Image
    transform: sitk.Transform
    linear: Optional[sitk.Transform] = None
    fixed_labels: Optional[Labels] = None
    warped_labels: Optional[Labels] = None
    label_names: Dict[int, str] = field(default_factory=dict)
    before: Dict = field(default_factory=dict)
    after: Dict = field(default_factory=dict)
    jacobian: Optional[sitk.Image] = None
    disagreement: Optional[sitk.Image] = None
    differing: Dict[str, float] = field(default_factory=dict)
    timings: Dict[str, float] = field(default_factory=dict)
    facts: Dict[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    title: str = "Registration report"

    def label_name(self, label: int) -> str:
        """Name of a structure, or its number."""
        measured = (scores for scores in self.after.get("structures", ()) if scores["label"] == label)
        name = next((scores.get("name") for scores in measured), "")
        return self.label_names.get(label) or name or str(label)
