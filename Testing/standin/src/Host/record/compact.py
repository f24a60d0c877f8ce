"""Reduces a full member list of the application (see the README of this folder's parent) to the facts that tests need.

    python compact.py FULL.json members-5.13.json

Kept per class: whether it is a widget, property names with their Qt type, signals with their argument types, the names
of everything that can be called, and the names of other attributes (enumerations). Slots are dropped: PythonQt lists
the public ones among the callables.
"""

import json
import sys
from pathlib import Path


def compact(full: dict) -> dict:
    """The facts of one full member list; every list of names becomes one string to keep the file small."""
    classes = {}
    for name, facts in full["classes"].items():
        signal_names = {signal.split("(")[0] for signal in facts["signals"]}
        classes[name] = {
            "widget": facts.get("widget", False),
            "properties": facts["properties"],
            "signals": facts["signals"],
            "callables": " ".join(sorted(set(facts["callables"]) - signal_names)),
            "attributes": " ".join(sorted(facts["attributes"])),
        }
    return {
        "about": full["about"],
        "version": full["application"]["version"],
        "modules": full["application"]["modules"],
        "available": {space: " ".join(names) for space, names in full["available"].items()},
        "functions": full["functions"],
        "classes": classes,
    }


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    facts = compact(json.loads(source.read_text(encoding="utf-8")))
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items() if key != "classes"]
    classes = [f"{json.dumps(name)}: {json.dumps(members)}" for name, members in facts["classes"].items()]
    lines.append('"classes": {\n' + ",\n".join(classes) + "\n}")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
