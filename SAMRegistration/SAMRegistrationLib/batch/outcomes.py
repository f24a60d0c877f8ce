"""What came out of the pairs of a batch, each kept in a file of the pair's folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from .. import __version__
from ..files import whole_file
from ..inside import inside
from ..metrics import mean_over_structures
from .pairs import Pair

FILE = "batch.json"
DONE, FAILED, WAITING = "done", "failed", "not done"


@dataclass(frozen=True)
class Outcome:
    """What came out of a pair.

    Attributes:
        name: of the pair.
        state: DONE, FAILED or WAITING.
        message: why it failed, in one sentence.
        measures: what the command register gave: "before", "after", "seconds", ...
    """

    name: str
    state: str
    message: str = ""
    measures: Dict[str, Any] = field(default_factory=dict)

    def numbers(self) -> Dict[str, Optional[float]]:
        """The measures of :data:`NUMBERS`; None where there is none."""
        before, after = (self.measures.get(side, {}) for side in ("before", "after"))
        deformation = after.get("deformation", {})
        return {
            "dice_before": _mean(before, "dice"),
            "dice_after": _mean(after, "dice"),
            "hd95_before_mm": _mean(before, "hd95_mm"),
            "hd95_after_mm": _mean(after, "hd95_mm"),
            "landmarks_before_mm": before.get("landmarks", {}).get("mean_mm"),
            "landmarks_after_mm": after.get("landmarks", {}).get("mean_mm"),
            "sd_log_jacobian": deformation.get("sd_log_jacobian"),
            "folded_percent": None if not deformation else 100 * deformation["folded_fraction"],
            "seconds": sum(self.measures["seconds"].values()) if "seconds" in self.measures else None,
        }


def folder_of(folder: Path, pair: Pair) -> Path:
    """Where the results of a pair are.

    Raises:
        InputError: that is a link, which may lead out of the folder of the batch.
    """
    return inside(folder, pair.name)


def key_of(pair: Pair, arguments: Sequence[str]) -> Dict[str, Any]:
    """What the results of a pair depend on; files count by path, size and time of change."""
    return {
        "version": __version__,
        "arguments": [*pair.arguments(), *arguments],
        "files": list(map(_stamp, pair.files)),
    }


def keep(folder: Path, pair: Pair, outcome: Outcome, key: Dict[str, Any]) -> None:
    """Write what came out of a pair into its folder."""
    with whole_file(folder_of(folder, pair) / FILE) as temporary:
        temporary.write_text(json.dumps({**asdict(outcome), "key": key}, indent=2) + "\n", encoding="utf-8")


def kept(folder: Path, pair: Pair, key: Optional[Dict[str, Any]] = None) -> Outcome:
    """What came out of a pair so far.

    Args:
        key: what it has to depend on; None for anything. A pair whose key changed is not done.
    """
    try:
        entry = json.loads((folder_of(folder, pair) / FILE).read_text(encoding="utf-8"))
        was = entry.pop("key")
        outcome = Outcome(**entry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # missing or damaged: done again
        return Outcome(pair.name, WAITING)
    return outcome if key is None or was == key else Outcome(pair.name, WAITING)


def _mean(side: Dict[str, Any], score: str) -> Optional[float]:
    structures: List[Dict[str, Any]] = side.get("structures", [])
    return mean_over_structures(structures, score) if structures else None


def _stamp(path: Path) -> List[Any]:
    try:
        about = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), about.st_size, about.st_mtime_ns]


NUMBERS = tuple(Outcome("", WAITING).numbers())
