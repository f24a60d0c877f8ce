"""Loading and saving nodes and scenes, with the file types, properties and reading logics of the application."""

import os
import zipfile
from pathlib import Path

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from .widgets.standin import stands_for

# Longest matching ending counts.
FILE_TYPES = {
    ".mrml": "SceneFile",
    ".mrb": "SceneFile",
    ".seg.nrrd": "SegmentationFile",
    ".seg.vtm": "SegmentationFile",
    ".seq.nrrd": "SequenceFile",
    ".seq.mrb": "SequenceFile",
    ".mrk.json": "MarkupsFile",
    ".fcsv": "MarkupsFile",
    ".h5": "TransformFile",
    ".tfm": "TransformFile",
    ".mat": "TransformFile",
    ".vtk": "ModelFile",
    ".vtp": "ModelFile",
    ".stl": "ModelFile",
    ".ply": "ModelFile",
    ".obj": "ModelFile",
    ".csv": "TableFile",
    ".tsv": "TableFile",
    ".txt": "TextFile",
    ".ctbl": "ColorTableFile",
    ".cxml": "ColorTableFile",
    **dict.fromkeys(
        (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".hdr", ".dcm", ".png", ".jpg", ".tif"), "VolumeFile"
    ),
}

VOLUME_OPTIONS = {"labelmap": 1, "center": 2, "singleFile": 4, "autoWindowLevel": 8, "discardOrientation": 16}


