"""The result that the transform nodes of a scene hold, for its correction, also in a scene that was loaded."""

import json
from typing import Any, Dict

import numpy as np
import SimpleITK as sitk
from slicer.i18n import tr as _

from ..errors import InputError
from .transforms import library_transform

ATTRIBUTE = "SAMRegistration.Result"
CORNERS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
FACTS = ("fixed_modality", "moving_modality", "similarity", "same_scale", "device")


def remember(node, result) -> None:
    """Note on a transform node what is known of its result beside it: pre-alignment, kinds of the volumes."""
    known: Dict[str, Any] = {"facts": {name: result.facts[name] for name in FACTS if name in result.facts}}
    if result.linear.IsLinear():
        corners = np.array([result.linear.TransformPoint(corner) for corner in CORNERS])
        known["matrix"] = (corners[1:] - corners[0]).T.ravel().tolist()
        known["translation"] = corners[0].tolist()
    node.SetAttribute(ATTRIBUTE, json.dumps(known))


class Earlier:
    """A result as its nodes hold it now; to be made on the main thread.

    Args:
        transform, inverse: transform nodes.

    Raises:
        InputError: a node holds something else than a grid of displacements.
    """

    def __init__(self, transform, inverse):
        self._transforms = [library_transform(node) for node in (transform, inverse)]
        if None in self._transforms:
            text = _("{name} is no longer the grid of displacements of a registration; register again.")
            raise InputError(text.format(name=transform.GetName()))
        self._known = json.loads(transform.GetAttribute(ATTRIBUTE) or "{}")

    def result(self, fixed: sitk.Image, moving: sitk.Image):
        """The RegistrationResult of a pair of volumes in the world; may be made on any thread."""
        from dataclasses import replace

        from ..registration import result_of

        linear = sitk.AffineTransform(3)
        if "matrix" in self._known:
            linear.SetMatrix(np.asarray(self._known["matrix"], float).tolist())
            linear.SetTranslation(self._known["translation"])
        transform, inverse = self._transforms
        result = result_of(transform, fixed, moving, inverse, linear)
        return replace(result, facts=self._known.get("facts", {}))
