"""All files of a registration in one folder."""

import json
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import SimpleITK as sitk

from ..geometry.grid import Grid
from ..image_files import has_right_angles, write_image
from ..registration.agreement import agreement_text
from ..volumes import Labels, as_structures, with_numbers_of, write_segmentation
from .contents import ReportContents
from .page import write_report

FILES = (
    "transform.h5",
    "inverse.h5",
    *(
        f"{name}{ending}"
        for name in ("warped", "warped_labels", "displacement_field", "displacement_magnitude", "disagreement")
        for ending in (".nii.gz", ".nrrd")
    ),
    "warped_labels.seg.nrrd",
    "metrics.json",
    "report.html",
    "report.png",
)


def write_results(
    folder: Path,
    result,
    measures: Mapping[str, Any],
    fixed_labels: Optional[Labels] = None,
    moving_labels: Optional[Labels] = None,
    **presentation: Any,
) -> Dict[str, Any]:
    """Write transforms, warped volume and labels, metrics.json and the report into an existing folder.

    Images are .nii.gz, or .nrrd where the axes of the fixed volume are not at right angles, which NIfTI files cannot
    hold. `FILES` are the names of all files that a registration may write.

    Args:
        result: :class:`..registration.RegistrationResult`.
        measures: what :func:`..engine.measure` gave for it.
        fixed_labels, moving_labels: label maps, or structures that may overlap, on any grids in the space of their
            volume. The warped ones get the numbers of the fixed ones; they are written as warped_labels.nii.gz, and
            where they overlap, which one label map cannot hold, as warped_labels.seg.nrrd.
        presentation: further entries of :class:`.ReportContents`; its "facts" are shown before those of the result.

    Returns:
        What metrics.json holds.
    """
    summary = {**measures, **result.summary()}
    (folder / "metrics.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    result.write_transforms(folder)
    warped = result.warp()
    ending = ".nii.gz" if has_right_angles(result.fixed) else ".nrrd"
    write_image(warped, folder / f"warped{ending}")
    fixed_labels, warped_labels = _on_fixed_grid(result, fixed_labels, moving_labels)
    if warped_labels is not None and warped_labels.overlapping():
        write_segmentation(warped_labels, folder / "warped_labels.seg.nrrd")
    elif warped_labels is not None:
        write_image(warped_labels.label_image(), folder / f"warped_labels{ending}")
    if result.disagreement is not None:
        write_image(result.disagreement, folder / f"disagreement{ending}")
    shown_otherwise = ("disagreement", "image_agreement")
    facts = {name.replace("_", " "): str(fact) for name, fact in result.facts.items() if name not in shown_otherwise}
    agreement = agreement_text(result.facts.get("image_agreement", {}))
    if agreement:
        facts["local correlation of the images"] = agreement
    contents = ReportContents(
        fixed=result.fixed,
        moving=result.moving,
        warped=warped,
        transform=result.transform,
        linear=result.linear,
        fixed_labels=fixed_labels,
        warped_labels=warped_labels,
        timings=result.seconds,
        notes=result.notes,
        facts={**presentation.pop("facts", {}), **facts},
        disagreement=result.disagreement,
        differing=result.facts.get("disagreement", {}),
        **presentation,
        **measures,
    )
    write_report(folder, contents)
    return summary


def _on_fixed_grid(result, fixed: Optional[Labels], moving: Optional[Labels]):
    """The structures of both images on the fixed grid, the same number for the same structure; None stays None."""
    fixed = None if fixed is None else as_structures(fixed, "The fixed label map")
    moving = None if moving is None else as_structures(moving, "The moving label map")
    if fixed is not None and moving is not None:
        moving, _notes = with_numbers_of(fixed, moving)
    return (
        None if fixed is None else fixed.warped(sitk.Transform(3, sitk.sitkIdentity), Grid.of(result.fixed)),
        None if moving is None else result.warp_labels(moving),
    )
