"""Dice of the built-in click model after 1 to n simulated clicks, by structure, on data it was never trained on.

    python Testing/bench/click_accuracy.py [--weights FILE] [--clicks 5] [--every 1] [--threads 2] [--output FOLDER]

Every axial slice of the torso CT (TotalSegmentator's 61 labels, predictions of its fast model) and every short-axis
slice of the Sunnybrook cine hearts (manual contours) that shows at least 100 pixels of a structure is one case. The
first click is set deepest inside, each next one deepest in the largest error. Data: folder SAMREGISTRATION_DATA, or
../shared/data.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from conditions import conditions
from SAMRegistrationLib.segmentation.compact.predictor import CompactPredictor
from SAMRegistrationLib.training.clicks.evaluate import ClickScores, evaluate_clicks, volume_cases

TOTAL_SEGMENTATOR = {
    **{1: "spleen", 2: "right kidney", 3: "left kidney", 4: "gallbladder", 5: "liver", 6: "stomach", 7: "pancreas"},
    **{11: "left lower lung lobe", 14: "right lower lung lobe", 18: "small bowel", 19: "duodenum", 20: "colon"},
    **{21: "bladder", 22: "prostate", 25: "sacrum", 26: "vertebra S1", 27: "vertebra L5", 28: "vertebra L4"},
    **{29: "vertebra L3", 30: "vertebra L2", 31: "vertebra L1", 32: "vertebra T12", 33: "vertebra T11"},
}
TOTAL_SEGMENTATOR.update({52: "aorta", 63: "inferior vena cava", 64: "portal vein", 117: "costal cartilages"})
for first, name in ((75, "femur"), (77, "hip"), (80, "gluteus maximus"), (82, "gluteus medius")):
    TOTAL_SEGMENTATOR.update({first: f"left {name}", first + 1: f"right {name}"})
for first, name in ((84, "gluteus minimus"), (86, "autochthonous back muscle"), (88, "iliopsoas")):
    TOTAL_SEGMENTATOR.update({first: f"left {name}", first + 1: f"right {name}"})
HEART = {1: "LV cavity", 2: "LV myocardium"}


def ct_cases(data: Path):
    folder = data / "totalseg-ct-mr"
    labels = folder / "example_seg_fast_force_split.nii.gz"
    return volume_cases(folder / "example_ct.nii.gz", labels, -160, 240, names=TOTAL_SEGMENTATOR)


def heart_cases(data: Path):
    cases = []
    for image in sorted((data / "scd-cine").glob("*_E[DS]_img.nii.gz")):
        low, high = np.percentile(sitk.GetArrayFromImage(sitk.ReadImage(str(image))), (0.5, 99.5))
        cases += volume_cases(image, str(image).replace("_img", "_lab"), low, high, names=HEART)
    return cases


def markdown(title: str, scores: ClickScores) -> str:
    clicks = scores.dice.shape[1]
    counts = {name: scores.structures.count(name) for name in scores.structures}
    lines = [f"| {title} | slices | " + " | ".join(f"{k + 1}" for k in range(clicks)) + " |"]
    lines.append("|---|---|" + clicks * "---|")
    for name, dice in sorted(scores.by_structure().items(), key=lambda item: -item[1][-1]):
        lines.append(f"| {name} | {counts[name]} | " + " | ".join(f"{value:.2f}" for value in dice) + " |")
    lines.append(
        f"| **all slices** | {len(scores.dice)} | " + " | ".join(f"**{value:.3f}**" for value in scores.mean()) + " |"
    )
    return "\n".join(lines)


def picture(results, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4))
    for title, scores in results.items():
        clicks = np.arange(1, scores.dice.shape[1] + 1)
        low, high = np.quantile(scores.dice, (0.25, 0.75), axis=0)
        (line,) = axes.plot(clicks, scores.mean(), "o-", label=f"{title} ({len(scores.dice)} slices)")
        axes.fill_between(clicks, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.plot([1, 3, 5], [0.75, 0.85, 0.9], "k_", markersize=14, label="target")
    axes.set(xlabel="simulated clicks", ylabel="Dice (mean; band: quartiles)", ylim=(0, 1), xticks=clicks)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", help="default: those that come with the extension")
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="take only every n-th case of the CT")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="folder for the tables, the picture and the numbers as JSON")
    options = parser.parse_args()
    data = Path(os.environ.get("SAMREGISTRATION_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / "totalseg-ct-mr").is_dir():
        print(f"Click accuracy was left out: no volumes in {data}; set SAMREGISTRATION_DATA to their folder.")
        return
    torch.set_num_threads(options.threads)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
    predictor = CompactPredictor(options.weights)
    print(f"Dice after each click; {conditions(options.threads)}.\n")
    results, text = {}, []
    for title, cases in (("CT organs", ct_cases(data)[:: options.every]), ("cine MR heart", heart_cases(data))):
        started = time.perf_counter()
        results[title] = evaluate_clicks(predictor, cases, options.clicks)
        seconds = (time.perf_counter() - started) / len(results[title].dice)
        text.append(f"{markdown(title, results[title])}\n\n{seconds:.2f} s a case.")
        print(text[-1] + "\n", flush=True)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "sam-compact-results.md").write_text("\n\n".join(text) + "\n", encoding="utf-8")
        numbers = {title: [scores.structures, scores.dice.round(4).tolist()] for title, scores in results.items()}
        (options.output / "sam-compact-results.json").write_text(json.dumps(numbers), encoding="utf-8")
        picture(results, options.output / "sam-compact.png")


if __name__ == "__main__":
    main()
