"""Where nodes are filed in the subject hierarchy."""

import slicer


def file_beside(node, neighbor) -> None:
    """File a node in the folder of another one."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folder = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(neighbor))
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node), folder)
