"""The Slicer core without a window: a scene, the application logic and the logics of the core modules."""

import colorsys
from pathlib import Path

import slicer
import vtk

from .hierarchy import SubjectHierarchyKeeper

# Module name in the application: class of its logic.
LOGICS = {
    "Units": "vtkSlicerUnitsLogic",
    "Colors": "vtkSlicerColorLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Data": "vtkSlicerDataModuleLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "SceneViews": "vtkSlicerSceneViewsModuleLogic",
    "ViewControllers": "vtkSlicerViewControllersLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "Reformat": "vtkSlicerReformatLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
}


class Core:
    """Owns the scene and every logic; it needs neither Qt nor a screen.

    scene: vtkMRMLScene with crosshair, selection, interaction and color nodes.
    application_logic: vtkSlicerApplicationLogic.
    logics: module name to logic.
    """

    def __init__(self, temporary_path):
        self.scene = slicer.vtkMRMLScene()
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetTemporaryPath(temporary_path)
        self.application_logic.SetHomeDirectory(temporary_path)
        self.application_logic.SetShareDirectory("share")
        _write_label_colors(Path(temporary_path) / "share" / "ColorFiles")
        self.application_logic.SetMRMLScene(self.scene)
        self.application_logic.SetSliceLogics(vtk.vtkCollection())
        self.application_logic.SetViewLogics(vtk.vtkCollection())
        self.scene.SetRootDirectory(temporary_path)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        for factory in (
            slicer.vtkMRMLSliceViewDisplayableManagerFactory,
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        ):
            factory.GetInstance().SetMRMLApplicationLogic(self.application_logic)
        self._prepare_bundles(str(Path(temporary_path) / "cache"))
        self.logics = {name: self._create_logic(name, kind) for name, kind in LOGICS.items()}
        self.application_logic.SetColorLogic(self.logics["Colors"])
        self.hierarchy = SubjectHierarchyKeeper(self.scene)

    def _create_logic(self, name, kind):
        logic = getattr(slicer, kind)()
        logic.SetMRMLApplicationLogic(self.application_logic)
        self.application_logic.SetModuleLogic(name, logic)
        # The core's package lacks the application's terminology files; no need to hear that at every start.
        vtk.vtkObject.SetGlobalWarningDisplay(name != "Terminologies")
        try:
            logic.SetMRMLScene(self.scene)
        finally:
            vtk.vtkObject.GlobalWarningDisplayOn()
        return logic

    def _prepare_bundles(self, cache):
        """Reading .mrb files goes through the remote input/output logic and its cache folder."""
        self._remote = slicer.vtkMRMLRemoteIOLogic()
        self._remote.SetMRMLScene(self.scene)
        self._remote.SetMRMLApplicationLogic(self.application_logic)
        self._remote.GetCacheManager().SetRemoteCacheDirectory(cache)
        self._data_io = slicer.vtkDataIOManagerLogic()
        self._data_io.SetMRMLScene(self.scene)
        self._data_io.SetMRMLApplicationLogic(self.application_logic)
        self._data_io.SetAndObserveDataIOManager(self._remote.GetDataIOManager())
        self.application_logic.SetMRMLSceneDataIO(self.scene, self._remote, self._data_io)


def _write_label_colors(folder, count=256):
    """The color table that label maps use by default, a file that the core's package lacks: its colors are our own."""
    rows = ["0 background 0 0 0 0"]
    for label in range(1, count):
        hue = (label * 0.618034) % 1  # the golden ratio keeps neighbors apart
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.6 + 0.4 * (label % 2), 0.95 - 0.25 * (label % 3) / 2)
        rows.append(f"{label} region{label} {round(255 * red)} {round(255 * green)} {round(255 * blue)} 255")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "GenericColors.txt").write_text("\n".join(rows) + "\n", encoding="utf-8")
