"""What the index of 3D Slicer's extensions asks of the entry, the metadata, the license and the citation."""

import ast
import json
import re

import jsonschema
import pytest
import yaml
from tools.extension_package import ROOT, lay_out

# The schema for entries of the extension catalog, version 1.0.2, in the words of its keys.
TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "required": ["$schema", "category", "scm_url"],
    "additionalProperties": False,
    "properties": {
        "$schema": TEXT,
        "category": TEXT,
        "scm_url": TEXT,
        "scm_revision": TEXT,
        "scm_type": {"enum": ["git", "local"]},
        "build_dependencies": {"type": "array", "items": TEXT},
        "dicom_support_rule": TEXT,
        "build_subdirectory": TEXT,
        "enabled": {"type": "boolean"},
        "tier": {"type": "integer", "minimum": 1, "maximum": 5},
    },
}
ENTRY_FILE = ROOT / "SAMRegistration.json"
ENTRY = json.loads(ENTRY_FILE.read_text(encoding="utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    return lay_out(tmp_path_factory.mktemp("extension")).description


def test_the_entry_is_valid_against_the_schema_it_names():
    assert ENTRY["$schema"].endswith("/slicer-extension-catalog-entry-schema-v1.0.2.json#")
    jsonschema.validate(ENTRY, SCHEMA)


@pytest.mark.parametrize(
    "change", [{"scm_type": "svn"}, {"tier": 6}, {"tier": "1"}, {"build_dependencies": "PyTorch"}, {"homepage": "x"}]
)
def test_a_wrong_entry_is_refused(change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**ENTRY, **change}, SCHEMA)


def test_the_entry_file_has_the_line_ends_that_the_index_asks_for():
    assert b"\r" not in ENTRY_FILE.read_bytes()


def test_the_repository_is_named_slicer_and_the_extension_is_not():
    repository = ENTRY["scm_url"].rsplit("/", 1)[1]
    assert repository == f"Slicer{ENTRY_FILE.stem}.git"
    assert not ENTRY_FILE.stem.startswith("Slicer")
    assert ENTRY["scm_url"].startswith("https://")


def test_the_metadata_agree_with_the_entry(description):
    assert description["depends"].split() == ENTRY["build_dependencies"]
    assert description["homepage"] + ".git" == ENTRY["scm_url"]
    assert ENTRY["category"] == "Registration"


def test_the_description_is_a_sentence_or_two(description):
    sentences = description["description"].split(". ")
    assert len(sentences) <= 2
    assert 40 < len(description["description"]) < 300
    assert sentences[-1].endswith(".")


def test_the_contributors_are_the_same_everywhere(description):
    tree = ast.parse((ROOT / "SAMRegistration" / "SAMRegistration.py").read_text(encoding="utf-8"))
    targets = {ast.unparse(node.targets[0]): node.value for node in ast.walk(tree) if isinstance(node, ast.Assign)}
    module = ast.literal_eval(targets["self.parent.contributors"])
    assert module == [author["name"] for author in CITATION["authors"]] == description["contributors"].split(", ")


def test_the_citation_has_what_version_1_2_0_of_its_format_requires():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert CITATION["title"]
    assert CITATION["type"] == "software"
    for work in [CITATION, *CITATION["references"]]:
        assert work["authors"]
        for author in work["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"}), author
    assert {"authors", "title", "type"} <= set(CITATION["references"][0])


def test_the_citation_names_version_license_repository_and_paper():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert str(CITATION["version"]) == version.group(1)
    assert CITATION["license"] == "Apache-2.0"
    assert CITATION["repository-code"] + ".git" == ENTRY["scm_url"]
    assert CITATION["references"][0]["url"] in README


def test_the_home_page_has_name_purpose_picture_module_paper_and_license():
    assert README.startswith("# SAMRegistration\n")
    assert "Deformable registration" in README
    assert re.search(r"!\[[^\]]+\]\(Resources/Screenshots/[\w-]+\.png\)", README)
    assert "SAM Registration" in README
    assert "arxiv.org/abs/2502.11440" in README
    assert "Apache-2.0" in README
    assert "Apache License" in (ROOT / "LICENSE.txt").read_text(encoding="utf-8")


def test_the_module_file_imports_nothing_at_its_top_that_slicer_does_not_bring():
    tree = ast.parse((ROOT / "SAMRegistration" / "SAMRegistration.py").read_text(encoding="utf-8"))
    roots = {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    roots |= {alias.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    assert roots <= {"typing", "slicer", "vtk", "SAMRegistrationLib"}
