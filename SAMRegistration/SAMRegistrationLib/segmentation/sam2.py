"""SAM 2 as a model of volumes, where its package is installed: the slices of a volume are the frames of a video.

Source: Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024; the interface of its package `sam2` is that of
https://github.com/facebookresearch/sam2 (build_sam.py, sam2_video_predictor.py). Nothing of it is installed or
downloaded here: the checkpoint is a file of the user's, which the package reads as tensors only.

The package takes its frames from a folder of JPEG files, so slices lie in a temporary folder, in 8 bits, while it reads
them. It keeps 12 MB for each frame.
"""

import pickle
import tempfile
from collections import OrderedDict
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np
import torch
from PIL import Image

from ..choices import VOLUMES
from ..environment import is_there
from ..errors import InputError, WeightsError
from ..files import PathLike
from ..job import Job
from .anchors import main_axis, prompted_slices
from .candidates import Clicks, connected_changes, enforce_clicks, together
from .planes import SlicePlane, slice_of
from .regions import deepest
from .slice_clicks import clicks_in_plane, prompted_planes
from .slice_segmenter import mask_logits
from .strokes import outline_mask
from .volume_model import StructurePrompts, Volume, VolumeModel

PACKAGE = "sam2"
_KEPT = 8  # slices whose features are kept for previews
_CONFIGS = {  # by channels and blocks of the image encoder, as in the package's files
    (96, 12): "t",
    (96, 16): "s",
    (112, 24): "b+",
    (144, 48): "l",
}


class Sam2Model(VolumeModel):
    """A structure is tracked from its prompted slices in both directions; later slices correct what arrives there.

    Args:
        path: checkpoint of SAM 2 or 2.1, .pt.
        device: torch device.

    Raises:
        InputError: the package is not installed.
        WeightsError: the file is missing, damaged, unsafe, or no checkpoint of SAM 2.
    """

    capabilities = VOLUMES

    def __init__(self, path: PathLike, device: str = "cpu"):
        self.name = Path(path).stem
        self._predictor = _load(Path(path), device)
        self._device = device
        self._volume: Optional[np.ndarray] = None
        self._slices: OrderedDict = OrderedDict()
        self._video: Optional[Tuple[int, Any]] = None

    def predict(self, volume: Volume, prompts: StructurePrompts, job: Job) -> np.ndarray:
        """See :meth:`VolumeModel.predict`. A mask from elsewhere is corrected on the prompted slices alone.

        Raises:
            InputError: there is no positive prompt, nor a mask to correct.
        """
        structure, grid = prompts.structure, volume.grid
        axis = main_axis(structure, grid)
        if prompts.imported is not None:
            mask = prompts.imported.copy()
            own = prompted_planes(structure, grid)
        else:
            frames = [
                {index: clicks_in_plane(structure, grid, SlicePlane(axis, index)) for index in indices}
                for indices in prompted_slices(structure, grid, axis)
            ]
            starts = {index: _asking(groups) for index, groups in frames[0].items() if _asking(groups)}
            if not starts:
                raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
            empty = {index: groups for index, groups in frames[0].items() if index not in starts}
            mask = self._tracked(volume, axis, starts, {**frames[1], **empty}, job)
            own = [plane for plane in prompted_planes(structure, grid) if plane.axis != axis]
        for plane in own:
            slice_of(mask, plane)[...] = self.preview(volume, prompts, plane)
        return mask

    def preview(self, volume: Volume, prompts: StructurePrompts, plane: SlicePlane) -> np.ndarray:
        """See :meth:`VolumeModel.preview`."""
        groups = clicks_in_plane(prompts.structure, volume.grid, plane)
        base, everything = prompts.base(volume.grid, plane), together(groups)
        with self._computing():
            state = self._slice(volume, plane)
            self._predictor.reset_state(state)
            if base is not None and base.any():
                self._predictor.add_new_mask(state, 0, 1, base)
                asked = self._asked(state, 0, 1, everything, base.shape)
                changed = connected_changes(base, asked, everything)
                return enforce_clicks(mask_logits(changed), everything) > 0
            found = np.zeros(slice_of(volume.array, plane).shape, dtype=bool)
            for number, group in enumerate(_asking(groups), 1):
                self._predictor.reset_state(state)
                found |= self._asked(state, 0, number, group, found.shape)
        return enforce_clicks(mask_logits(found), everything) > 0

    def release(self, volume: Volume) -> None:
        """See :meth:`VolumeModel.release`."""
        if self._volume is volume.array:
            self._volume, self._video = None, None
            self._slices.clear()

    def _tracked(
        self, volume: Volume, axis: int, starts: Dict[int, List[Clicks]], corrections: Dict[int, List[Clicks]], job: Job
    ) -> np.ndarray:
        """The mask, uint8 (z, y, x), tracked from the slices `starts`, then again with the `corrections`."""
        mask = np.zeros(volume.array.shape, dtype=np.uint8)
        shape = slice_of(mask, SlicePlane(axis, 0)).shape
        with self._computing():
            state = self._video_of(volume, axis)
            self._predictor.reset_state(state)
            passes = [starts, corrections] if corrections else [starts]
            for number, frames in enumerate(passes):
                for index, groups in frames.items():
                    for object_id, group in enumerate(groups, 1):
                        self._asked(state, index, object_id, group, shape)
                part = job.part(number / len(passes), (number + 1) / len(passes))
                for index, found in self._propagated(state, min(starts), volume.grid.size[axis], part):
                    slice_of(mask, SlicePlane(axis, index))[...] = found
        return mask

    def _propagated(self, state, start: int, count: int, job: Job) -> Iterator[Tuple[int, np.ndarray]]:
        done = 0
        for backward in (False, True):
            tracked = self._predictor.propagate_in_video(state, start_frame_idx=start, reverse=backward)
            for index, _, logits in tracked:
                done += 1
                job.update(min(done / count, 1.0), f"slice {index + 1} of {count}")
                yield index, _inside(logits).any(axis=0)

    def _asked(self, state, frame: int, object_id: int, clicks: Clicks, shape: Sequence[int]) -> np.ndarray:
        """Add the prompts of one object on a frame; its mask there, bool (H, W)."""
        points, labels = clicks.coordinates, clicks.labels
        if clicks.outline and not len(points):
            held = outline_mask(clicks.outline, shape)
            if held.any():
                points, labels = np.array([deepest(held)], dtype=np.float32), np.array([1])
        _, objects, logits = self._predictor.add_new_points_or_box(
            state,
            frame_idx=frame,
            obj_id=object_id,
            points=self._pixels(points, shape) if len(points) else None,
            labels=labels.astype(np.int32) if len(points) else None,
            box=None if clicks.box is None else self._pixels(clicks.box, shape).ravel(),
        )
        return _inside(logits)[list(objects).index(object_id)]

    def _pixels(self, positions, shape: Sequence[int]) -> np.ndarray:
        """Where the package puts its pixels: it scales positions by size, and images by their borders."""
        positions = np.asarray(positions, dtype=np.float32).reshape(-1, 2)
        return positions + 0.5 - 0.5 * np.array(shape[::-1], dtype=np.float32) / self._predictor.image_size

    def _slice(self, volume: Volume, plane: SlicePlane):
        self._keep(volume)
        if plane not in self._slices:
            self._slices[plane] = self._state([slice_of(volume.array, plane)])
        self._slices.move_to_end(plane)
        while len(self._slices) > _KEPT:
            self._slices.popitem(last=False)
        return self._slices[plane]

    def _video_of(self, volume: Volume, axis: int):
        self._keep(volume)
        if self._video is None or self._video[0] != axis:
            self._video = None
            count = volume.grid.size[axis]
            frames = [slice_of(volume.array, SlicePlane(axis, index)) for index in range(count)]
            self._video = (axis, self._state(frames))
        return self._video[1]

    def _keep(self, volume: Volume) -> None:
        if self._volume is not volume.array:
            self._slices.clear()
            self._volume, self._video = volume.array, None

    def _state(self, frames: Sequence[np.ndarray]):
        with tempfile.TemporaryDirectory() as folder:
            for number, frame in enumerate(frames):
                gray = Image.fromarray(np.round(255 * np.clip(frame, 0, 1)).astype(np.uint8))
                gray.save(Path(folder) / f"{number}.jpg", quality=100, subsampling=0)
            return self._predictor.init_state(folder, offload_video_to_cpu=True)

    def _computing(self):
        return torch.autocast("cuda", dtype=torch.bfloat16) if self._device.startswith("cuda") else nullcontext()


