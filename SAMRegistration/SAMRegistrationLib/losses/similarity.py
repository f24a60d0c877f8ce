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
        loss_name: function of two images (B, C, D, H, W) and an optional ``weight`` in :mod:`.intensities`, lower for
            images that are more alike.
        features_name: function that makes the channels (B, C, D, H, W) that are compared of an image (B, 1, D, H, W);
            None compares the intensities.
    """

    title: str
    within_a_modality: Optional[bool]
    loss_name: str
    features_name: Optional[str] = None

    @property
    def loss(self) -> Callable:
        """``loss(a, b, weight=None) -> scalar``."""
        from . import intensities

        return getattr(intensities, self.loss_name)

    def features(self, image):
        """The channels that are compared, of an image (B, 1, D, H, W)."""
        from . import intensities

        return image if self.features_name is None else getattr(intensities, self.features_name)(image)


SIMILARITIES: Dict[str, Similarity] = {
    "lncc": Similarity("local normalized cross-correlation", True, "lncc"),
    "mi": Similarity("mutual information", None, "mutual_information"),
    "mind": Similarity("modality independent neighborhood descriptor", False, "mean_square", "mind"),
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
