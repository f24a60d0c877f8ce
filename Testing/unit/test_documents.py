"""Links and file names in the documents lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PLACES = (ROOT, ROOT / "SAMRegistration", ROOT / "SAMRegistration" / "SAMRegistrationLib", ROOT / "Testing")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|toml|json|cmake|ui|yml|txt|png))(?: [^`]*)?`")
MADE_BY_USE = ("demo-output/", "bench-output/", "dist/", "result/")
pytestmark = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def test_every_link_to_a_file_leads_to_one(document):
    links = LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_file_that_is_named_with_its_folder_exists(document):
    named = FILE.findall(document.read_text(encoding="utf-8"))
    found = {name for name in named if any((place / name).exists() for place in PLACES)}
    assert sorted(set(named) - found - {name for name in named if name.startswith(MADE_BY_USE)}) == []


def test_every_name_that_is_said_to_be_in_a_file_is_there(document):
    text = " ".join(document.read_text(encoding="utf-8").split())
    for name, file in re.findall(r"`([\w-]+)` (?:of|in) `([\w/.-]+\.\w+)`", text):
        path = next(place / file for place in PLACES if (place / file).exists())
        assert name in path.read_text(encoding="utf-8"), f"{name} is not in {file}"
