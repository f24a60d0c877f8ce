"""nnInteractive as a model of volumes, where its package is installed: every prompt is answered in the whole volume.

Source: Isensee et al., nnInteractive: Redefining 3D Promptable Segmentation, 2025; the interface of its package
`nnInteractive` (2.0 or newer) is that of https://github.com/MIC-DKFZ/nnInteractive (inference_session.py). Nothing of
it is installed or downloaded here: the model is a folder of the user's. Arrays have the axes (z, y, x), as in the
package's own example; it takes no notice of the voxels' size.

The package reads its checkpoint as a pickle, which could run code; so it is read as tensors and plain values here
first, and not handed on where it holds more. What else the package executes is not under control here.
"""

import contextlib
import pickle
import sys
from pathlib import Path
from typing import Any, List, Optional, Tuple

import numpy as np
import SimpleITK as sitk
import torch

from ..choices import BOX, LASSO, VOLUMES
from ..environment import is_there
from ..errors import InputError, WeightsError
from ..files import PathLike
from ..geometry.boxes import box_of, marked_bounds
from ..geometry.grid import Grid
from ..job import Job
from .planes import SlicePlane, plane_at, slice_of, voxel_at
from .prompts import Prompt
from .slice_segmenter import fingerprint
from .strokes import prompt_outline, prompt_voxels
from .volume_model import StructurePrompts, Volume, VolumeModel

PACKAGE = "nnInteractive"
_SESSION = "nnInteractive.inference.inference_session"
_FILES = ("dataset.json", "plans.json")


class NnInteractiveModel(VolumeModel):
    """The package answers one prompt after the other, so prompts are replayed in their order; of those that it was told
    last, only new ones are added.

    Args:
        path: folder of a trained model, with dataset.json, plans.json and one folder fold_N.
        device: torch device.

    Raises:
        InputError: the package is not installed.
        WeightsError: the folder holds no model, or its checkpoint holds more than weights.
    """

    capabilities = VOLUMES

    def __init__(self, path: PathLike, device: str = "cpu"):
        self.name = Path(path).name
        self._session = _load(Path(path), device)
        self._volume: Optional[np.ndarray] = None
        self._told: Tuple[Any, ...] = ()
        self._target = np.zeros((0, 0, 0), dtype=np.uint8)

    def predict(self, volume: Volume, prompts: StructurePrompts, job: Job) -> np.ndarray:
        """See :meth:`VolumeModel.predict`.

        Raises:
            InputError: there is no positive prompt, nor a mask to correct.
        """
        structure = prompts.structure
        if prompts.imported is None and not any(prompt.says_inside for prompt in structure.prompts):
            raise InputError(f"Click at least once inside {structure.name} before it is extended to the volume.")
        with contextlib.redirect_stdout(sys.stderr):
            self._show(volume)
            start = (structure.id, None if prompts.imported is None else fingerprint(prompts.imported > 0))
            wanted = (start, *structure.prompts)
            if self._told != wanted[: len(self._told)] or not self._told:
                self._told = ()
                self._session.reset_interactions()
                if prompts.imported is not None:
                    self._session.add_initial_seg_interaction(prompts.imported.astype(np.uint8))
                self._told = (start,)
            new = wanted[len(self._told) :]
            for number, prompt in enumerate(new):
                job.update(number / len(new), f"prompt {number + 1} of {len(new)}")
                told, self._told = self._told, ()  # what is interrupted is told again from the beginning
                self._tell(prompt, volume.grid)
                self._told = (*told, prompt)
        return (self._target > 0).astype(np.uint8)

    def preview(self, volume: Volume, prompts: StructurePrompts, plane: SlicePlane) -> np.ndarray:
        """See :meth:`VolumeModel.preview`."""
        return slice_of(self.preview_volume(volume, prompts), plane).astype(bool)

    def preview_volume(self, volume: Volume, prompts: StructurePrompts) -> np.ndarray:
        """See :meth:`VolumeModel.preview_volume`; the whole answer, since the package gives no less."""
        if prompts.imported is None and not any(prompt.says_inside for prompt in prompts.structure.prompts):
            return prompts.shown.copy()
        return self.predict(volume, prompts, Job())

    def release(self, volume: Volume) -> None:
        """See :meth:`VolumeModel.release`."""
        if self._volume is volume.array:
            self._volume, self._told = None, ()

    def _show(self, volume: Volume) -> None:
        """Hand the image over, as it is and not windowed: the package asks for that."""
        if self._volume is volume.array:
            return
        array = volume.array if volume.image is None else sitk.GetArrayFromImage(volume.image)
        array = np.ascontiguousarray(array, dtype=np.float32)
        if not array.any():
            raise InputError("The volume is empty; there is nothing to segment.")
        self._told, self._volume = (), None
        self._session.set_image(array[None])
        self._target = np.zeros(array.shape, dtype=np.uint8)
        self._session.set_target_buffer(self._target)
        self._volume = volume.array

    def _tell(self, prompt: Prompt, grid: Grid) -> None:
        inside = prompt.says_inside
        if prompt.kind == BOX:
            self._session.add_bbox_interaction(_bounds_of_box(prompt, grid), include_interaction=inside)
        elif prompt.is_drawn:
            marked = _marked(prompt, grid, self._session.preferred_scribble_thickness)
            bounds = [[first, last + 1] for first, last in marked_bounds(marked)]
            crop = np.ascontiguousarray(marked[box_of(marked_bounds(marked))].astype(np.uint8))
            if prompt.kind == LASSO:
                self._session.add_lasso_interaction(crop, include_interaction=inside, interaction_bbox=bounds)
            else:
                self._session.add_scribble_interaction(crop, include_interaction=inside, interaction_bbox=bounds)
        else:
            voxel = voxel_at(grid, prompt.points[0])
            self._session.add_point_interaction(voxel[::-1], include_interaction=inside)


