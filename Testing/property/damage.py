"""The readers of the library, each with a whole file that it reads and a way to damage it."""

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pydicom
import SimpleITK as sitk
import torch
from cases.mutations import damaged_bytes, damaged_json
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import read_transform
from SAMRegistrationLib.network import NetworkConfig, RegistrationNetwork, load_network, save_network
from SAMRegistrationLib.network.checkpoint import read_metadata
from SAMRegistrationLib.points import PointList, read_points, write_points
from SAMRegistrationLib.segmentation.compact.model import CompactConfig, CompactSam, load_compact_sam, save_compact_sam
from SAMRegistrationLib.segmentation.prompts import Prompt, PromptSet, Structure
from SAMRegistrationLib.segmentation.sam.checkpoint import load_sam
from SAMRegistrationLib.training.clicks.config import read_config as read_click_training
from SAMRegistrationLib.training.registration.config import read_config
from SAMRegistrationLib.training.registration.datalist import read_data_list
from SAMRegistrationLib.training.registration.evaluate import read_evaluation
from SAMRegistrationLib.training.registration.state import TrainingState, load_state, save_state
from SAMRegistrationLib.volumes import load_volume, read_labels

GRID = Grid((5, 4, 3), (1.1, 1.4, 2.6), (12.0, -40.0, 7.5), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Reader:
    """A reader, the name and the content of a whole file for it, its share of 1000 damaged ones, and how many at most.

    What is damaged is `content` as JSON, or else the bytes of the file.
    """

    read: Callable[[Path], Any]
    name: str
    whole: bytes
    content: Any = None
    share: int = 110
    most: int = 10**9

    def damaged(self, seed: int) -> bytes:
        """A damaged file, always the same for a seed."""
        return damaged_bytes(self.whole, seed) if self.content is None else damaged_json(self.content, seed)


def readers(folder: Path) -> Dict[str, Reader]:
    """All readers; the files that whole files refer to are made in `folder`, where damaged files must be read."""
    return {**_texts(folder), **_images(folder), **_tensors(folder)}


def _json(read, name: str, content: Any, share: int = 110) -> Reader:
    return Reader(read, name, json.dumps(content).encode(), content, share)


def _file(read, path: Path, share: int = 110) -> Reader:
    return Reader(read, path.name, path.read_bytes(), None, share)


def _texts(folder: Path) -> Dict[str, Reader]:
    points = PointList(np.array([[1.5, -2.0, 3.0], [4.0, 5.0, 6.25]]), ["a", "b;c"])
    for name in ("p.csv", "p.mrk.json"):
        write_points(folder / name, points)
    fcsv = (
        b"# Markups fiducial file version = 4.11\n# CoordinateSystem = LPS\n"
        b"# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n1,1,2,3,0,0,0,1,1,1,0,F-1,,\n"
    )
    for name in ("a.nii.gz", "b.nii.gz", "la.nii.gz"):
        (folder / name).touch()
    cases = [
        {"id": "a", "split": "train", "image": "a.nii.gz", "labels": "la.nii.gz", "subject": "s"},
        {"id": "b", "split": "train", "image": "b.nii.gz"},
    ]
    data_list = {"name": "n", "structures": {"1": "liver"}, "cases": cases, "pairs": {"train": [["a", "b"]]}}
    training = (
        b'output = "out"\nsteps = 3\nlearning_rate = 1e-3\nmixed_precision = true\n[network]\npreset = "fast"\n'
        b'channels = [4, 8]\n[data]\nlist = "l.json"\n[synthetic]\nshapes = [[16, 16, 16]]\n[loss]\noverlap = 0.5\n'
    )
    clicks = (
        b'output = "out"\nrate = 0.001\nstages = [{size = 64, steps = 2}]\nstart = "built-in"\ngallery = 20\n'
        b"seed = 1\nthreads = 2\n[synthetic]\nshare = 1.0\n"
    )
    evaluation = b'list = "l.json"\noutput = "out"\nmethods = ["affine"]\nlevels = [[4, 10], [2, 5]]\nthreads = 1\n'
    return {
        "points in CSV": _file(read_points, folder / "p.csv"),
        "points in fcsv": Reader(read_points, "p.fcsv", fcsv),
        "points in markups": _json(read_points, "p.mrk.json", json.loads((folder / "p.mrk.json").read_text("utf-8"))),
        "prompts": _json(PromptSet.load, "prompts.json", _prompts()),
        "data list": _json(read_data_list, "list.json", data_list),
        "training": Reader(read_config, "t.toml", training),
        "click training": Reader(read_click_training, "c.toml", clicks),
        "evaluation": Reader(read_evaluation, "e.toml", evaluation),
    }


def _prompts() -> Dict[str, Any]:
    prompts = (
        Prompt("positive", ((1.0, 2.0, 3.0),), (0.0, 0.0, 1.0), id="p1"),
        Prompt("box", ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), id="p2"),
        Prompt("negative scribble", ((1.0, 2.0, 3.0), (2.0, 2.0, 3.0)), id="p3"),
        Prompt("lasso", ((1.0, 2.0, 3.0), (4.0, 2.0, 3.0), (4.0, 5.0, 3.0)), id="p4"),
    )
    return PromptSet((Structure("liver", 1, prompts=prompts, id="s1"), Structure("aorta", 2, id="s2"))).to_dict()


