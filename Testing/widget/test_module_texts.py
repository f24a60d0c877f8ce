"""All texts that a user sees go through the application's translation."""

import ast

import pytest
from module_panel import MODULE

LIBRARY = MODULE.parent / "SAMRegistrationLib"


def template(node):
    """The text of a literal with {} for each of its fields; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def said_stages():
    found = set()
    for folder in ("registration", "segmentation", "scene"):
        for path in (LIBRARY / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "update" and len(node.args) == 2:
                    text = template(node.args[1])
                    if text is not None and path.name != "cases.py":  # its messages are names of volumes
                        found.add("".join("{}" if part.isdigit() else part for part in text))
    return found


def test_every_stage_of_the_background_work_has_a_translation(application):
    from SAMRegistrationLib.widget.stages import stages

    said = said_stages()
    assert "Refining, {}/{} resolution" in said
    assert said <= set(stages())


def test_stages_are_shown_in_the_language_of_the_user(panel, monkeypatch):
    from SAMRegistrationLib.widget import stages

    monkeypatch.setattr(stages, "_", {"Refining, {}/{} resolution": "Verfeinern, {}/{}"}.get)
    assert stages.stage("Refining, 1/4 resolution") == "Verfeinern, 1/4"
    assert stages.stage("Writing {x} 3") == "Writing {x} 3"


def test_measures_are_named_in_the_language_of_the_user(application, monkeypatch):
    from SAMRegistrationLib.scene import tables

    monkeypatch.setattr(tables, "_", lambda text: f"<{text}>")
    deformation = dict.fromkeys(
        ("sd_log_jacobian", "sd_log_jacobian_learn2reg", "smallest_jacobian", "largest_jacobian", "folded_fraction"),
        0.5,
    )
    titles = [title for title, _ in tables.summary_rows({**deformation, "folded_voxels": 3}, 2.0)]
    assert all(title.startswith("<") for title in (*titles, *tables.columns(), *tables.fold_columns()))


@pytest.mark.parametrize("folder", ["scene", "logic", "widget"])
def test_errors_for_the_user_are_translated(folder):
    wrong = []
    for path in sorted((LIBRARY / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InputError" and template(node.args[0]):
                wrong.append(f"{path.name}:{node.lineno}")
    assert wrong == []


def test_every_public_method_of_the_logic_shows_how_it_is_used(panel):
    own = [cls for cls in type(panel.logic).__mro__ if cls.__module__.startswith("SAMRegistration")]
    methods = {
        f"{cls.__name__}.{name}": method for cls in own for name, method in vars(cls).items() if callable(method)
    }
    public = {name: method for name, method in methods.items() if not name.split(".")[1].startswith("_")}
    assert len(public) > 30
    assert [name for name, method in public.items() if ">>> " not in (method.__doc__ or "")] == []
