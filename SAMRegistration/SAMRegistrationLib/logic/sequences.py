"""Registering all frames of a sequence to one of them."""

import slicer
from slicer.i18n import tr as _

from .registration import RegistrationLogic


class SequencesLogic(RegistrationLogic):
    """Cines and 4D CTs: sequence nodes of volumes."""

    def newSequence(self, volumes, name):
        """A sequence node of copies of volume nodes, in their order, with a browser that shows its frames.

        Example:
            >>> sequence = logic.newSequence([getNode("CT1"), getNode("CT1")], "CT over time")
            >>> sequence.GetNumberOfDataNodes()
            2
        """
        from ..scene.sequences import new_sequence

        return new_sequence(volumes, name)[0]

    def numberOfFrames(self, sequence) -> int:
        """How many frames a sequence node has; 0 for None.

        Example:
            >>> logic.numberOfFrames(None)
            0
        """
        return 0 if sequence is None else sequence.GetNumberOfDataNodes()

    def shownFrame(self, sequence) -> int:
        """The number of the frame that the views show of a sequence, from 0; 0 where nothing shows it.

        Example:
            >>> logic.shownFrame(logic.newSequence([getNode("CT1"), getNode("CT1")], "CT over time"))
            0
        """
        browser = slicer.modules.sequences.logic().GetFirstBrowserNodeForSequenceNode(sequence)
        return 0 if browser is None else max(browser.GetSelectedItemNumber(), 0)

    def reasonNotToRegisterSequence(self, parameters) -> str:
        """Why a sequence cannot be registered, as a sentence; empty when it can.

        Example:
            >>> logic.reasonNotToRegisterSequence(parameters)
            'Choose a sequence'
        """
        if self.reasonNotToCompute():
            return self.reasonNotToCompute()
        if parameters.sequence is None:
            return _("Choose a sequence")
        if self.numberOfFrames(parameters.sequence) < 2:
            return _("The sequence has less than two frames")
        return ""

    def startSequence(self, parameters):
        """Read the scene to register all frames of the chosen sequence to its reference.

        Returns:
            (work, present), as of :meth:`startRegistration`; `present` returns SAMRegistrationLib.scene.sequences.
            SequenceNodes.

        Raises:
            InputError: an input cannot be used.

        Example:
            >>> parameters.sequence = logic.newSequence([getNode("CT1"), getNode("CT1")], "CT over time")
            >>> parameters.sequenceMasks = getNode("CT1 masks")
            >>> work, present = logic.startSequence(parameters)
            >>> nodes = present(work(Job()))
            >>> nodes.transforms.GetNumberOfDataNodes()
            2
            >>> logic.describeSequence(parameters)
            'liver: ... ml, ejection fraction ... %...'
        """
        from ..errors import InputError
        from ..scene.sequences import compute, present, read

        sequence, masks = parameters.sequence, parameters.sequenceMasks
        reference = min(parameters.sequenceReference, self.numberOfFrames(sequence) - 1)
        inputs = read(sequence, masks, parameters.sequencePoints)
        choices = (parameters.preset, parameters.device, parameters.fixedModality, parameters.stiffness)
        cyclic = parameters.sequenceCyclic

        def work(job):
            from ..environment import usable_device
            from ..sequences import MotionOptions

            preset, device, modality, stiffness = choices
            options = self.options(preset, usable_device(device), fixedModality=modality, stiffness=stiffness)
            return compute(inputs, reference, MotionOptions(options, cyclic), job)

        def show(outcome):
            if slicer.mrmlScene.GetNodeByID(sequence.GetID() or "") is not sequence:
                raise InputError(_("The sequence was removed meanwhile; choose it again."))
            nodes = present(outcome, sequence, masks)
            with slicer.util.NodeModify(parameters):
                parameters.sequenceMotion, parameters.sequenceSegmentations = nodes.transforms, nodes.segmentations
                parameters.sequenceTable, parameters.sequenceChart = nodes.table, nodes.chart
            return nodes

        return work, show

    def describeSequence(self, parameters) -> str:
        """What the volume curves of the last sequence say; empty without any.

        Example:
            >>> parameters.sequenceTable = None
            >>> logic.describeSequence(parameters)
            ''
        """
        from ..quantities import number_text
        from ..sequences import ejection_fraction

        node = parameters.sequenceTable
        if node is None:
            return ""
        table, texts = node.GetTable(), []
        for column in range(1, table.GetNumberOfColumns()):
            title = table.GetColumnName(column)
            values = [table.GetValue(row, column).ToDouble() for row in range(table.GetNumberOfRows())]
            least, most = number_text(min(values), 1), number_text(max(values), 1)
            if title.endswith(_("{name} (ml)").format(name="")):
                share = ejection_fraction(values)
                text = _("{name}: {least} to {most} ml, ejection fraction {share} %.")
                name = title[: -len(_("{name} (ml)").format(name=""))]
                texts.append(text.format(name=name, least=least, most=most, share=number_text(share, 1)))
            else:
                texts.append(_("{title}: up to {most}.").format(title=title, most=most))
        return " ".join(texts)

    def showSequencePlot(self, parameters) -> None:
        """Show the curves of the last sequence in a plot view; nothing without any.

        Example:
            >>> logic.showSequencePlot(parameters)
        """
        from ..scene.plots import show_chart

        if parameters.sequenceChart is not None:
            show_chart(parameters.sequenceChart)

    def exportSequence(self, parameters, path) -> None:
        """Write the curves of the last sequence to a CSV file, whole or not at all.

        Raises:
            InputError: there are no curves, or the folder cannot be written.

        Example:
            >>> parameters.sequence = logic.newSequence([getNode("CT1"), getNode("CT1")], "CT over time")
            >>> parameters.sequenceMasks = getNode("CT1 masks")
            >>> work, present = logic.startSequence(parameters)
            >>> nodes = present(work(Job()))
            >>> logic.exportSequence(parameters, folder / "curves.csv")
            >>> (folder / "curves.csv").read_text(encoding="utf-8").split(",")[0]
            'frame'
        """
        from ..errors import InputError
        from ..scene.tables import write_csv

        if parameters.sequenceTable is None:
            raise InputError(_("Register a sequence with masks or points first."))
        write_csv(parameters.sequenceTable, path)
