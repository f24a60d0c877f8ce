"""Structures written to the file that a command names."""

from ..errors import InputError
from ..files import PathLike


def is_segmentation_name(path: PathLike) -> bool:
    """Whether a file of this name holds structures whole where they overlap."""
    from ..volumes import SEGMENTATION_ENDING

    return str(path).lower().endswith(SEGMENTATION_ENDING)


def require_room(structures, source: PathLike, path: PathLike) -> None:
    """Refuse, before any work is done, structures that overlap where the file of this name holds one label a voxel.

    Raises:
        InputError: as it says.
    """
    if structures.overlapping() and not is_segmentation_name(path):
        raise InputError(
            f"Structures of {source} overlap, which {path} cannot hold; give the output a name that ends in .seg.nrrd."
        )


def write_structures(structures, path: PathLike) -> None:
    """Write structures as a segmentation (.seg.nrrd) or as a label map, whole or not at all."""
    from ..image_files import write_image
    from ..volumes import write_segmentation

    if is_segmentation_name(path):
        write_segmentation(structures, path)
    else:
        write_image(structures.label_image(), path)
