"""Clicking structures, and proposing the clicks of one image in the other."""

from slicer.i18n import tr as _

from ..choices import AUTO, BUILT_IN_CLICK_MODEL
from .pair_structures import StructuresLogic


class ClicksLogic(StructuresLogic):
    """Prompts, and the editors that turn them into masks."""

    def promptsOf(self, parameters, side):
        """The prompts of a side (PromptSet), as they are saved with the scene; none where they are damaged.

        Example:
            >>> logic.promptsOf(parameters, "fixed").has(liver)
            False
        """
        from ..scene.structure_segments import readable_prompts

        return readable_prompts(self.segmentationOf(parameters, side))

    def openEditor(self, parameters, side):
        """Start clicking in a volume: a SAMRegistrationLib.scene.editor.MaskEditor.

        Raises:
            InputError: there is no volume, or it cannot be used.

        Example:
            >>> editor = logic.openEditor(parameters, "fixed")
        """
        from ..errors import InputError
        from ..scene.editor import MaskEditor

        volume = self.volumeOf(parameters, side)
        if volume is None:
            raise InputError(_("Choose a {side} volume first.").format(side=side))
        self.followOriginals(parameters)
        model, device = parameters.clickModel, parameters.device
        segmentation = self._segmentation(parameters, side)
        return MaskEditor(volume, segmentation, lambda: self.openPredictor(model, device))

    def openPredictor(self, model=BUILT_IN_CLICK_MODEL, device=AUTO):
        """The click model, on another device where the given one is not on this computer; may run on any thread.

        Raises:
            WeightsError: its weights are missing or damaged.

        Example:
            >>> logic.openPredictor("compact", "cpu").name
            'compact'
        """
        from ..engine import open_click_model
        from ..environment import usable_device

        return open_click_model(model, usable_device(device))

    def proposalTransform(self, parameters, side):
        """Where clicks of a side are proposed on the other one: by the last result of this pair, else by position.

        Example:
            >>> transform = logic.proposalTransform(parameters, "fixed")
            >>> transform.TransformPoint((10.0, -20.0, 30.0))
            (14.0..., -23.0..., 32.0...)
        """
        from ..scene.editor import start_transform
        from ..scene.transforms import library_transform
        from ..scene.volumes import grid_of

        node = parameters.resultTransform if side == "fixed" else parameters.resultInverse
        ends = (self.volumeOf(parameters, side), self.volumeOf(parameters, "moving" if side == "fixed" else "fixed"))
        if node is not None:
            roles = (node.GetFixedNodeReferenceRole(), node.GetMovingNodeReferenceRole())
            transform = library_transform(node)
            if transform is not None and [node.GetNodeReference(role) for role in roles] == list(ends):
                return transform
        return start_transform(*map(grid_of, ends))
