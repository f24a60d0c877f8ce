"""Structures and prompts: immutable values, undo, JSON without loss."""

import json

import pytest
from SAMRegistrationLib.errors import InputError
from SAMRegistrationLib.segmentation.edits import AddPrompt, DeletePrompt, History, PutStructures, ReplacePrompt
from SAMRegistrationLib.segmentation.intensity import WINDOW, Intensity
from SAMRegistrationLib.segmentation.prompts import BOX, NEGATIVE, POSITIVE, Prompt, PromptSet, Structure


def a_prompt_set():
    third = 1 / 3
    liver = Structure(
        "Leber, groß",
        2,
        (0.1, third, 1.0),
        "Segmentation category~SCT~123037004",
        (
            Prompt(POSITIVE, ((-12.3456789012345, third, 1e-17),), (0.0, 0.6, 0.8)),
            Prompt(BOX, ((0, 0, 0), (10.5, -3.25, 0.1)), (0, 0, 1), proposed=True),
            Prompt(NEGATIVE, ((1, 2, 3),), None, correction=True),
        ),
        propagated=True,
    )
    return PromptSet((liver, Structure("empty", 7)), Intensity(WINDOW, -1000.0, 200.0))


def a_structure_with(prompt):
    return {"structures": [{"name": "a", "prompts": [prompt]}]}


def test_prompts_survive_json_without_loss(tmp_path):
    prompts = a_prompt_set()
    prompts.save(tmp_path / "prompts.json")
    assert PromptSet.load(tmp_path / "prompts.json") == prompts
    assert PromptSet.from_dict(json.loads(json.dumps(PromptSet().to_dict()))) == PromptSet()


def test_a_file_written_by_hand_may_leave_out_what_can_be_chosen():
    prompts = PromptSet.from_dict(
        {
            "format": "sam-registration-prompts",
            "version": 1,
            "structures": [
                {"name": "liver", "prompts": [{"kind": "positive", "points": [[1, 2, 3]]}]},
                {"name": "spleen"},
            ],
        }
    )
    assert [structure.label for structure in prompts.structures] == [1, 2]
    assert prompts.structures[0].prompts[0].points == ((1.0, 2.0, 3.0),)
    assert prompts.structures[0].prompts[0].normal is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "other"}, "not a prompts file"),
        ({"version": 3}, "version 3 cannot be read"),
        ({"frame": "RAS"}, "LPS frame, not RAS"),
        ({"structures": [{"label": 1}]}, "damaged"),
        (
            {"structures": [{"name": "a", "prompts": [{"kind": "circle", "points": [[0, 0, 0]]}]}]},
            "Unknown prompt kind",
        ),
        (a_structure_with({"kind": "box", "points": [[0, 0, 0]]}), "needs 2 position"),
        (
            {"structures": [{"name": "a", "prompts": [{"kind": "positive", "points": [[0, 0]]}]}]},
            "three finite numbers",
        ),
        ({"structures": [{"name": "a", "label": 1}, {"name": "b", "label": 1}]}, "Label 1 is already taken"),
        ({"structures": [{"name": "a", "label": 0}]}, "whole number above 0"),
        ({"structures": [{"name": "a", "id": "x"}, {"name": "b", "id": "x"}]}, "same id"),
        ({"intensity": {"mode": "window", "low": 5, "high": 5}}, "lower intensity limit"),
    ],
)
def test_unusable_prompt_files_are_told_in_one_sentence(tmp_path, change, sentence):
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({**a_prompt_set().to_dict(), **change}), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        PromptSet.load(path)


def test_missing_files_and_files_that_are_not_json_are_told(tmp_path):
    with pytest.raises(InputError, match="Cannot read"):
        PromptSet.load(tmp_path / "absent.json")
    (tmp_path / "text.json").write_text("points: 3", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON file"):
        PromptSet.load(tmp_path / "text.json")


def test_every_edit_can_be_undone_and_redone_step_by_step():
    history = History()
    liver = Structure("liver", 1)
    first = Prompt(POSITIVE, ((1, 2, 3),))
    second = Prompt(NEGATIVE, ((4, 5, 6),))
    moved = Prompt(POSITIVE, ((9, 9, 9),), id=first.id)
    edits = [
        PutStructures("Add liver", (liver,)),
        AddPrompt("Add first", liver.id, first),
        AddPrompt("Add second", liver.id, second),
        ReplacePrompt("Move first", moved),
        DeletePrompt("Delete second", second.id),
    ]
    states = [history.current]
    for edit in edits:
        history.do(edit)
        states.append(history.current)
    assert states[-1].structures[0].prompts == (moved,)
    for number in reversed(range(len(edits))):
        assert history.undo_label == edits[number].label
        assert history.undo() == edits[number].label
        assert history.current == states[number]
    assert history.undo() is None
    for number in range(len(edits)):
        assert history.redo() == edits[number].label
        assert history.current == states[number + 1]
    assert history.redo() is None


def test_an_edit_that_fails_changes_nothing_and_a_new_edit_ends_redo():
    history = History()
    history.do(PutStructures("Add", (Structure("liver", 1),)))
    before = history.current
    with pytest.raises(InputError, match="already taken"):
        history.do(PutStructures("Add", (Structure("spleen", 1),)))
    assert history.current is before
    history.undo()
    history.do(PutStructures("Add", (Structure("spleen", 1),)))
    assert history.redo_label is None


def test_a_label_that_is_free_again_is_used_again():
    prompts = PromptSet((Structure("a", 1), Structure("b", 3)))
    assert prompts.free_label() == 2
