"""How far the states of a result are off at the points that are known now, whether they were known then or not."""

from typing import Any, Dict, List, Sequence

import numpy as np

from ..errors import InputError
from ..geometry.frames import flipped
from ..metrics import pair_landmarks
from .landmarks import has_no_points, landmarks_of

LISTS = ((True, ("fixedLandmarks", "movingLandmarks")), (False, ("fixedHeldOut", "movingHeldOut")))


def point_errors(parameters, transforms: Sequence) -> List[Dict[str, Any]]:
    """The error of every state at every pair of points, in the world.

    Args:
        parameters: the parameter node, whose lists of landmarks count.
        transforms: VTK transforms, each of a state: fixed point -> moving point (RAS mm).

    Returns:
        For each pair its name, whether it guides or was held out (guides), and errors, the distances in mm between the
        mapped fixed point and the moving one, in the order of `transforms`. None of lists that do not belong together.
    """
    found = []
    for guides, names in LISTS:
        lists = [getattr(parameters, name) for name in names]
        if None in lists or has_no_points(lists):
            continue
        try:
            landmarks = landmarks_of(*lists)
            fixed, moving = pair_landmarks(landmarks.fixed, landmarks.moving)
        except InputError:
            continue  # what is wrong with the lists is told where they are chosen
        for number, (name, here, there) in enumerate(zip(fixed.names, fixed.points, moving.points), start=1):
            mapped = [transform.TransformPoint(flipped(here)) for transform in transforms]
            errors = [float(np.linalg.norm(np.subtract(place, flipped(there)))) for place in mapped]
            found.append({"name": name or str(number), "guides": guides, "errors": errors})
    return found
