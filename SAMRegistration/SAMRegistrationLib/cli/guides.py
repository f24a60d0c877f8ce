"""Options of ``register`` for what a user says about a pair beside its masks."""

from typing import Dict, Optional

from ..errors import InputError

POINTS = ".csv (x, y, z in LPS mm), .fcsv or .mrk.json"
READ = (
    *("fixed_masks", "moving_masks", "fixed_labels", "moving_labels", "fixed_landmarks", "moving_landmarks"),
    *("fixed_prompts", "moving_prompts", "fixed_guide_landmarks", "moving_guide_landmarks"),
    *("ignore_fixed", "ignore_moving", "rigid_regions", "initial_transform"),
)


def add_guides(group) -> None:
    """Add the options to a group of a parser."""
    group.add_argument(
        "--fixed-guide-landmarks",
        metavar="FILE",
        help=f"points of the fixed volume that are brought onto those of the moving one, {POINTS}; "
        "those of --fixed-landmarks are held out: only measured",
    )
    group.add_argument("--moving-guide-landmarks", metavar="FILE", help="their counterparts, of the same names")
    group.add_argument(
        "--ignore-fixed", metavar="FILE", help="label map of what must not pull in the fixed volume: tumor, metal, ..."
    )
    group.add_argument("--ignore-moving", metavar="FILE", help="the same for the moving volume; one of them is enough")
    group.add_argument(
        "--rigid-regions", metavar="FILE", help="label map of the fixed volume; each label moves as one rigid body"
    )


def read_guidance(options):
    """:class:`..registration.Guidance` of the files that are named, None without any.

    Raises:
        InputError: a file cannot be used, or landmarks of one side are missing.
    """
    from ..points import read_points
    from ..registration import Guidance
    from ..volumes import read_labels

    landmarks = (options.fixed_guide_landmarks, options.moving_guide_landmarks)
    if bool(landmarks[0]) != bool(landmarks[1]):
        raise InputError("Give landmarks of both volumes: --fixed-guide-landmarks and --moving-guide-landmarks.")
    regions = (options.ignore_fixed, options.ignore_moving, options.rigid_regions)
    if not any((*landmarks, *regions)):
        return None
    return Guidance(
        *(read_points(path) if path else None for path in landmarks),
        *(read_labels(path) if path else None for path in regions),
    )


def files_read(options) -> Dict[str, Optional[str]]:
    """The files of a pair that a command reads, by what they are."""
    others = {name.replace("_", " "): getattr(options, name, None) for name in READ}
    return {"fixed volume": options.fixed, "moving volume": options.moving, **others}
