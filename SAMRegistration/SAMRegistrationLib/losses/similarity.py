"""The table of similarities that a registration can be driven by; options, command line and help read it.

The functions are in :mod:`.intensities`, which is imported when they are used: reading the table needs no PyTorch.
"""

from typing import Callable, Dict, NamedTuple, Optional

from ..choices import AUTO


class Similarity(NamedTuple):
    """A way to compare two images.

    Attributes:
        title: what the help calls it.
        within_a_modality: "auto" takes it for images of the same kind (True), of different kinds (False), or never
            (None).
        channels_name: function in :mod:`.intensities` of an image (1, 1, D, H, W), of the sigmas (z, y, x) of local
            surroundings in voxels and of where the volume was imaged (1, 1, D, H, W; None for everywhere), that gives
            channels (1, C, D, H, W); images are alike where these are equal.
        loss_name: in place of channels, function of two images (B, 1, D, H, W) and an optional ``weight`` in
            :mod:`.intensities`, lower for images that are more alike.
        smoothness: factor on the sigmas by which the refinement smooths; what compares images across modalities is
            noisier, and follows noise into a rough deformation where it is smoothed as little as intensities are.
    """

    title: str
    within_a_modality: Optional[bool]
    channels_name: Optional[str] = None
    loss_name: Optional[str] = None
    smoothness: float = 1.0

    @property
    def loss(self) -> Optional[Callable]:
        """``loss(a, b, weight=None) -> scalar``, None where channels are compared."""
        return self._function(self.loss_name)

    @property
    def channels(self) -> Optional[Callable]:
        """``channels(image, sigmas, coverage) -> (1, C, D, H, W)``, None where a loss compares the images."""
        return self._function(self.channels_name)

    @staticmethod
    def _function(name: Optional[str]) -> Optional[Callable]:
        from . import intensities

        return None if name is None else getattr(intensities, name)


SIMILARITIES: Dict[str, Similarity] = {
    "lncc": Similarity("local normalized cross-correlation", True, channels_name="locally_normalized"),
    "mi": Similarity("mutual information", None, loss_name="mutual_information"),
    "mind": Similarity(
        "modality independent neighborhood descriptor", False, channels_name="mind_channels", smoothness=2.0
    ),
}


def default_similarity(within_a_modality: bool) -> str:
    """The name of the similarity that "auto" takes."""
    return next(name for name, row in SIMILARITIES.items() if row.within_a_modality is within_a_modality)


def similarity_help() -> str:
    """The choices with their titles, for the help of a command."""
    titles = [f"{name} ({row.title})" for name, row in SIMILARITIES.items()]
    return (
        f"{', '.join(titles)}; {AUTO}: {default_similarity(True)} within a modality, {default_similarity(False)} across"
    )