@stands_for("slicer.app.coreIOManager()")
class qSlicerCoreIOManager(QtCore.QObject):
    newFileLoaded = QtCore.Signal(dict)
    fileSaved = QtCore.Signal(dict)

    def __init__(self, core, parent=None):
        super().__init__(parent)
        self._core = core
        self._readers = {
            "VolumeFile": self._read_volume,
            "SegmentationFile": self._read_segmentation,
            "TransformFile": self._read_transform,
            "MarkupsFile": self._read_markups,
            "ModelFile": self._read_model,
            "TableFile": self._read_table,
            "TextFile": self._read_text,
            "ColorTableFile": self._read_color_table,
            "SequenceFile": self._read_sequence,
        }

    # Loading

    def fileType(self, filename):
        name = Path(filename).name.lower()
        endings = [ending for ending in FILE_TYPES if name.endswith(ending)]
        return FILE_TYPES[max(endings, key=len)] if endings else "NoFile"

    def loadNodes(self, file_type, properties, loaded_nodes=None, user_messages=None):
        """Load one file. Returns whether it worked; why not is added to `user_messages`.

        properties: fileName and what the application's reader of that file type knows (name, show, labelmap, ...).
        """
        messages = user_messages if user_messages is not None else slicer.vtkMRMLMessageCollection()
        filename = os.path.abspath(str(properties["fileName"]))
        if not os.path.exists(filename):
            return _failure(messages, f"The file {filename} does not exist.")
        if file_type == "SceneFile":
            loaded = self.loadScene(filename, properties, messages)
            nodes = []
        elif file_type in self._readers:
            nodes = [node for node in self._readers[file_type](filename, dict(properties), messages) if node]
            loaded = bool(nodes)
        else:
            return _failure(messages, f"The host application has no reader for {filename} ({file_type}).")
        for node in nodes:
            if loaded_nodes is not None:
                loaded_nodes.AddItem(node)
        if loaded:
            self.newFileLoaded.emit(dict(properties))
        return loaded

    def loadFile(self, filename):
        return self.loadNodes(self.fileType(filename), {"fileName": filename})

    def loadScene(self, filename, properties=None, user_messages=None):
        scene, clear = self._core.scene, bool((properties or {}).get("clear", False))
        messages = user_messages if user_messages is not None else slicer.vtkMRMLMessageCollection()
        if filename.lower().endswith(".mrb"):
            if not zipfile.is_zipfile(filename):
                return _failure(messages, f"The file {filename} is not a scene bundle.")
            return bool(scene.ReadFromMRB(filename, clear, messages))
        scene.SetURL(filename)
        return bool(scene.Connect(messages) if clear else scene.Import(messages))

    def _unique(self, properties, filename):
        name = properties.get("name") or Path(filename).name.split(".")[0]
        return self._core.scene.GetUniqueNameByString(name)

    def _read_volume(self, filename, properties, messages):
        options = sum(bit for key, bit in VOLUME_OPTIONS.items() if properties.get(key))
        names = vtk.vtkStringArray()
        for name in properties.get("fileNames", ()):
            names.InsertNextValue(str(name))
        node = self._core.logics["Volumes"].AddArchetypeVolume(
            filename,
            properties.get("name") or Path(filename).name.split(".")[0],
            options,
            names if names.GetNumberOfValues() else None,
            messages,
        )
        if node is None:
            return []
        if properties.get("colorNodeID"):
            node.GetDisplayNode().SetAndObserveColorNodeID(properties["colorNodeID"])
        if properties.get("show", True):
            selection = self._core.application_logic.GetSelectionNode()
            if node.IsA("vtkMRMLLabelMapVolumeNode"):
                selection.SetActiveLabelVolumeID(node.GetID())
            else:
                selection.SetActiveVolumeID(node.GetID())
            self._core.application_logic.PropagateVolumeSelection()
        return [node]

    def _read_segmentation(self, filename, properties, messages):
        colors = self._core.scene.GetNodeByID(properties["colorNodeID"]) if properties.get("colorNodeID") else None
        logic = self._core.logics["Segmentations"]
        opacities = bool(properties.get("autoOpacities", True))
        return [logic.LoadSegmentationFromFile(filename, opacities, properties.get("name", ""), colors, messages)]

    def _read_transform(self, filename, properties, messages):
        return [self._core.logics["Transforms"].AddTransform(filename, self._core.scene, messages)]

    def _read_markups(self, filename, properties, messages):
        identifiers = self._core.logics["Markups"].LoadMarkups(filename, properties.get("name", ""), messages)
        return [self._core.scene.GetNodeByID(identifier) for identifier in (identifiers or "").split(",") if identifier]

    def _read_model(self, filename, properties, messages):
        system = int(properties.get("coordinateSystem", slicer.vtkMRMLStorageNode.CoordinateSystemLPS))
        node = self._core.logics["Models"].AddModel(filename, system, messages)
        if node and properties.get("name"):
            node.SetName(self._unique(properties, filename))
        return [node]

    def _read_table(self, filename, properties, messages):
        node = self._core.logics["Tables"].AddTable(filename, self._unique(properties, filename), True, "", messages)
        if node:
            self._core.application_logic.GetSelectionNode().SetActiveTableID(node.GetID())
            self._core.application_logic.PropagateTableSelection()
        return [node]

    def _read_text(self, filename, properties, messages):
        scene = self._core.scene
        node = scene.AddNewNodeByClass("vtkMRMLTextNode", self._unique(properties, filename))
        storage = scene.AddNewNodeByClass("vtkMRMLTextStorageNode")
        node.SetAndObserveStorageNodeID(storage.GetID())
        storage.SetFileName(filename)
        if storage.ReadData(node):
            return [node]
        messages.AddMessages(storage.GetUserMessages())
        scene.RemoveNode(node)
        scene.RemoveNode(storage)
        return []

    def _read_color_table(self, filename, properties, messages):
        return [self._core.logics["Colors"].LoadColorFile(filename, properties.get("name", ""), messages, True)]

    def _read_sequence(self, filename, properties, messages):
        return [self._core.logics["Sequences"].AddSequence(filename, messages)]

    # Saving

    def fileWriterFileType(self, node):
        return "SceneFile" if node is None or node.IsA("vtkMRMLScene") else f"{node.GetNodeTagName()}File"

    def fileWriterExtensions(self, node):
        formats = self.createAndAddDefaultStorageNode(node).GetSupportedWriteFileTypes()
        return tuple(formats.GetValue(index) for index in range(formats.GetNumberOfValues()))

    def extractKnownExtension(self, filename, node):
        return self.createAndAddDefaultStorageNode(node).GetSupportedFileExtension(filename, False, True)

    def createAndAddDefaultStorageNode(self, node):
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        return node.GetStorageNode()

    def addDefaultStorageNodes(self):
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode", self._core.scene):
            if node.GetSaveWithScene():
                self.createAndAddDefaultStorageNode(node)

    def saveNodes(self, file_type, properties, user_messages=None):
        messages = user_messages if user_messages is not None else slicer.vtkMRMLMessageCollection()
        if file_type == "SceneFile":
            return self.saveScene(str(properties["fileName"]), None, messages)
        node = self._core.scene.GetNodeByID(properties["nodeID"])
        storage = self.createAndAddDefaultStorageNode(node) if node else None
        if storage is None:
            return _failure(messages, f"{properties['nodeID']} can not be saved to a file.")
        saved = self._write(node, storage, properties, messages)
        if saved:
            self.fileSaved.emit(dict(properties))
        return saved

    def exportNodes(self, node_ids, filenames, properties, harden_transform=False, user_messages=None):
        """Write copies of nodes, made in a scene of their own; in world coordinates if `harden_transform`."""
        messages = user_messages if user_messages is not None else slicer.vtkMRMLMessageCollection()
        scene = slicer.vtkMRMLScene()
        self._core.scene.CopyRegisteredNodesToScene(scene)
        self._core.scene.CopySingletonNodesToScene(scene)
        scene.SetDataIOManager(self._core.scene.GetDataIOManager())
        done = True
        for node_id, filename in zip(node_ids, filenames):
            node = self._core.scene.GetNodeByID(node_id)
            copy = scene.AddNewNodeByClass(node.GetClassName(), node.GetName())
            copy.CopyContent(node, harden_transform)
            if harden_transform and node.IsA("vtkMRMLTransformableNode") and node.GetParentTransformNode():
                _harden(copy, node.GetParentTransformNode())
            copy.AddDefaultStorageNode()
            written = self._write(copy, copy.GetStorageNode(), {**properties, "fileName": filename}, messages)
            done = written and done
        return done

    def _write(self, node, storage, properties, messages):
        filename = os.path.abspath(str(properties["fileName"]))
        if not storage.GetSupportedFileExtension(filename, False, True):
            return _failure(messages, f"{node.GetName()} can not be written as {Path(filename).name}.")
        storage.SetFileName(filename)
        storage.SetURI(None)
        if properties.get("fileFormat"):
            storage.SetWriteFileFormat(properties["fileFormat"])
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        written = bool(storage.WriteData(node))
        messages.AddMessages(storage.GetUserMessages())
        return written

    def saveScene(self, filename, screenshot=None, user_messages=None):
        messages = user_messages if user_messages is not None else slicer.vtkMRMLMessageCollection()
        path, scene = Path(filename).absolute(), self._core.scene
        if path.suffix not in (".mrml", ".mrb"):
            return bool(scene.SaveSceneToSlicerDataBundleDirectory(str(path), None, messages))
        if not os.access(path.parent, os.W_OK):
            return _failure(messages, f"Failed to save the scene as {path}: its folder is not writable.")
        scene.SetURL(str(path))
        scene.SetRootDirectory(str(path.parent))
        if path.suffix == ".mrml":
            return bool(scene.Commit())
        saved = bool(scene.WriteToMRB(str(path), None, messages))
        if saved:
            scene.SetStorableNodesModifiedSinceRead()
        return saved

    # Dialogs

    def openAddDataDialog(self, *_):
        names, _ = QtWidgets.QFileDialog.getOpenFileNames(None, "Add data")
        return all([self.loadFile(name) for name in names])

    def openSaveDataDialog(self):
        name, _ = QtWidgets.QFileDialog.getSaveFileName(None, "Save scene", "", "Scene bundle (*.mrb);;Scene (*.mrml)")
        return self.saveScene(name) if name else False


def _harden(copy, parent):
    """Apply the whole chain of transforms that ends in `parent`, a node of another scene."""
    chain = vtk.vtkGeneralTransform()
    parent.GetTransformFromWorld(chain)
    transform = copy.GetScene().AddNewNodeByClass("vtkMRMLTransformNode")
    transform.SetAndObserveTransformFromParent(chain)
    copy.SetAndObserveTransformNodeID(transform.GetID())
    copy.HardenTransform()


def _failure(messages, text):
    messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)
    return False