def _asking(groups: Sequence[Clicks]) -> List[Clicks]:
    return [group for group in groups if group.asks_for_something]


def _inside(logits: torch.Tensor) -> np.ndarray:
    """Masks, bool (objects, H, W), of logits (objects, 1, H, W)."""
    return (logits[:, 0] > 0).cpu().numpy()


def _load(path: Path, device: str):
    if not is_there(PACKAGE):
        raise InputError(f"{path.name} needs the package {PACKAGE}, which is not installed here; install it first.")
    if not path.is_file():
        raise WeightsError(f"There is no weights file {path}; choose an existing checkpoint.")
    config = _config(path)
    from sam2.build_sam import build_sam2_video_predictor

    try:
        return build_sam2_video_predictor(config, str(path), device=device)
    except (RuntimeError, KeyError) as error:
        raise WeightsError(f"{path} does not fit the installed package {PACKAGE}; update one of both.") from error


def _config(path: Path) -> str:
    """The package's configuration of a checkpoint, from the shapes of its tensors.

    Raises:
        WeightsError: it is no checkpoint of SAM 2, or holds more than tensors.
    """
    try:
        state = torch.load(str(path), map_location="cpu", weights_only=True)["model"]
        trunk = "image_encoder.trunk."
        channels = state[trunk + "pos_embed"].shape[1]
        blocks = {name[len(trunk) :].split(".")[1] for name in state if name.startswith(trunk + "blocks.")}
        size = _CONFIGS[channels, len(blocks)]
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{path} holds more than weights, or is damaged, so it was not loaded.") from error
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise WeightsError(f"{path} is no checkpoint of SAM 2; choose one of its files.") from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is truncated or damaged; get the file again.") from error
    if "no_obj_embed_spatial" in state:
        return f"configs/sam2.1/sam2.1_hiera_{size}.yaml"
    return f"configs/sam2/sam2_hiera_{size}.yaml"
