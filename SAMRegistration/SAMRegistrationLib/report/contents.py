"""What a report is made of."""

from dataclasses import dataclass, field
from typing import Dict, Optional, Sequence

import SimpleITK as sitk


@dataclass(frozen=True)
class ReportContents:
    """A registration to be shown.

    Attributes:
        fixed, moving: the images, each on a grid of its own.
        warped: the moving image on the fixed grid.
        transform: maps fixed points to moving points, LPS mm.
        fixed_labels: label map of the fixed image, on its grid; 0 is background.
        warped_labels: label map of the moving image, warped onto the fixed grid.
        label_names: names of the structures by label; others are called by their number.
        before, after: measures of the pair as it was and as registered, see :func:`..metrics.measure`.
        jacobian: Jacobian map of the transform on the fixed grid, computed when None.
        timings: seconds by stage.
        facts: what was used (device, preset, versions, ...), shown as it is.
        notes: sentences about what was left out, guessed or done differently.
        title: heading of the page.
    """

    fixed: sitk.Image
    moving: sitk.Image
    warped: sitk.Image
    transform: sitk.Transform
    fixed_labels: Optional[sitk.Image] = None
    warped_labels: Optional[sitk.Image] = None
    label_names: Dict[int, str] = field(default_factory=dict)
    before: Dict = field(default_factory=dict)
    after: Dict = field(default_factory=dict)
    jacobian: Optional[sitk.Image] = None
    timings: Dict[str, float] = field(default_factory=dict)
    facts: Dict[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    title: str = "Registration report"

    def label_name(self, label: int) -> str:
        """Name of a structure, or its number."""
        return self.label_names.get(label, str(label))