def _images(folder: Path) -> Dict[str, Reader]:
    array = np.arange(60).reshape(GRID.shape).astype(np.int16)
    image, labels = GRID.image(array), GRID.image((array % 3).astype(np.uint8))
    for number, name in enumerate(("Liver", "Aorta")):
        for key, text in {"ID": f"S{number}", "Name": name, "LabelValue": str(number + 1), "Layer": "0"}.items():
            labels.SetMetaData(f"Segment{number}_{key}", text)
    field = GRID.image(np.zeros((*GRID.shape, 3)))
    affine = sitk.AffineTransform(3)
    affine.Translate((1.0, 2.0, 3.0))
    for name, written in (("i.nrrd", image), ("i.mha", image), ("i.nii", image), ("i.nii.gz", image)):
        sitk.WriteImage(written, str(folder / name))
    for name, written in (("l.seg.nrrd", labels), ("l.nii", labels), ("f.nrrd", field)):
        sitk.WriteImage(written, str(folder / name))
    for name in ("t.tfm", "t.h5", "t.mat"):
        sitk.WriteTransform(affine, str(folder / name))
    found = {f"volume in {name[2:]}": _file(load_volume, folder / name, 10) for name in ("i.nrrd", "i.mha", "i.nii")}
    found["volume in nii.gz"] = _file(load_volume, folder / "i.nii.gz", 10)
    (folder / "dicom").mkdir()
    (folder / "dicom" / "other").write_bytes(_dicom(2))
    found["DICOM slices"] = Reader(lambda path: load_volume(path.parent), "dicom/d.dcm", _dicom(1), share=3)
    found["segmentation"] = _file(read_labels, folder / "l.seg.nrrd", 10)
    found["labels"] = _file(read_labels, folder / "l.nii", 10)
    found["displacement field"] = _file(read_transform, folder / "f.nrrd", 10)
    found.update({f"transform in {name[2:]}": _file(read_transform, folder / name, 10) for name in ("t.tfm", "t.mat")})
    found["transform in h5"] = replace(_file(read_transform, folder / "t.h5", 3), most=500)
    return found


def _dicom(number: int) -> bytes:
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"1.2.{number}"
    data = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.SeriesInstanceUID = meta.MediaStorageSOPClassUID, f"1.2.{number}", "1.2"
    data.Modality, data.InstanceNumber, data.PatientName = "CT", number, "Doe^Jane"
    data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    data.PixelSpacing, data.SliceThickness, data.Rows, data.Columns = [1, 1], 1, 4, 5
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 1
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = np.arange(20, dtype=np.int16).tobytes()
    buffer = io.BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _tensors(folder: Path) -> Dict[str, Reader]:
    network = RegistrationNetwork(NetworkConfig(channels=(4,), heads=(1,), depths=(1,), window=2, code_size=1))
    save_network(network, folder / "n.safetensors")
    config = CompactConfig(size=32)
    save_compact_sam(CompactSam(config), folder / "c.safetensors", {})
    save_state(folder, TrainingState(3, None, 1.0, {"w": torch.zeros(2)}), {"steps": 5})
    torch.save({"model": {"image_encoder.pos_embed": torch.zeros(1, 2, 2, 4)}}, folder / "s.pth")
    state = json.loads((folder / "state.json").read_text("utf-8"))
    states: Tuple[Tuple[str, Reader], ...] = (
        ("weights", _file(load_network, folder / "n.safetensors", 20)),
        ("header of weights", _file(read_metadata, folder / "n.safetensors", 20)),
        ("click weights", _file(load_compact_sam, folder / "c.safetensors", 0)),
        ("published weights", _file(load_sam, folder / "s.pth", 10)),
        ("training state", _json(lambda path: load_state(path.parent, {"steps": 5}), "state.json", state, 20)),
    )
    return dict(states)
