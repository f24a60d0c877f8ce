"""Where nodes are filed in the subject hierarchy."""

import slicer


def file_beside(node, neighbor) -> None:
    """File a node in the folder of another one, where that is in the hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item = hierarchy.GetItemByDataNode(neighbor)
    if item:
        folder = hierarchy.GetItemParent(item)
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node), folder)
