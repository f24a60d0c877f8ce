"""The words that users choose by, each said once; imports nothing that is slow or has to be installed."""

from typing import NamedTuple, Optional

AUTO = "auto"
PRESETS, PRESET = ("fast", "balanced", "accurate"), "balanced"
PREALIGNMENTS, PREALIGNMENT = ("affine", "rigid", "none"), "affine"
MODALITIES = ("ct", "mr", "other")
GUIDE, IGNORE, RIGID = ROLES = ("guide", "ignore", "rigid")  # what a structure is for in a registration
EXPORTS = ("ants", "fsl", "elastix", "dicom", "dicom-seg", "dicom-registration", "pdf")  # forms for other programs
CLICKED_TOLERANCE = 1.5  # voxels by which the borders of masks from clicks may be off, for a registration
POSITIVE, NEGATIVE, BOX = "positive", "negative", "box"  # kinds of prompts
SCRIBBLE, NEGATIVE_SCRIBBLE, LASSO = "scribble", "negative scribble", "lasso"
DRAWN = (SCRIBBLE, NEGATIVE_SCRIBBLE, LASSO)


class Capabilities(NamedTuple):
    """What a click model takes, and whether it answers for slices (2) or for volumes (3).

    Scribbles count as points, lassos as boxes.
    """

    dimensions: int
    points: bool = True
    boxes: bool = True


SLICES, VOLUMES = Capabilities(2), Capabilities(3)


class ClickModel(NamedTuple):
    """A click model that can be chosen.

    Attributes:
        name: what the user calls it.
        title: what it is, in a few words.
        capabilities: which prompts it takes.
        implementation: "module:Class" below `segmentation`, called with the keyword `device`; None for a published
            checkpoint, which has an entry of the same name in :data:`.weights.MANIFEST` and is downloaded on demand.
    """

    name: str
    title: str
    capabilities: Capabilities = SLICES
    implementation: Optional[str] = None

    @property
    def needs_download(self) -> bool:
        """Whether its weights do not ship."""
        return self.implementation is None


CLICK_MODELS = (
    ClickModel("compact", "built-in network", SLICES, "compact.predictor:CompactPredictor"),
    ClickModel("geodesic", "geodesic growth without weights", VOLUMES, "geodesic:GeodesicModel"),
    ClickModel("sam-vit-b", "Segment Anything, ViT-B"),
    ClickModel("sam-vit-l", "Segment Anything, ViT-L"),
    ClickModel("sam-vit-h", "Segment Anything, ViT-H"),
    ClickModel("medsam-vit-b", "MedSAM, trained for boxes"),
)


class PackageModel(NamedTuple):
    """A family of click models that is offered where its package is installed; it is chosen by a file or a folder.

    Attributes:
        title: how its authors call it.
        module: that can be imported then.
        is_folder: whether a model is a folder rather than a file.
        ending: of the file's name.
    """

    title: str
    module: str
    is_folder: bool
    ending: str = ""


PACKAGE_MODELS = (
    PackageModel("SAM 2", "sam2", False, ".pt"),
    PackageModel("nnInteractive", "nnInteractive.inference.inference_session", True),
)
BUILT_IN_CLICK_MODEL = CLICK_MODELS[0].name
