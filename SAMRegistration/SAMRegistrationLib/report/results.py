"""All files of a registration in one folder."""

import json
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import SimpleITK as sitk

from ..geometry.grid import Grid
from ..geometry.resample import warp_labels
from .contents import ReportContents
from .page import write_report


def write_results(
    folder: Path,
    result,
    measures: Mapping[str, Any],
    fixed_labels: Optional[sitk.Image] = None,
    moving_labels: Optional[sitk.Image] = None,
    **presentation: Any,
) -> Dict[str, Any]:
    """Write transforms, warped volume and labels, metrics.json and the report into an existing folder.

    Args:
        result: :class:`..registration.RegistrationResult`.
        measures: what :meth:`..engine.Engine.measure` gave for it.
        fixed_labels, moving_labels: label maps on any grids in the space of their volume.
        presentation: further entries of :class:`.ReportContents`; its "facts" are shown before those of the result.

    Returns:
        What metrics.json holds.
    """
    summary = {**measures, **result.summary()}
    (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n")
    result.write_transforms(folder)
    warped = result.warp()
    sitk.WriteImage(warped, str(folder / "warped.nii.gz"), True)
    warped_labels = None
    if moving_labels is not None:
        warped_labels = result.warp_labels(moving_labels)
        sitk.WriteImage(warped_labels, str(folder / "warped_labels.nii.gz"), True)
    if fixed_labels is not None:
        fixed_labels = warp_labels(fixed_labels, sitk.Transform(3, sitk.sitkIdentity), Grid.of(result.fixed))
    facts = {name.replace("_", " "): str(fact) for name, fact in result.facts.items()}
    contents = ReportContents(
        fixed=result.fixed,
        moving=result.moving,
        warped=warped,
        transform=result.transform,
        fixed_labels=fixed_labels,
        warped_labels=warped_labels,
        timings=result.seconds,
        notes=result.notes,
        facts={**presentation.pop("facts", {}), **facts},
        **presentation,
        **measures,
    )
    write_report(folder, contents)
    return summary
