"""Points, prompts and data lists of any content come back from their files as they were."""

import json

import numpy as np
from cases.geometries import share
from hypothesis import given
from hypothesis import strategies as st
from SAMRegistrationLib.choices import BOX, LASSO, NEGATIVE, NEGATIVE_SCRIBBLE, POSITIVE, SCRIBBLE
from SAMRegistrationLib.points import PointList, read_points, write_points
from SAMRegistrationLib.segmentation.prompts import LARGEST_LABEL, Prompt, PromptSet, Structure
from SAMRegistrationLib.training.registration.datalist import Case, DataList, read_data_list, write_data_list

numbers = st.floats(-1e6, 1e6)
vectors = st.tuples(numbers, numbers, numbers)
names = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12).map(str.strip)


@share(0.3)
@given(st.lists(st.tuples(vectors, names), min_size=1, max_size=6), st.sampled_from((".csv", ".mrk.json")))
def test_points_and_names_come_back(tmp_path_factory, entries, ending):
    path = tmp_path_factory.mktemp("points") / f"p{ending}"
    written = PointList(np.array([point for point, _ in entries]), [name for _, name in entries])
    write_points(path, written)
    again = read_points(path)
    np.testing.assert_array_equal(again.points, written.points)
    assert again.names == written.names


@share(0.3)
@given(st.lists(vectors, min_size=1, max_size=6))
def test_lists_of_3d_slicer_in_ras_and_in_lps_are_the_same_points(tmp_path_factory, points):
    folder = tmp_path_factory.mktemp("frames")
    mirrored = [(-x, -y, z) for x, y, z in points]
    for system, told in (("LPS", points), ("RAS", mirrored)):
        markups = [{"coordinateSystem": system, "controlPoints": [{"position": list(point)} for point in told]}]
        (folder / f"{system}.mrk.json").write_text(json.dumps({"markups": markups}), encoding="utf-8")
        rows = [f"id{n},{x!r},{y!r},{z!r},0,0,0,1,1,1,0,F,," for n, (x, y, z) in enumerate(told)]
        columns = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"
        head = f"# CoordinateSystem = {system}\n# columns = {columns}\n"
        (folder / f"{system}.fcsv").write_text(head + "\n".join(rows), encoding="utf-8")
    for file in folder.iterdir():
        np.testing.assert_array_equal(read_points(file).points, np.reshape(points, (-1, 3)))


@st.composite
def prompts(draw):
    kind = draw(st.sampled_from((POSITIVE, NEGATIVE, BOX, SCRIBBLE, NEGATIVE_SCRIBBLE, LASSO)))
    count = {POSITIVE: 1, NEGATIVE: 1, BOX: 2}.get(kind) or draw(st.integers(3, 6))
    points = tuple(draw(vectors) for _ in range(count))
    return Prompt(kind, points, draw(st.none() | vectors), draw(st.booleans()), draw(st.booleans()))


structures = st.builds(
    Structure,
    name=st.text(max_size=12),
    label=st.integers(1, LARGEST_LABEL),
    color=st.tuples(*[st.floats(0, 1)] * 3),
    terminology=st.text(max_size=12),
    prompts=st.lists(prompts(), max_size=3).map(tuple),
    propagated=st.booleans(),
)


@share(0.3)
@given(st.lists(structures, max_size=4, unique_by=lambda structure: structure.label))
def test_prompts_come_back(tmp_path_factory, some):
    path = tmp_path_factory.mktemp("prompts") / "p.json"
    written = PromptSet(tuple(some))
    written.save(path)
    assert PromptSet.load(path) == written


@share(0.3)
@given(st.lists(names.filter(bool), min_size=2, max_size=5, unique=True), st.data())
def test_data_lists_come_back(tmp_path_factory, ids, data):
    folder = tmp_path_factory.mktemp("list")
    cases = []
    for number, name in enumerate(ids):
        image = folder / data.draw(st.sampled_from(("", "sub/", "ünter/"))) / f"{number} .nii"
        image.parent.mkdir(exist_ok=True)
        image.touch()
        cases.append(Case(name, data.draw(st.sampled_from(("train", "validation", "test"))), image.resolve()))
    pairs = {split: ((a.id, b.id),) for split in ("train", "test") for a, b in pairs_of(cases, split)}
    structures = data.draw(st.dictionaries(st.integers(1, 10**6), names, max_size=4))
    written = DataList("any", dict(sorted(structures.items())), tuple(cases), pairs)
    write_data_list(written, folder / "list.json")
    assert read_data_list(folder / "list.json") == written


def pairs_of(cases, split):
    found = [case for case in cases if case.split == split]
    return [(found[0], found[1])] if len(found) > 1 else []
