"""Masks as a user of the built-in click model gets them, for the experiments of docs/method.md."""

from pathlib import Path
from typing import Dict

import numpy as np
import SimpleITK as sitk
from SAMRegistrationLib.choices import BUILT_IN_CLICK_MODEL
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.volumes import StructureMasks, as_structures, read_labels
from segmentation import click_through

CLICKS = 6  # at most, for each structure


def clicked(image: sitk.Image, labels: StructureMasks, file: Path) -> StructureMasks:
    """Each structure after at most six clicks of a simulated user, on the grid of the labels, which is the image's.

    A voxel that two structures claim belongs to the later one. The label map is kept in `file`.
    """
    if not file.exists():
        found = np.zeros(labels.grid.shape, np.uint8)
        for label in labels.labels:
            session = SegmentationSession(image, open_predictor(BUILT_IN_CLICK_MODEL, "cpu"))
            found[click_through(session, labels.inside(label), CLICKS)[1]] = label
            session.close()
        file.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(labels.grid.image(found), str(file))
    return as_structures(read_labels(file), "The clicked masks")


def overlap(clicked_masks: StructureMasks, labels: StructureMasks) -> Dict[int, float]:
    """Dice of each structure."""
    scores = {}
    for label in labels.labels:
        truth = labels.inside(label)
        mask = clicked_masks.inside(label) if clicked_masks.structure(label) else np.zeros_like(truth)
        scores[label] = 2 * np.count_nonzero(mask & truth) / max(np.count_nonzero(mask) + np.count_nonzero(truth), 1)
    return scores
