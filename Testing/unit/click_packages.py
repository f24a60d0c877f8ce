"""Stand-ins for the packages sam2 and nnInteractive: what this library calls of them, with the same signatures.

They were written after facebookresearch/sam2 (build_sam.py, sam2_video_predictor.py, utils/misc.py) and
MIC-DKFZ/nnInteractive 2.5 (inference/inference_session.py), and fill what has the intensity of the clicked voxels.
"""

import importlib.machinery
import sys
import types
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from PIL import Image

LIKE = 0.1  # of [0, 1]: intensities that differ less are one body


def flooded(values, seed):
    """The connected part of like values around a voxel, bool; `values` 2D or 3D."""
    alike = (np.abs(values - values[seed]) <= LIKE).astype(np.uint8)
    labels = sitk.GetArrayFromImage(sitk.ConnectedComponent(sitk.GetImageFromArray(alike)))
    return labels == labels[seed]


class VideoPredictor:
    """As sam2.sam2_video_predictor.SAM2VideoPredictor."""

    image_size = 1024

    def __init__(self, config, path, device):
        self.built = (config, path, device)
        self.videos = []
        self.asked = []

    def init_state(
        self, video_path, offload_video_to_cpu=False, offload_state_to_cpu=False, async_loading_frames=False
    ):
        assert isinstance(video_path, str)
        names = [path for path in Path(video_path).iterdir() if path.suffix in (".jpg", ".jpeg", ".JPG", ".JPEG")]
        frames = [np.array(Image.open(path).convert("RGB")) for path in sorted(names, key=lambda path: int(path.stem))]
        self.videos.append(video_path)
        height, width = frames[0].shape[:2]
        return {"frames": [frame[..., 0] / 255 for frame in frames], "size": (height, width), "prompts": {}, "ids": []}

    def reset_state(self, inference_state):
        inference_state["prompts"].clear()
        inference_state["ids"].clear()

    def add_new_points_or_box(
        self,
        inference_state,
        frame_idx,
        obj_id,
        points=None,
        labels=None,
        clear_old_points=True,
        normalize_coords=True,
        box=None,
    ):
        if (points is not None) != (labels is not None):
            raise ValueError("points and labels must be provided together")
        if points is None and box is None:
            raise ValueError("at least one of points or box must be provided as input")
        self.asked.append((frame_idx, obj_id, points, labels, box))
        height, width = inference_state["size"]
        back = np.array([width, height]) / self.image_size

        def pixels(positions):  # prompts at the model's size, shifted to the middle of its pixels, and back
            places = np.reshape(positions, (-1, 2)) / [width, height] * self.image_size + 0.5
            return np.round(places * back - 0.5).astype(int)

        prompt = inference_state["prompts"].setdefault((obj_id, frame_idx), {})
        prompt.update(points=[] if points is None else [*zip(pixels(points).tolist(), np.ravel(labels).tolist())])
        prompt.update(box=None if box is None else pixels(box))
        if obj_id not in inference_state["ids"]:
            inference_state["ids"].append(obj_id)
        return frame_idx, inference_state["ids"], self._masks(inference_state, frame_idx)

    def add_new_mask(self, inference_state, frame_idx, obj_id, mask):
        assert mask.ndim == 2
        inference_state["prompts"][obj_id, frame_idx] = {"mask": np.array(mask, bool)}
        inference_state["ids"].append(obj_id)
        return frame_idx, inference_state["ids"], self._masks(inference_state, frame_idx)

    def propagate_in_video(self, inference_state, start_frame_idx=None, max_frame_num_to_track=None, reverse=False):
        count = len(inference_state["frames"])
        order = range(start_frame_idx, -1, -1) if reverse else range(start_frame_idx, count)
        if reverse and start_frame_idx == 0:
            order = ()
        for index in order:
            yield index, inference_state["ids"], self._masks(inference_state, index)

    def _masks(self, state, index):
        """(objects, 1, H, W): what a frame's own prompts, or else those of the nearest frame, flood."""
        masks = [self._mask(state, obj_id, index) for obj_id in state["ids"]]
        return torch.from_numpy(np.where(masks, 5.0, -5.0))[:, None]

    def _mask(self, state, obj_id, index):
        own = [frame for other, frame in state["prompts"] if other == obj_id]
        if not own:
            return np.zeros(state["size"], bool)
        prompt = state["prompts"][obj_id, min(own, key=lambda frame: abs(frame - index))]
        mask = prompt.get("mask", np.zeros(state["size"], bool)).copy()
        frame, box = state["frames"][index], prompt.get("box")
        points = prompt.get("points", [])
        if box is not None and not any(label == 1 for _, label in points):
            points = [(((box[0] + box[1]) // 2).tolist(), 1), *points]
        for (column, row), label in points:
            if label == 1 and frame[row, column] > LIKE:
                mask |= flooded(frame, (row, column))
            elif label == 0 and mask[row, column]:
                mask &= ~flooded(frame, (row, column))
        if box is not None:
            inside = np.zeros_like(mask)
            inside[box[0][1] : box[1][1] + 1, box[0][0] : box[1][0] + 1] = True
            mask &= inside
        return mask


def build_sam2_video_predictor(
    config_file,
    ckpt_path=None,
    device="cuda",
    mode="eval",
    hydra_overrides_extra=[],  # noqa: B006 - as in the package
    apply_postprocessing=True,
    vos_optimized=False,
    **kwargs,
):
    return VideoPredictor(config_file, ckpt_path, device)


class nnInteractiveInferenceSession:
    """As nnInteractive.inference.inference_session.nnInteractiveInferenceSession."""

    preferred_scribble_thickness = (2, 2, 2)

    def __init__(
        self,
        device=torch.device("cuda"),  # noqa: B008 - as in the package
        use_torch_compile=False,
        verbose=False,
        torch_n_threads=8,
        do_autozoom=True,
        interactions_storage="auto",
    ):
        print("session initialized")
        self.device = device
        self.calls, self.image, self.target_buffer = [], None, None

    def initialize_from_trained_model_folder(
        self, model_training_output_dir, use_fold=None, checkpoint_name="checkpoint_final.pth"
    ):
        self.folder = model_training_output_dir

    def set_image(self, image, image_properties=None):
        assert image.ndim == 4
        self.image, self.target_buffer = image[0] / image.max(), None
        self.calls.append("image")

    def set_target_buffer(self, target_buffer):
        assert target_buffer.shape == self.image.shape
        self.target_buffer = target_buffer

    def reset_interactions(self, _preserve_undo=False):
        self.target_buffer.fill(0)
        self.calls.append("reset")

    def add_initial_seg_interaction(self, initial_seg, run_prediction=False, override_capability_checks=False):
        assert initial_seg.shape == self.image.shape
        self.target_buffer[:] = initial_seg
        self.calls.append("mask")

    def add_point_interaction(
        self, coordinates, include_interaction, run_prediction=True, override_capability_checks=False
    ):
        self.calls.append(("point", tuple(coordinates), include_interaction))
        self._answer([tuple(round(value) for value in coordinates)], include_interaction)

    def add_bbox_interaction(
        self, bbox_coords, include_interaction, run_prediction=True, override_capability_checks=False
    ):
        sizes = [last - first for first, last in bbox_coords]
        assert 1 in sizes, "the published models take boxes of one slice"
        assert all(0 <= first < last <= size for (first, last), size in zip(bbox_coords, self.image.shape))
        self.calls.append(("box", tuple(map(tuple, bbox_coords)), include_interaction))
        self._answer([tuple((first + last - 1) // 2 for first, last in bbox_coords)], include_interaction)

    def add_scribble_interaction(
        self,
        scribble_image,
        include_interaction,
        run_prediction=True,
        override_capability_checks=False,
        interaction_bbox=None,
    ):
        self._drawn("scribble", scribble_image, include_interaction, interaction_bbox)

    def add_lasso_interaction(
        self,
        lasso_image,
        include_interaction,
        run_prediction=True,
        override_capability_checks=False,
        interaction_bbox=None,
    ):
        self._drawn("lasso", lasso_image, include_interaction, interaction_bbox)

    def _drawn(self, kind, image, inside, bounds):
        assert list(image.shape) == [last - first for first, last in bounds]
        assert all(0 <= first < last <= size for (first, last), size in zip(bounds, self.image.shape))
        marked = np.zeros(self.image.shape, bool)
        marked[tuple(slice(*pair) for pair in bounds)] = image == 1
        self.calls.append((kind, marked, inside))
        self._answer([tuple(place) for place in np.argwhere(marked)], inside)

    def _answer(self, seeds, inside):
        print("Took 0.1 s for initial prediction")
        for seed in seeds:
            if inside and self.image[seed] > LIKE:
                self.target_buffer[flooded(self.image, seed)] = 1
            elif not inside and self.target_buffer[seed]:
                self.target_buffer[flooded(self.image, seed)] = 0


def install(monkeypatch, *names):
    """Let packages be importable: "sam2", "nnInteractive"."""
    for name in names:
        for part, contents in _MODULES[name].items():
            module = types.ModuleType(part)
            module.__spec__ = importlib.machinery.ModuleSpec(part, None, is_package=not contents)
            module.__path__ = []
            for key, value in contents.items():
                setattr(module, key, value)
            monkeypatch.setitem(sys.modules, part, module)


_MODULES = {
    "sam2": {"sam2": {}, "sam2.build_sam": {"build_sam2_video_predictor": build_sam2_video_predictor}},
    "nnInteractive": {
        "nnInteractive": {},
        "nnInteractive.inference": {},
        "nnInteractive.inference.inference_session": {"nnInteractiveInferenceSession": nnInteractiveInferenceSession},
    },
}
