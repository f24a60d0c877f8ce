"""DICOM Segmentation objects, as the standard has them: a frame for every slice of every segment that is not empty."""

from pathlib import Path
from typing import Dict, Optional

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from SAMRegistrationLib.geometry.grid import Grid

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"


def item(**entries) -> Dataset:
    """A data set of these entries; what is a data set becomes a sequence of one item."""
    found = Dataset()
    for name, entry in entries.items():
        setattr(found, name, [entry] if isinstance(entry, Dataset) else entry)
    return found


def write(
    path: Path, grid: Grid, masks: Dict[str, np.ndarray], kind: str = "BINARY", moved: Optional[int] = None
) -> Path:
    """Write masks (z, y, x) by name; empty slices are left out.

    Args:
        moved: a frame that is put half a slice from its place.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SEGMENTATION, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = SEGMENTATION, meta.MediaStorageSOPInstanceUID, "SEG"
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.Columns, data.Rows = grid.size[:2]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = (1, 1, 0) if kind == "BINARY" else (8, 8, 7)
    data.SegmentationType = kind
    data.SegmentSequence = [item(SegmentNumber=n, SegmentLabel=name) for n, name in enumerate(masks, start=1)]
    direction = np.array(grid.direction).reshape(3, 3)
    data.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=item(ImageOrientationPatient=_numbers([*direction[:, 0], *direction[:, 1]])),
            PixelMeasuresSequence=item(
                PixelSpacing=_numbers([grid.spacing[1], grid.spacing[0]]), SliceThickness=f"{grid.spacing[2]:.6g}"
            ),
        )
    ]
    groups, frames = [], []
    for number, mask in enumerate(masks.values(), start=1):
        for k in np.flatnonzero(mask.any(axis=(1, 2))):
            place = k + (0.5 if moved == len(frames) else 0.0)
            groups.append(
                item(
                    PlanePositionSequence=item(
                        ImagePositionPatient=_numbers(grid.index_to_physical([[0, 0, place]])[0].tolist())
                    ),
                    SegmentIdentificationSequence=item(ReferencedSegmentNumber=number),
                )
            )
            frames.append(mask[k])
    data.PerFrameFunctionalGroupsSequence, data.NumberOfFrames = groups, len(frames)
    bits = np.concatenate([frame.ravel() for frame in frames]).astype(np.uint8)
    data.PixelData = (np.packbits(bits, bitorder="little") if kind == "BINARY" else bits).tobytes()
    if len(data.PixelData) % 2:
        data.PixelData += b"\0"
    data.save_as(path, enforce_file_format=True)
    return Path(path)


def _numbers(values):
    return [f"{value:.10g}" for value in values]
