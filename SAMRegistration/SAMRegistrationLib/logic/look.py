"""Looking at a result, and applying it to other nodes."""

import slicer
from slicer.i18n import tr as _

from .pair_structures import StructuresLogic
from .views import ViewsLogic


class LookLogic(ViewsLogic, StructuresLogic):
    """What the views show, and what is made of the last result."""

    def showSide(self, parameters, side) -> None:
        """Show one volume with its masks in all slice views, for clicking in it; a comparison of the result ends.

        Example:
            >>> logic.showSide(parameters, "moving")
            >>> parameters.clickSide
            'moving'
        """
        from ..scene import display, grids

        with slicer.util.NodeModify(parameters):
            parameters.clickSide, parameters.compareMode = side, "blend"
        volume = self.volumeOf(parameters, side)
        if volume is None:
            return
        display.restore_all()
        display.show_layers(volume, fit=True)
        for name in ("fixed", "moving"):
            node = self.segmentationOf(parameters, name)
            if node is not None:
                node.SetDisplayVisibility(name == side)
        for node in (parameters.resultSegmentation, parameters.resultFolds):
            if node is not None:
                node.SetDisplayVisibility(False)
        if parameters.resultTransform is not None:
            grids.set_grid_visible(parameters.resultTransform, False, False)

    def resetLook(self, parameters) -> None:
        """Choose what is shown of a new result: grids and outlines, one volume over the other.

        Example:
            >>> logic.resetLook(parameters)
            >>> parameters.compareMode
            'blend'
        """
        with slicer.util.NodeModify(parameters):
            parameters.showGrid = parameters.showGrid3D = parameters.showOutlines = True
            parameters.shownMap, parameters.compareMode = "none", "blend"

    def applyGridSpacing(self, parameters) -> float:
        """Draw the lines of the deformation grid at the distance that was chosen; the unit of that distance in mm.

        Example:
            >>> logic.applyGridSpacing(parameters)
            1.0
        """
        from ..scene import grids

        if parameters.resultTransform.GetDisplayNode() is not None:
            grids.set_grid_spacing(parameters.resultTransform, parameters.gridSpacing)
        return grids.unit_of(parameters.fixedVolume)

    def measureTitles(self) -> tuple:
        """The titles of the table of measures.

        Example:
            >>> len(logic.measureTitles())
            4
        """
        from ..scene.tables import columns

        return columns()

    def foldTitles(self) -> tuple:
        """The titles of the table of folds.

        Example:
            >>> len(logic.foldTitles())
            5
        """
        from ..scene.tables import fold_columns

        return fold_columns()

    def tableRows(self, node) -> list:
        """The rows of a table node as text; none for None.

        Example:
            >>> logic.tableRows(parameters.resultTable)[0][0]
            '...: Dice'
        """
        from ..scene.tables import rows_of

        return rows_of(node)

    def exportMeasures(self, parameters, path) -> None:
        """Write the measures of the last result to a CSV file, whole or not at all.

        Raises:
            InputError: the folder cannot be written.

        Example:
            >>> logic.exportMeasures(parameters, folder / "measures.csv")
        """
        from ..scene.tables import write_csv

        write_csv(parameters.resultTable, path)

    def folds(self, parameters) -> list:
        """The folds of the last result, the largest first: volume (mm3), smallest Jacobian, and where that is.

        Returns:
            One tuple of five numbers for every fold: volume, Jacobian, and position (R, A, S in mm).

        Example:
            >>> logic.folds(parameters)
            []
        """
        return [tuple(map(float, row)) for row in self.tableRows(parameters.resultFoldTable)]

    def showResult(
        self,
        parameters,
        grid=True,
        grid3D=True,
        shownMap="none",
        outlines=True,
        opacity=0.5,
        sideBySide=False,
        checkerboard=False,
    ) -> None:
        """Show the last result: the warped volume over the fixed one, outlines of the masks, the grid.

        Args:
            grid, grid3D: the deformation grid in slice views, in the 3D view.
            shownMap: a map instead of the warped volume: "jacobian" (with its folds), "displacement" or "disagreement",
                both in mm; "none", or one that the result does not have, for the warped volume.
            outlines: masks of the fixed volume (thin) and warped masks (bold, light).
            opacity: of what lies over the fixed volume.
            sideBySide: fixed and warped volume in two views instead of one over the other.
            checkerboard: the checkerboard instead of both, where it was made.

        Example:
            >>> logic.showResult(parameters, shownMap="displacement")
        """
        from ..scene import display, grids

        mapOver = self.resultMap(parameters, shownMap)
        first = parameters.otherVolume or parameters.fixedVolume
        if checkerboard and parameters.resultCheckerboard is not None:
            display.show_layers(parameters.resultCheckerboard, mapOver, opacity)
        elif sideBySide:
            display.show_side_by_side(
                parameters.otherVolume or parameters.fixedVolume, parameters.resultVolume, mapOver, opacity
            )
        else:
            display.show_layers(first, mapOver or parameters.resultVolume, opacity, fit=True)
        grids.set_grid_visible(parameters.resultTransform, grid, grid3D)
        self.showOutlines(parameters, outlines)
        if parameters.resultFolds is not None:
            display.show_folds(parameters.resultFolds)
            parameters.resultFolds.SetDisplayVisibility(shownMap == "jacobian")

    def resultMap(self, parameters, name):
        """The volume node of a map of the last result, "jacobian", "displacement" or "disagreement"; None without it.

        Example:
            >>> logic.resultMap(parameters, "displacement").GetName()
            'Displacement of CT2 to CT1'
            >>> logic.resultMap(parameters, "disagreement") is None  # it was not asked for
            True
        """
        maps = {
            "jacobian": parameters.resultJacobian,
            "displacement": parameters.resultDisplacement,
            "disagreement": parameters.resultDisagreement,
        }
        return maps.get(name)

    def showOutlines(self, parameters, outlines=True) -> None:
        """Show or hide the outlines of the last result: fixed masks (thin) and warped ones (bold, light), no others.

        How the segmentations of the pair were shown before comes back by :meth:`restoreDisplays`.

        Example:
            >>> logic.showOutlines(parameters, False)
        """
        from ..scene import display

        fixed, moving, warped = (
            parameters.fixedSegmentation,
            parameters.movingSegmentation,
            parameters.resultSegmentation,
        )
        for node, shown in ((fixed, outlines), (moving, False)):
            if node is not None:
                display.remember(node)
                node.SetDisplayVisibility(shown)
        if fixed is not None:
            display.show_thin_outlines(fixed)
        if warped is not None:
            warped.SetDisplayVisibility(outlines)

    def restoreDisplays(self) -> bool:
        """Show the segmentations of pairs as they were shown before their results; whether there were any.

        Example:
            >>> logic.showOutlines(parameters)
            >>> logic.restoreDisplays()
            True
        """
        from ..scene.display import restore_all

        return restore_all()

    def startCheckerboard(self, parameters):
        """Compare the last result as a checkerboard.

        Returns:
            (work, present), as of :meth:`startRegistration`; the node is then ``parameters.resultCheckerboard``.

        Example:
            >>> work, present = logic.startCheckerboard(parameters)
            >>> present(work(Job()))
            >>> parameters.resultCheckerboard.GetName()
            'Checkerboard'
        """
        from ..errors import InputError
        from ..scene.checkerboard import checkerboard, show_checkerboard
        from ..scene.folders import file_beside
        from ..scene.volumes import VolumeCopy, image_data, window_of

        fixed, warped = parameters.otherVolume or parameters.fixedVolume, parameters.resultVolume
        if fixed is None or warped is None:
            raise InputError(_("Register first."))
        copies, windows = [VolumeCopy(node) for node in (fixed, warped)], [window_of(node) for node in (fixed, warped)]
        grid = copies[1].grid
        if not grid.matches(copies[0].grid):
            raise InputError(_("The fixed volume was changed since the registration; register again."))

        def present(data):
            parameters.resultCheckerboard = show_checkerboard(data, grid, parameters.resultCheckerboard)
            file_beside(parameters.resultCheckerboard, parameters.resultTransform)

        return lambda job: image_data(checkerboard(*(copy.image for copy in copies), *windows)), present

    def startApplying(self, parameters, node):
        """Bring a copy of a node of the moving volume's space to the fixed volume by the last result.

        Returns:
            (work, present), as of :meth:`startRegistration`; `present` returns the new node, which is filed in the
            folder of the registration.

        Raises:
            InputError: the node cannot be transformed.

        Example:
            >>> work, present = logic.startApplying(parameters, getNode("CT2"))
            >>> present(work(Job())).GetName()
            'CT2 warped...'
        """
        from ..scene.applying import apply_transform
        from ..scene.folders import file_beside

        transform = parameters.resultTransform
        work, bringInto = apply_transform(node, transform, parameters.resultInverse, parameters.fixedVolume)

        def present(result):
            copy = bringInto(result)
            file_beside(copy, transform)
            return copy

        return work, present
