"""Report files: one picture (PNG) and one page (HTML) that needs no other file."""

import base64
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..files import PathLike, whole_files
from ..metrics import mean_over_structures
from ..quantities import number_text, volume_text
from . import canvas
from .contents import ReportContents
from .poster import poster
from .templates import rendered
from .views import Scene, draw_lettered, scene_of, structure_color

TEMPLATE = "page.html"
MEANS = (("dice", "mean Dice", 3), ("hd95_mm", "mean HD95, mm", 2), ("assd_mm", "mean ASSD, mm", 2))
LANDMARKS = (
    ("landmarks", "mean_mm", "mean landmark error, mm"),
    ("landmarks", "largest_mm", "largest landmark error, mm"),
    ("guiding_landmarks", "mean_mm", "mean error of guiding landmarks, mm"),
    ("guiding_landmarks", "largest_mm", "largest error of guiding landmarks, mm"),
)


def write_report(folder: PathLike, contents: ReportContents) -> None:
    """Write report.png and report.html into `folder`, both or none of them.

    Raises:
        InputError: the folder cannot be created or written.
    """
    scene = scene_of(contents)
    with whole_files(folder) as staging:
        (staging / "report.png").write_bytes(canvas.png(poster(scene, contents)))
        (staging / "report.html").write_text(_page(scene, contents), encoding="utf-8")


def _page(scene: Scene, contents: ReportContents) -> str:
    return rendered(
        Path(__file__).parent / TEMPLATE,
        title=contents.title,
        folded=scene.folded_voxels,
        folded_percent=f"{100 * scene.folded_voxels / scene.jacobian.size:.3f}",
        summary=_summary(contents),
        notes=list(contents.notes),
        structures=_structures(scene, contents),
        pictures={kind: _data_url(scene, kind) for kind in scene.kinds},
        grid_step=f"{scene.grid_step_mm:g}",
        limits={kind: f"{limit:g}" for kind, limit in scene.limits_mm.items()},
        facts=contents.facts,
        timings={stage: f"{seconds:.1f} s" for stage, seconds in contents.timings.items()},
    )


def _summary(contents: ReportContents) -> List[List[str]]:
    """Rows of name, value before and value after."""
    pair, after = (contents.before, contents.after), contents.after
    rows: List[List[str]] = []
    if after.get("structures"):
        for key, name, digits in MEANS:
            values = [mean_over_structures(measures.get("structures", []), key) for measures in pair]
            rows.append([name, *(_number(value, digits) for value in values)])
    for kind, key, name in LANDMARKS:
        if after.get(kind):
            rows.append([name, *(_number(measures.get(kind, {}).get(key), 2) for measures in pair)])
    deformation = after.get("deformation")
    if deformation:
        rows.append(["SDlogJ", "", _number(deformation["sd_log_jacobian"], 3)])
        rows.append(["SDlogJ, Learn2Reg's form", "", _number(deformation["sd_log_jacobian_learn2reg"], 3)])
        smallest, largest = deformation["smallest_jacobian"], deformation["largest_jacobian"]
        rows.append(["Jacobian determinant", "", f"{smallest:.2f} to {largest:.2f}"])
    differing = contents.differing
    if differing:
        median, most = (_number(differing[key], 2) for key in ("median_mm", "p95_mm"))
        rows.append(["two solutions disagree by, mm: median, 95th percentile", "", f"{median}, {most}"])
        rows.append(["they disagree by more than a voxel, %", "", _number(100 * differing["share_above_voxel"], 1)])
    return rows


def _structures(scene: Scene, contents: ReportContents) -> List[Dict[str, Any]]:
    """Name, color as in CSS (None where a structure is not drawn) and measures of the structures."""
    before = {scores["label"]: scores for scores in contents.before.get("structures", [])}
    rows = []
    for scores in contents.after.get("structures", []):
        label, cells = scores["label"], []
        for key, digits in (("dice", 3), ("hd95_mm", 2), ("assd_mm", 2)):
            cells += [_number(side.get(key), digits) for side in (before.get(label, {}), scores)]
        cells += [_volume(scores[side]) for side in ("fixed_ml", "warped_ml")]
        rows.append({"name": contents.label_name(label), "color": _css_color(scene, label), "cells": cells})
    return rows


def _css_color(scene: Scene, label: int) -> Optional[str]:
    if label not in scene.labels:
        return None
    return "#" + "".join(f"{round(255 * part):02x}" for part in structure_color(scene, label))


def _number(value: Optional[float], digits: int) -> str:
    return number_text(value, digits, "\u2013")


def _volume(milliliters: float) -> str:
    return volume_text(milliliters).replace("mm3", "mm\u00b3").replace("um3", "\u00b5m\u00b3")


def _data_url(scene: Scene, kind: str) -> str:
    """The view in three planes side by side."""
    picture = canvas.png(canvas.side_by_side(draw_lettered(scene, kind)))
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")
