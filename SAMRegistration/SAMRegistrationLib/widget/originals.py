"""Segmentations follow their volumes or originals as soon as these are put under another transform."""

import slicer

from .panel import Panel


class Originals(Panel):
    """Args:
    logic: SAMRegistrationLogic. parameters: function giving the parameter node or None. moved: called afterwards.
    """

    def __init__(self, logic, parameters, moved):
        self._logic, self._parameters, self._moved = logic, parameters, moved
        self._observations = []

    def update(self) -> None:
        """Watch what the segmentations in use go along with, and that only."""
        for node, tag in self._observations:
            node.RemoveObserver(tag)
        parameters = self._parameters()
        nodes = [] if parameters is None else self._logic.originals(parameters)
        event = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
        self._observations = [(node, node.AddObserver(event, self._on_moved)) for node in nodes]

    def _on_moved(self, *_args):
        if not slicer.mrmlScene.IsImporting() and not slicer.mrmlScene.IsClosing():
            self._logic.followOriginals(self._parameters())
            self._moved()
