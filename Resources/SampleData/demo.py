"""Register two brains, show how well it went, and say where the results are: `make demo`.

    python Resources/SampleData/demo.py [--output FOLDER] [--preset fast|balanced|accurate] [--device auto|cpu|cuda]

The whole method: clicks of prompts.json, set in the fixed brain, are carried over to the moving one, become masks in
both, and the masks guide the registration. Gray and white matter are only measured.

When nothing changed since the last run its results are shown again.
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Dict

from needed import sentence_for

try:
    import SimpleITK as sitk
    from fetch import FetchError
    from SAMRegistrationLib import engine
    from SAMRegistrationLib.choices import PRESET, PRESETS
    from SAMRegistrationLib.cli.console import add_output_options, console_job, say, show, table
    from SAMRegistrationLib.environment import require_packages
    from SAMRegistrationLib.errors import SAMRegistrationError
    from SAMRegistrationLib.files import whole_files
    from SAMRegistrationLib.geometry.grid import Grid
    from SAMRegistrationLib.metrics import mean_over_structures
    from SAMRegistrationLib.registration import RegistrationOptions
    from SAMRegistrationLib.report import write_results
    from SAMRegistrationLib.resources import MODELS
    from SAMRegistrationLib.segmentation.prompts import PromptSet
    from subjects import TISSUES, Subjects, load
except ImportError as error:
    sys.exit(f"demo: {sentence_for(error)}")

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parents[1] / "SAMRegistration" / "SAMRegistrationLib"
RECORD, PROMPTS = "demo.json", HERE / "prompts.json"
MASKS = ("fixed_masks.nii.gz", "moving_masks.nii.gz")


def main() -> int:
    """Run the demonstration."""
    options = _options()
    record_file = options.output / RECORD
    try:
        require_packages()
        state = _state(options)
        record = json.loads(record_file.read_text(encoding="utf-8")) if record_file.is_file() else {}
        if record.get("state") == state:
            say(options, "Nothing changed since the last run; these are its results.\n")
        else:
            record = _run(options, state)
    except (FetchError, SAMRegistrationError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; nothing was written.", file=sys.stderr)
        return 130
    show(options, record["summary"], record["text"])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Register two brains and show how well it went.")
    parser.add_argument("--output", type=Path, default=Path("demo-output"), help="folder for the results")
    parser.add_argument("--preset", choices=PRESETS, default=PRESET)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_output_options(parser)
    return parser.parse_args()


def _state(options) -> str:
    """Changes when the code, the data, the options or the programs that fetch the data change."""
    state = hashlib.sha256(f"{options.preset} {options.device} {shutil.which('apt-get')}".encode())
    code = [*LIBRARY.rglob("*.py"), *LIBRARY.rglob("*.html"), *HERE.glob("*.py")]
    for file in sorted([*code, HERE / "manifest.json", PROMPTS, *MODELS.glob("*.safetensors")]):
        state.update(file.read_bytes())
    return state.hexdigest()


def _run(options, state: str) -> Dict:
    subjects = load(lambda text: say(options, text))
    say(options, f"Fixed: ICBM152, the average brain. Moving: {subjects.description}.")
    job = console_job(options)
    choices = RegistrationOptions.preset(options.preset, device=options.device)
    prompts = PromptSet.load(PROMPTS)
    result, *masks = engine.register_from_prompts(subjects.fixed, subjects.moving, prompts, options=choices, job=job)
    clicked = {structure.label: structure.name for structure in prompts.structures}
    jacobian = engine.jacobian_map(result.transform, Grid.of(result.fixed), job)
    clicked_scores = engine.measure(result.transform, *masks)
    measures = engine.measure(result.transform, subjects.fixed_tissues, subjects.moving_tissues, jacobian=jacobian)
    with whole_files(options.output) as staging:
        summary = write_results(
            staging,
            result,
            measures,
            subjects.fixed_tissues,
            subjects.moving_tissues,
            label_names=TISSUES,
            facts={"moving brain": subjects.description},
            title="Two brains, registered",
        )
        if subjects.atlas is not None:
            sitk.WriteImage(result.warp_labels(subjects.atlas), str(staging / "warped_atlas.nii.gz"), True)
        for name, mask in zip(MASKS, masks):
            sitk.WriteImage(mask.label_image(), str(staging / name), True)
        summary = {"moving": subjects.description, "clicked": _named(clicked_scores, clicked), **summary}
        record = {"state": state, "summary": summary, "text": _text(summary, options.output, subjects)}
        (staging / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


def _named(measures: Dict, names: Dict[int, str]) -> Dict:
    """The structures before and after, as measured, by name."""
    return {
        side: [{**row, "name": names[row["label"]]} for row in measures[side]["structures"]]
        for side in ("before", "after")
    }


def _text(summary: Dict, folder: Path, subjects: Subjects) -> str:
    before, after = summary["before"]["structures"], summary["after"]["structures"]
    clicked = summary["clicked"]
    rows = [
        [f"{later['name']} (clicked)", *_numbers(earlier, later)]
        for earlier, later in zip(clicked["before"], clicked["after"])
    ]
    for earlier, later in zip(before, after):
        rows.append([TISSUES[later["label"]], *_numbers(earlier, later)])
    means = [{key: mean_over_structures(side, key) for key in ("dice", "hd95_mm")} for side in (before, after)]
    rows.append(["mean", *_numbers(*means)])
    deformation = summary["after"]["deformation"]
    lines = [
        table(["", "Dice before", "after", "HD95 mm before", "after"], rows),
        f"Folded voxels: {deformation['folded_voxels']}   SDlogJ: {deformation['sd_log_jacobian']:.3f}   "
        f"time: {sum(summary['seconds'].values()):.0f} s on {summary['facts']['device']}",
    ]
    if subjects.atlas is not None:
        lines.append(f"{len(subjects.atlas_names)} atlas regions were carried over: {folder / 'warped_atlas.nii.gz'}")
    lines.append(f"Report: {(folder / 'report.html').resolve()}")
    return "\n".join(lines)


def _numbers(earlier: Dict, later: Dict):
    return [f"{side[key]:.{digits}f}" for key, digits in (("dice", 3), ("hd95_mm", 2)) for side in (earlier, later)]


if __name__ == "__main__":
    sys.exit(main())
