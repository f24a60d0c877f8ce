"""Keeps the subject hierarchy in step with the scene, as the application's (Qt) plugins do."""

import slicer
import vtk

# Node class: name of the subject hierarchy plugin that owns such nodes in the application. First match counts.
OWNERS = (
    ("vtkMRMLSegmentationNode", "Segmentations"),
    ("vtkMRMLLabelMapVolumeNode", "LabelMaps"),
    ("vtkMRMLVolumeNode", "Volumes"),
    ("vtkMRMLTransformNode", "Transforms"),
    ("vtkMRMLMarkupsNode", "Markups"),
    ("vtkMRMLModelNode", "Models"),
    ("vtkMRMLTableNode", "Tables"),
    ("vtkMRMLTextNode", "Texts"),
    ("vtkMRMLPlotChartNode", "Plots"),
    ("vtkMRMLSceneViewNode", "SceneViews"),
    ("vtkMRMLCameraNode", "Cameras"),
    ("vtkMRMLSequenceBrowserNode", "Sequences"),
)


class SubjectHierarchyKeeper:
    """Gives every data node of the scene an item, and takes the item away with the node.

    The Slicer core keeps the hierarchy itself; who adds items is, in the application, a set of Qt plugins.
    Nodes hidden from editors get no item, and while a scene is imported the items of its file come first.
    """

    def __init__(self, scene):
        self._scene = scene
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
        events = slicer.vtkMRMLScene
        scene.AddObserver(events.NodeAddedEvent, self._on_node_added)
        scene.AddObserver(events.NodeAboutToBeRemovedEvent, self._on_node_about_to_be_removed)
        scene.AddObserver(events.NodeRemovedEvent, self._on_node_removed)
        for event in (events.EndImportEvent, events.EndBatchProcessEvent, events.EndCloseEvent):
            scene.AddObserver(event, self._on_scene_settled, 10.0)

    def _hierarchy(self):
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _add(self, node):
        owner = next((name for kind, name in OWNERS if node.IsA(kind)), None)
        hierarchy = self._hierarchy()
        if owner is not None and not node.GetHideFromEditors() and not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node, owner)

    def _on_scene_settled(self, *_):
        if self._scene.IsClosing() or self._scene.IsImporting():
            return
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(self._scene)
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode", self._scene):
            self._add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_added(self, _scene, _event, node):
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(self._scene)
        elif not self._scene.IsImporting():
            self._add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_about_to_be_removed(self, _scene, _event, node):
        if self._scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.RemoveItem(item, False, False)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_node_removed(self, _scene, _event, node):
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            self._on_scene_settled()
