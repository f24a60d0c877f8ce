"""Report files: one picture (PNG) and one page (HTML) that needs no other file."""

import base64
import html
import tempfile
from pathlib import Path
from string import Template
from typing import Dict, List, Optional, Sequence

import numpy as np
import SimpleITK as sitk

from ..files import PathLike, whole_files
from ..metrics import mean_over_structures
from ..quantities import number_text, volume_text
from . import canvas
from .contents import ReportContents
from .poster import poster
from .views import Scene, draw, scene_of, structure_color

TEMPLATE = Path(__file__).parent / "page.html"
MEANS = (("dice", "mean Dice", 3), ("hd95_mm", "mean HD95, mm", 2), ("assd_mm", "mean ASSD, mm", 2))
SECTIONS = (
    (
        "before",
        "Checkerboard before",
        "Tiles of the fixed image (gray) and of the moving image where it was (warm). Edges break where they disagree.",
    ),
    ("after", "Checkerboard after", "The same with the warped moving image: edges should run on from tile to tile."),
    (
        "outlines",
        "Outlines of the structures",
        "Solid: drawn in the fixed image. Dashed, same color: warped from the moving image.",
    ),
    (
        "deformation",
        "Deformation grid",
        "A regular grid of the moving image, one line every {step} mm, bent as the registration bends it. Shift, "
        "rotation, scaling and shear of the whole are left out, so that the local deformation shows.",
    ),
    (
        "jacobian",
        "Jacobian map",
        "Local change of volume: blue where the moving image is expanded to fit (its determinant is below 1), dark "
        "where nothing changes, orange where it is compressed; full color at one half and at two.",
    ),
)


def write_report(folder: PathLike, contents: ReportContents) -> None:
    """Write report.png and report.html into `folder`, both or none of them.

    Raises:
        InputError: the folder cannot be created or written.
    """
    scene = scene_of(contents)
    with whole_files(folder) as staging:
        (staging / "report.png").write_bytes(_png(poster(scene, contents)))
        (staging / "report.html").write_text(_page(scene, contents), encoding="utf-8")


def _page(scene: Scene, contents: ReportContents) -> str:
    sections = [section for section in SECTIONS if section[0] != "outlines" or scene.labels]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=html.escape(contents.title),
        verdict=_verdict(scene),
        summary=_summary(contents),
        notes=_notes(contents.notes),
        structures=_structures(scene, contents),
        fixed=_strip(draw(scene, "fixed")),
        moving=_strip(draw(scene, "moving")),
        warped=_strip(draw(scene, "warped")),
        sections="".join(_section(scene, *section) for section in sections),
        facts=_pairs(contents.facts),
        timings=_pairs({stage: f"{seconds:.1f} s" for stage, seconds in contents.timings.items()}),
    )


def _section(scene: Scene, kind: str, heading: str, text: str) -> str:
    text = text.format(step=f"{scene.grid_step_mm:g}")
    if kind == "jacobian" and scene.folded_voxels:
        text += " Folded voxels are striped and ringed; the slices are those with most of them."
    source = _strip(draw(scene, kind))
    return f'<section><h2>{heading}</h2><p>{text}</p><img src="{source}" alt="{heading} in three planes"></section>\n'


def _verdict(scene: Scene) -> str:
    folded = scene.folded_voxels
    if not folded:
        return '<p class="good"><b>&#10003; No folding:</b> the Jacobian determinant is positive at every voxel.</p>'
    share = 100 * folded / scene.jacobian.size
    return (
        f'<p class="bad"><b>&#9888; {folded} folded voxels ({share:.3f} %):</b> '
        "the deformation is not one-to-one there; do not trust it at the places marked in the Jacobian map.</p>"
    )


def _notes(notes: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return f'<ul class="notes">{items}</ul>' if items else ""


def _summary(contents: ReportContents) -> str:
    pair, after = (contents.before, contents.after), contents.after
    rows: List[List[str]] = []
    if after.get("structures"):
        for key, name, digits in MEANS:
            values = [mean_over_structures(measures.get("structures", []), key) for measures in pair]
            rows.append([name, *(_number(value, digits) for value in values)])
    if after.get("landmarks"):
        for key, name in (("mean_mm", "mean landmark error, mm"), ("largest_mm", "largest landmark error, mm")):
            rows.append([name, *(_number(measures.get("landmarks", {}).get(key), 2) for measures in pair)])
    deformation = after.get("deformation")
    if deformation:
        rows.append(["SDlogJ", "", _number(deformation["sd_log_jacobian"], 3)])
        rows.append(["SDlogJ, Learn2Reg's form", "", _number(deformation["sd_log_jacobian_learn2reg"], 3)])
        smallest, largest = deformation["smallest_jacobian"], deformation["largest_jacobian"]
        rows.append(["Jacobian determinant", "", f"{smallest:.2f} to {largest:.2f}"])
    return _table(["", "before", "after"], rows) if rows else ""


def _structures(scene: Scene, contents: ReportContents) -> str:
    after = contents.after.get("structures", [])
    before = {scores["label"]: scores for scores in contents.before.get("structures", [])}
    if not after:
        return ""
    rows = []
    for scores in after:
        earlier = before.get(scores["label"], {})
        name = html.escape(contents.label_name(scores["label"]))
        cells = [f"{_swatch(scene, scores['label'])}{name}"]
        for key, digits in (("dice", 3), ("hd95_mm", 2), ("assd_mm", 2)):
            cells += [_number(earlier.get(key), digits), _number(scores[key], digits)]
        cells += [_volume(scores[side]) for side in ("fixed_ml", "warped_ml")]
        rows.append(cells)
    header = ["structure", "Dice before", "after", "HD95 mm before", "after", "ASSD mm before", "after"]
    table = _table([*header, "fixed volume", "warped volume"], rows)
    return f"<section><h2>Structures</h2>{table}</section>"


def _swatch(scene: Scene, label: int) -> str:
    if label not in scene.labels:
        return ""
    color = ",".join(str(round(255 * part)) for part in structure_color(scene, label))
    return f'<i style="background:rgb({color})"></i>'


def _number(value: Optional[float], digits: int) -> str:
    return number_text(value, digits, "&ndash;")


def _volume(millilitres: float) -> str:
    return volume_text(millilitres).replace("mm3", "mm&sup3;").replace("um3", "&micro;m&sup3;")


def _table(header: List[str], rows: List[List[str]]) -> str:
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _pairs(pairs: Dict[str, str]) -> str:
    items = "".join(f"<dt>{html.escape(str(k))}</dt><dd>{html.escape(str(v))}</dd>" for k, v in pairs.items())
    return f"<dl>{items}</dl>" if items else ""


def _strip(pictures: List[np.ndarray]) -> str:
    """Pictures side by side, as a data URL."""
    height = max(picture.shape[0] for picture in pictures)
    parts = []
    for picture in pictures:
        above = (height - picture.shape[0]) // 2
        padding = ((above, height - picture.shape[0] - above), (0, 8 if picture is not pictures[-1] else 0))
        parts.append(
            np.dstack([np.pad(picture[..., c], padding, constant_values=canvas.BACKGROUND[c]) for c in range(3)])
        )
    return "data:image/png;base64," + base64.b64encode(_png(np.concatenate(parts, axis=1))).decode("ascii")


def _png(picture: np.ndarray) -> bytes:
    pixels = np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(file), useCompression=True)
        return file.read_bytes()