def _bounds_of_box(prompt: Prompt, grid: Grid) -> List[List[int]]:
    """First voxel and the one after the last along z, y, x; one voxel across the slice."""
    plane = plane_at(grid, prompt.points[0], prompt.normal)
    corners = np.array([voxel_at(grid, point) for point in prompt.points])
    corners[:, plane.axis] = plane.index
    low, high = corners.min(axis=0), corners.max(axis=0) + 1
    return [[int(a), int(b)] for a, b in zip(low[::-1], high[::-1])]


def _marked(prompt: Prompt, grid: Grid, thickness) -> np.ndarray:
    """The voxels, bool (z, y, x), under a scribble of the `thickness` (voxels along z, y, x), or within a lasso."""
    plane, marked = plane_at(grid, prompt.points[0], prompt.normal), np.zeros(grid.shape, dtype=bool)
    if prompt.kind == LASSO:
        slice_of(marked, plane)[...] = prompt_outline(prompt, grid)
        return marked
    wide = [max(round(float(size)), 1) for size in thickness]
    wide[2 - plane.axis] = 1
    for voxel in prompt_voxels(prompt, grid):
        first = [index - (size - 1) // 2 for index, size in zip(voxel[::-1], wide)]
        marked[tuple(slice(max(index, 0), index + size) for index, size in zip(first, wide))] = True
    return marked


def _load(path: Path, device: str):
    if not is_there(PACKAGE) or not is_there(_SESSION):
        raise InputError(f"{path.name} needs the package {PACKAGE}, which is not installed here; install it first.")
    missing = [name for name in _FILES if not (path / name).is_file()]
    checkpoints = sorted(path.glob("fold_*/checkpoint_final.pth"))
    if missing or len(checkpoints) != 1:
        raise WeightsError(f"{path} is no model of {PACKAGE}, which has dataset.json, plans.json and one fold.")
    _require_plain(checkpoints[0])
    from nnInteractive.inference.inference_session import nnInteractiveInferenceSession

    with contextlib.redirect_stdout(sys.stderr):
        session = nnInteractiveInferenceSession(torch.device(device), torch_n_threads=torch.get_num_threads())
        try:
            session.initialize_from_trained_model_folder(str(path))
        except (RuntimeError, KeyError, ValueError, OSError) as error:
            raise WeightsError(f"{path} does not fit the installed package {PACKAGE}; update one of both.") from error
    return session


def _require_plain(path: Path) -> None:
    """Refuse a checkpoint that holds more than tensors, numbers, texts and their collections."""
    allowed = getattr(torch.serialization, "safe_globals", contextlib.nullcontext)
    try:
        with allowed(_numbers()):
            torch.load(str(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(f"{path} holds more than weights, or is damaged, so it was not loaded.") from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsError(f"{path} is truncated or damaged; get the file again.") from error


def _numbers() -> list:
    """What single numbers of NumPy are made of in a pickle; losses of the training are noted so."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = (np.float64, np.float32, np.int64)
    return [scalar, np.dtype, *(type(np.dtype(kind)) for kind in kinds)]
