"""The report: pictures in physical space and a page that stands alone."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import SimpleITK as sitk
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.resample import warp_labels
from SAMRegistrationLib.metrics import jacobian_image, measure
from SAMRegistrationLib.report import ReportContents, canvas, lettering, write_report
from SAMRegistrationLib.report.poster import poster
from SAMRegistrationLib.report.views import KINDS, draw, draw_lettered, scene_of, structure_color

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


def grid_with(permutation, flips, spacing=(0.8, 1.1, 2.7), size=(50, 44, 20), tilt=0.12) -> Grid:
    """An oblique grid whose index axes run nearest to the given LPS axes, `flips` of them backwards."""
    direction = np.eye(3)[:, permutation] * np.asarray(flips)
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), tilt, -tilt, tilt).GetMatrix()).reshape(3, 3)
    return Grid(size, spacing, (30.0, -20.0, 10.0), tuple((turn @ direction).ravel()))


GRIDS = [
    grid_with((0, 1, 2), (1, 1, 1)),
    grid_with((0, 1, 2), (-1, -1, 1)),
    grid_with((2, 0, 1), (1, -1, 1)),
    grid_with((1, 2, 0), (-1, 1, -1)),
]


def positions(grid: Grid) -> np.ndarray:
    k, j, i = np.indices(grid.shape)
    return grid.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3)).reshape(*grid.shape, 3) - grid.center


def ball(grid: Grid, center=(0.0, 0.0, 0.0), radius=9.0) -> np.ndarray:
    return (np.linalg.norm(positions(grid) - np.asarray(center), axis=-1) <= radius).astype(np.float32)


def contents(grid: Grid, image: np.ndarray, transform=IDENTITY, **others) -> ReportContents:
    fixed = grid.image(image.astype(np.float32))
    warped = sitk.Resample(fixed, fixed, transform, sitk.sitkLinear)
    return ReportContents(fixed, fixed, warped, transform, **others)


def bright(picture: np.ndarray) -> np.ndarray:
    """Rows and columns of the bright pixels."""
    return np.argwhere(picture[..., 1] > 0.5)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_ball_is_drawn_round_and_in_scale_in_every_plane(grid):
    scene = scene_of(contents(grid, ball(grid)))
    for picture, plane in zip(draw(scene, "fixed"), scene.planes):
        size = np.ptp(bright(picture), axis=0) * plane.pixel_mm
        assert size == pytest.approx((18, 18), abs=3.0), plane.name


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("towards", "plane", "side"),
    [
        ((1, 0, 0), 0, "right"),  # the patient's left is at the right of axial and coronal pictures
        ((1, 0, 0), 1, "right"),
        ((0, 1, 0), 0, "bottom"),
        ((0, 1, 0), 2, "right"),
        ((0, 0, 1), 1, "top"),
        ((0, 0, 1), 2, "top"),
    ],
)
def test_directions_of_the_body_are_where_radiologists_expect_them(grid, towards, plane, side):
    scene = scene_of(contents(grid, ball(grid, 7.0 * np.array(towards), radius=7)))
    picture = draw(scene, "fixed")[plane]
    row, column = bright(picture).mean(axis=0) - (np.array(picture.shape[:2]) - 1) / 2
    offset = {"right": column, "bottom": row, "top": -row}[side]
    assert offset * scene.planes[plane].pixel_mm == pytest.approx(7.0, abs=2.5)


def test_the_deformation_grid_leaves_the_linear_part_out():
    grid = GRIDS[2]
    affine = sitk.AffineTransform(3)
    affine.SetMatrix((1.1, 0.2, 0.0, -0.1, 0.9, 0.1, 0.0, 0.0, 1.2))
    affine.SetTranslation((15.0, -8.0, 4.0))
    straight = draw(scene_of(contents(grid, ball(grid))), "deformation")
    for picture, expected in zip(draw(scene_of(contents(grid, ball(grid), affine)), "deformation"), straight):
        np.testing.assert_allclose(picture, expected, atol=0.05)


def bump(grid: Grid, height_mm: float) -> sitk.Transform:
    """A displacement along the first grid axis that is strongest in the middle of the volume."""
    strength = height_mm * np.exp(-((np.linalg.norm(positions(grid), axis=-1) / 6.0) ** 2))
    direction = np.array(grid.direction).reshape(3, 3)[:, 0]
    return sitk.DisplacementFieldTransform(grid.image(strength[..., None] * direction))


def test_a_local_deformation_bends_the_grid_where_it_is():
    grid = GRIDS[0]
    straight = draw(scene_of(contents(grid, ball(grid))), "deformation")[0]
    bent = draw(scene_of(contents(grid, ball(grid), bump(grid, 4.0))), "deformation")[0]
    changed = np.argwhere(np.abs(bent - straight).max(axis=2) > 0.3)
    middle = np.array(straight.shape[:2]) / 2
    assert len(changed) > 100
    assert np.linalg.norm(np.median(changed, axis=0) - middle) < 0.15 * max(straight.shape)


@pytest.mark.parametrize("kind", ["displacement", "disagreement"])
@pytest.mark.parametrize("grid", GRIDS)
def test_maps_of_lengths_are_bright_where_they_are_long(grid, kind):
    """A bump off the center along the first axis; the affine part is left out."""
    linear = sitk.TranslationTransform(3, (11.0, -5.0, 8.0))
    place = 8.0 * np.array([1.0, 1.0, 0.0])
    length = 4.0 * np.exp(-((np.linalg.norm(positions(grid) - place, axis=-1) / 6.0) ** 2))
    field = length[..., None] * np.reshape(grid.direction, (3, 3))[:, 0]
    given = {}
    if kind == "displacement":
        transform = sitk.CompositeTransform([linear, sitk.DisplacementFieldTransform(grid.image(field))])
    else:
        transform, given["disagreement"] = linear, grid.image(length.astype(np.float32))
    scene = scene_of(contents(grid, ball(grid, place), transform, linear=linear, **given))
    for picture, plane in zip(draw(scene, kind), scene.planes):
        brightest = np.argwhere(picture[..., 1] > 0.9 * picture[..., 1].max()).mean(axis=0)
        ball_middle = bright(plane.cut(scene.images["fixed"])[..., None].repeat(3, 2)).mean(axis=0)
        assert np.linalg.norm(brightest - ball_middle) * plane.pixel_mm < 2.5
    assert scene.limits_mm[kind] == pytest.approx(4.0, abs=1.6)


def test_folds_are_striped_and_ringed_in_slices_that_show_them():
    grid = GRIDS[0]
    folding = scene_of(contents(grid, ball(grid), bump(grid, 14.0)))
    assert folding.folded_voxels > 0
    for picture in draw(folding, "jacobian"):
        stripes = [np.all(np.isclose(picture, color), axis=2).sum() for color in canvas.FOLD_STRIPES]
        assert min(stripes) > 10


def test_a_single_folded_pixel_gets_a_ring_that_is_larger_than_itself():
    folded = np.zeros((120, 200), bool)
    folded[60, 90] = True
    marked = np.abs(canvas.mark_folds(np.zeros((120, 200, 3)), folded)).max(axis=2) > 0.5
    rows, columns = np.nonzero(marked)
    assert np.ptp(rows) >= 16
    assert np.ptp(columns) >= 16
    assert (rows.mean(), columns.mean()) == pytest.approx((60, 90), abs=0.5)


def test_outlines_are_solid_for_fixed_and_dashed_for_warped_labels():
    grid = Grid((60, 60, 30))
    labels = grid.image(ball(grid, radius=10).astype(np.uint8))
    plain = draw(scene_of(contents(grid, ball(grid), fixed_labels=labels * 0)), "outlines")[0]
    solid, dashed = (
        np.abs(draw(scene_of(contents(grid, ball(grid), **given)), "outlines")[0] - plain).max(axis=2) > 0.2
        for given in ({"fixed_labels": labels}, {"warped_labels": labels})
    )
    pixel_mm = 60 / 360
    assert solid.sum() == pytest.approx(2 * np.pi * 10 / pixel_mm * 1.6, rel=0.5)
    assert 0.3 < dashed.sum() / solid.sum() < 0.95


def a_full_report(grid: Grid, transform, **others) -> ReportContents:
    labels = grid.image((ball(grid) + ball(grid, radius=4)).astype(np.uint8))
    jacobian = jacobian_image(transform, grid)
    return contents(
        grid,
        ball(grid),
        transform,
        fixed_labels=labels,
        warped_labels=warp_labels(labels, transform, grid),
        label_names={1: "left <ventricle> & more"},
        before=measure(IDENTITY, labels, labels),
        after=measure(transform, labels, labels, jacobian=jacobian),
        jacobian=jacobian,
        timings={"refinement": 12.34},
        facts={"device": "cpu"},
        **others,
    )


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources, self.words, self.open_tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img", "input"):
            self.open_tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_stands_alone_and_says_what_was_measured(tmp_path):
    write_report(tmp_path, a_full_report(GRIDS[1], bump(GRIDS[1], 3.0), title="A <pair>"))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = _Page(text)
    assert page.open_tags == []
    assert len(page.sources) == 9
    for source in page.sources:
        header, data = source.split(",", 1)
        assert header == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert not re.search(r"url\(|@import|https?://", text)
    words = " ".join(page.words)
    for expected in ("A <pair>", "left <ventricle> & more", "No folding", "12.3 s", "cpu", "SDlogJ"):
        assert expected in words


def test_the_page_warns_of_folds(tmp_path):
    write_report(tmp_path, a_full_report(GRIDS[0], bump(GRIDS[0], 14.0)))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "folded voxels" in text
    assert "No folding" not in text


def test_the_picture_is_a_png_and_needs_neither_labels_nor_measures(tmp_path):
    write_report(tmp_path, contents(GRIDS[3], ball(GRIDS[3])))
    picture = sitk.ReadImage(str(tmp_path / "report.png"))
    assert picture.GetNumberOfComponentsPerPixel() == 3
    assert picture.GetSize()[0] > 1000
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "report.png"]


def test_a_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="Cannot write"):
        write_report(tmp_path / "file" / "folder", contents(GRIDS[0], ball(GRIDS[0])))


@pytest.mark.parametrize("kind", KINDS)
def test_constant_images_and_transforms_without_overlap_can_still_be_drawn(kind):
    grid = Grid((12, 10, 4), (1.0, 1.0, 9.0))
    far_away = sitk.TranslationTransform(3, (1000.0, 0.0, 0.0))
    nothing = grid.image(np.zeros(grid.shape, np.float32))
    for picture in draw(scene_of(contents(grid, np.zeros(grid.shape), far_away, disagreement=nothing)), kind):
        assert np.isfinite(picture).all()


@pytest.mark.parametrize(
    "letters", ["Gehörgang Müller Fuß", "Os carré, nerf médian", "Mózg ščž ğış", "Печень Ωμ", "0.5 % ±°µ²"]
)
@pytest.mark.parametrize("strong", [False, True])
def test_every_letter_of_european_names_is_in_the_font(letters, strong):
    face = lettering.font(32, strong)
    absent = bytes(face.getmask("\U0010ffff"))
    assert [letter for letter in letters if bytes(face.getmask(letter)) == absent] == []


def test_capitals_small_letters_and_umlauts_are_told_apart():
    def drawn(text):
        picture = np.zeros((40, 60, 3))
        lettering.write(picture, text, 30, 5, 24)
        return picture

    pictures = [drawn(text) for text in ("a", "A", "ä", "Ä", "u", "ü")]
    assert all(np.abs(a - b).max() > 0.5 for n, a in enumerate(pictures) for b in pictures[:n])


@pytest.mark.parametrize(("row", "column"), [(-50, 5), (10, -200), (500, 500), (2, 55)])
def test_text_beyond_the_border_is_cut(row, column):
    picture = np.zeros((40, 60, 3))
    lettering.write(picture, "Gehörgang", row, column, 24, outline=2)
    assert picture.shape == (40, 60, 3)
    assert (picture.max() > 0.2) == (column == 55)


def test_a_text_that_is_too_long_ends_with_an_ellipsis_and_fits():
    text = "a structure with a name that is far too long"
    short = lettering.shortened(text, 24, 200)
    assert short.endswith("…")
    assert text.startswith(short[:-1].rstrip())
    assert lettering.text_width(short, 24) <= 200
    assert lettering.shortened("liver", 24, 200) == "liver"


def test_the_directions_of_the_body_stand_at_the_four_sides():
    scene = scene_of(contents(GRIDS[1], 0 * ball(GRIDS[1])))
    plain, lettered = draw(scene, "fixed")[0], draw_lettered(scene, "fixed")[0]
    rows, columns = np.nonzero(np.abs(plain - lettered).max(axis=2) > 0.5)
    height, width = plain.shape[:2]
    assert rows.min() < 24 < height - 24 < rows.max()
    assert columns.min() < 24 < width - 24 < columns.max()
    middle = (np.abs(rows - height / 2) < 12) | (np.abs(columns - width / 2) < 12)
    assert middle.all()


def test_the_legend_of_the_picture_has_every_structure_in_its_color():
    grid = GRIDS[1]
    labels = grid.image((ball(grid) + ball(grid, radius=4)).astype(np.uint8))
    scene = scene_of(contents(grid, ball(grid), fixed_labels=labels))
    sheet = poster(scene, contents(grid, ball(grid), fixed_labels=labels, label_names={1: "Gehörgang"}))
    without = poster(scene_of(contents(grid, ball(grid))), contents(grid, ball(grid)))
    assert sheet.shape[0] > without.shape[0]
    legend = sheet[without.shape[0] :]
    for label in scene.labels:
        swatch = np.all(np.isclose(legend, structure_color(scene, label), atol=1e-3), axis=2)
        assert swatch.sum() >= 100
