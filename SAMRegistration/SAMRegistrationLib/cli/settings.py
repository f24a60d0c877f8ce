"""Options of a registration that are no inputs, for the commands register and batch."""

import argparse
import os
from typing import List

from ..choices import (
    AUTO,
    BUILT_IN_CLICK_MODEL,
    CLICKED_TOLERANCE,
    MODALITIES,
    PREALIGNMENT,
    PREALIGNMENTS,
    PRESET,
    PRESETS,
)
from ..losses.similarity import SIMILARITIES, similarity_help

FILES = ("weights",)


def add_settings(parser) -> List[argparse.Action]:
    """Add the options; they are returned."""
    stages = parser.add_argument_group("stages")
    return [
        parser.add_argument("--preset", choices=PRESETS, default=PRESET),
        parser.add_argument("--device", default=AUTO, help="auto, cpu, cuda, or one of several GPUs: cuda:1"),
        parser.add_argument(
            "--sam-model", default=BUILT_IN_CLICK_MODEL, help="model for the clicks, see the command segment"
        ),
        parser.add_argument("--displacement-field", action="store_true", help="also write displacement_field.nii.gz"),
        parser.add_argument(
            "--displacement-magnitude",
            action="store_true",
            help="also write displacement_magnitude.nii.gz: mm that the deformation adds to the pre-alignment",
        ),
        parser.add_argument(
            "--confidence-map",
            action="store_true",
            help="also find a second solution, in the other direction, and write disagreement.nii.gz: by how many mm "
            "both differ; takes about twice as long",
        ),
        stages.add_argument("--prealign", choices=PREALIGNMENTS, default=PREALIGNMENT),
        stages.add_argument("--no-network", action="store_true", help="refine without a prediction of the network"),
        stages.add_argument("--weights", metavar="FILE", help="weights of the network, .safetensors"),
        stages.add_argument("--no-refinement", action="store_true", help="take the network's prediction as it is"),
        stages.add_argument(
            "--stiffness",
            type=float,
            default=1.0,
            metavar="NUMBER",
            help="how smooth the deformation is: 1 as the preset, 2 to 4 smoother (SDlogJ falls), 0.5 more flexible",
        ),
        stages.add_argument(
            "--mask-tolerance",
            type=float,
            metavar="VOXELS",
            help="by how much the borders of the masks may be off; within that the images decide (default: 0, "
            f"{CLICKED_TOLERANCE:g} for masks from prompts)",
        ),
        stages.add_argument("--similarity", choices=(AUTO, *SIMILARITIES), default=AUTO, help=similarity_help()),
        stages.add_argument("--fixed-modality", choices=MODALITIES, help="default: guessed"),
        stages.add_argument("--moving-modality", choices=MODALITIES, help="default: guessed"),
    ]


def arguments_of(settings: List[argparse.Action], options) -> List[str]:
    """The arguments of another command that say the same; paths of files are made absolute."""
    arguments = []
    for setting in settings:
        value, name = getattr(options, setting.dest), setting.option_strings[0]
        if value != setting.default:
            value = os.path.abspath(value) if setting.dest in FILES else value
            arguments.append(name if setting.nargs == 0 else f"{name}={value}")
    return arguments
