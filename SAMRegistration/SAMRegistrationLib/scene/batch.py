"""Changes of the scene that are made whole or not at all."""

from contextlib import contextmanager

import slicer
import vtk


@contextmanager
def all_or_nothing():
    """Add nodes in one batch; when that fails, those added so far and their folders are removed again.

    For ``with``, or before a function.
    """
    scene = slicer.mrmlScene
    folders, nodes = _top_items(), _nodes()
    scene.StartState(scene.BatchProcessState)
    try:
        yield
    except BaseException:
        for node in reversed([node for node in _nodes() if node not in nodes]):
            scene.RemoveNode(node)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
        for item in set(_top_items()) - set(folders):
            hierarchy.RemoveItem(item)
        raise
    finally:
        scene.EndState(scene.BatchProcessState)


def _nodes() -> list:
    nodes = slicer.mrmlScene.GetNodes()
    return [nodes.GetItemAsObject(number) for number in range(nodes.GetNumberOfItems())]


def _top_items() -> list:
    hierarchy, found = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), found, False)
    return [found.GetId(number) for number in range(found.GetNumberOfIds())]
