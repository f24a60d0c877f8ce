"""Correcting a result where it is wrong, and going back and forth between its states."""

import slicer
from slicer.i18n import tr as _

from .registration import RegistrationLogic

# Of the reach of a correction; in volumes of the human body these are 0.1 and 0.01 mm.
SMALL, NOTHING = 1 / 300, 1 / 3000


class CorrectionLogic(RegistrationLogic):
    """Pairs of points, updates, and the history of a result."""

    def newHistory(self):
        """The states of a result, none yet: a SAMRegistrationLib.scene.steps.History.

        Example:
            >>> logic.newHistory().present is None
            True
        """
        from ..scene.history import History

        return History()

    def followResult(self, parameters, history) -> bool:
        """Begin the history of the result that is there now, where it is another one; whether it is.

        Example:
            >>> history = logic.newHistory()
            >>> logic.followResult(parameters, history)
            True
            >>> history.present.name
            'Registration'
        """
        there = parameters is not None and self._hasWholeResult(parameters)
        transform = parameters.resultTransform if there else None
        if transform is history.transform:
            return False
        if transform is None:
            history.clear()
            return True
        from ..scene.correct import pair_masks
        from ..scene.history import Step
        from ..scene.steps import content_of

        masks = pair_masks(parameters.fixedSegmentation, parameters.movingSegmentation)
        history.begin(transform, Step(_("Registration"), content_of(parameters), masks))
        return True

    def newPairPoints(self, added, moved):
        """What follows pairs of points: a SAMRegistrationLib.scene.pair_points.PairPoints.

        Example:
            >>> points = logic.newPairPoints(lambda: None, lambda: None)
            >>> points.last() is None
            True
        """
        from ..scene.pair_points import PairPoints

        return PairPoints(added, moved)

    def watchPairs(self, parameters, points) -> None:
        """Let :meth:`newPairPoints` follow the landmarks of the pair.

        Example:
            >>> points = logic.newPairPoints(lambda: None, lambda: None)
            >>> logic.watchPairs(parameters, points)
            >>> points.leave()
        """
        points.watch(
            parameters.fixedLandmarks, parameters.movingLandmarks, parameters.resultTransform, parameters.resultInverse
        )

    def startPair(self, parameters, points) -> None:
        """Let the next click add a pair of landmarks; lists are made where there are none.

        Raises:
            InputError: there is no result, or only one list, or both lists differ in length.

        Example:
            >>> points = logic.newPairPoints(lambda: None, lambda: None)
            >>> logic.startPair(parameters, points)
            >>> parameters.movingLandmarks.GetName()
            'CT2 landmarks...'
            >>> points.leave()
            >>> logic.stopPlacingLandmarks(parameters)
        """
        from ..errors import InputError
        from ..scene.landmarks import new_list

        if not self._hasWholeResult(parameters):
            raise InputError(_("Register first."))
        lists = (parameters.fixedLandmarks, parameters.movingLandmarks)
        if None in lists and lists != (None, None):
            raise InputError(_("Choose landmarks of both volumes, or of none."))
        if None not in lists and len({node.GetNumberOfDefinedControlPoints() for node in lists}) > 1:
            raise InputError(_("The lists of landmarks differ in length; give each point its counterpart first."))
        if lists == (None, None):
            with slicer.util.NodeModify(parameters):
                for side in ("fixed", "moving"):
                    name = _("{name} landmarks").format(name=self.volumeOf(parameters, side).GetName())
                    setattr(parameters, f"{side}Landmarks", new_list(name))
        self.watchPairs(parameters, points)
        points.show_side_by_side(parameters.fixedVolume, parameters.movingVolume)
        points.start()

    def endPair(self, parameters, points) -> None:
        """Let clicks no longer add a pair; lists that are still empty are removed.

        Example:
            >>> points = logic.newPairPoints(lambda: None, lambda: None)
            >>> logic.startPair(parameters, points)
            >>> logic.endPair(parameters, points)
            >>> parameters.fixedLandmarks is None
            True
        """
        from ..scene.landmarks import has_no_points

        self.stopPlacingLandmarks(parameters)
        points.show_everywhere()
        lists = (parameters.fixedLandmarks, parameters.movingLandmarks)
        if None not in lists and has_no_points(lists):
            points.leave()
            with slicer.util.NodeModify(parameters):
                parameters.fixedLandmarks = parameters.movingLandmarks = None
            for node in lists:
                slicer.mrmlScene.RemoveNode(node)

    def reasonNotToUpdate(self, parameters) -> str:
        """Why a result cannot be corrected, as a sentence; empty when it can.

        Example:
            >>> logic.reasonNotToUpdate(parameters)
            ''
        """
        if self.reasonNotToCompute():
            return self.reasonNotToCompute()
        if parameters is None or parameters.resultTransform is None:
            return _("Register first")
        if not self._hasWholeResult(parameters):
            return _("A node of the result was removed; register again")
        return self.reasonNotToUseLandmarks(parameters)

    def startUpdate(self, parameters, history):
        """Correct the chosen state of the result by what landmarks and masks say now.

        Returns:
            (work, present), as of :meth:`startRegistration`; `present` adds a step to the history and returns a
            sentence about it.

        Raises:
            InputError: an input cannot be used.

        Example:
            >>> from SAMRegistrationLib.scene.landmarks import new_list
            >>> for name, places in (("fixed", [(0, 0, 5)]), ("moving", [(0, 5, 7)])):
            ...     setattr(parameters, f"{name}Landmarks", new_list(name))
            ...     slicer.util.updateMarkupsControlPointsFromArray(getNode(name), __import__("numpy").array(places))
            >>> history = logic.newHistory()
            >>> work, present = logic.startUpdate(parameters, history)
            >>> present(work(Job()))
            '...: error at 1 point 4.5 mm before, ... mm after; farther off nothing moved...'
            >>> len(history.steps)
            2
        """
        from ..scene.correct import compute_update, pair_masks, renew
        from ..scene.earlier import Earlier
        from ..scene.history import Step
        from ..scene.landmarks import has_no_points
        from ..scene.run import read
        from ..scene.steps import content_of

        self.followOriginals(parameters)
        self.followResult(parameters, history)
        segmentations = (parameters.fixedSegmentation, parameters.movingSegmentation)
        lists = (parameters.fixedLandmarks, parameters.movingLandmarks)
        pairs = (None, None) if has_no_points(lists) else lists
        inputs = read(
            parameters.fixedVolume,
            parameters.movingVolume,
            *segmentations,
            pairs,
            (parameters.fixedHeldOut, parameters.movingHeldOut),
        )
        earlier = Earlier(parameters.resultTransform, parameters.resultInverse)
        former, masks, transform = history.present.masks, pair_masks(*segmentations), parameters.resultTransform
        device, stiffness = parameters.device, parameters.stiffness
        modalities = (parameters.fixedModality, parameters.movingModality)

        def work(job):
            from ..environment import usable_device

            options = self.options("balanced", usable_device(device), "", *modalities, stiffness=stiffness)
            return compute_update(inputs, earlier, former, options, job)

        def present(outcome):
            from ..errors import InputError

            if history.transform is not transform or not self._hasWholeResult(parameters):
                raise InputError(_("The result was exchanged meanwhile; do that again."))
            with slicer.util.NodeModify(parameters):
                renew(outcome, parameters)
            name = _("Update {number}").format(number=history.at + 1)
            history.add(Step(name, content_of(parameters), masks))
            return self.describeUpdate(outcome.result)

        return work, present

    def describeUpdate(self, result) -> str:
        """What an update did, in one sentence.

        Example:
            >>> class Result:
            ...     seconds, notes = {"update: refine": 1.2}, []
            ...     facts = {"update": {"largest_change_elsewhere_mm": 0.0, "reach_mm": 30.0, "structures": [
            ...         {"name": "liver", "dice_before": 0.8, "dice_after": 0.9}]}}
            >>> logic.describeUpdate(Result)
            'Updated in 1.2 s: Dice around the correction 0.80 before, 0.90 after; farther off nothing moved.'
        """
        from ..quantities import number_text

        said, parts = result.facts["update"], []
        landmarks = said.get("landmarks", [])
        if landmarks:
            before, after = (max(row[f"{when}_mm"] for row in landmarks) for when in ("before", "after"))
            least = SMALL * said["reach_mm"]
            text = _("error at 1 point {before} mm before, {after} mm after")
            if len(landmarks) > 1:
                text = _("largest error at {n} points {before} mm before, {after} mm after")
            before = number_text(before, 1)
            after = number_text(after, 1) if after > least else _("less than {least}").format(least=f"{least:g}")
            parts.append(text.format(n=len(landmarks), before=before, after=after))
        elif said.get("structures"):
            rows = said["structures"]
            before, after = (
                number_text(sum(row[f"dice_{when}"] for row in rows) / len(rows), 2) for when in ("before", "after")
            )
            text = _("Dice around the correction {before} before, {after} after")
            parts.append(text.format(before=before, after=after))
        most = said["largest_change_elsewhere_mm"]
        text = _("farther off nothing moved")
        if most > NOTHING * said["reach_mm"]:
            text = _("farther off nothing moved by more than {most} mm")
        parts.append(text.format(most=number_text(most, 2)))
        text = _("Updated in {seconds:.1f} s: {parts}.")
        text = text.format(seconds=sum(result.seconds.values()), parts="; ".join(parts))
        return " ".join([text, *result.notes])

    def showStep(self, parameters, history, number) -> None:
        """Let the nodes of the result hold the state of a step.

        Example:
            >>> history = logic.newHistory()
            >>> logic.followResult(parameters, history)
            True
            >>> logic.showStep(parameters, history, 0)
        """
        from ..scene.steps import put

        history.at = number
        with slicer.util.NodeModify(parameters):
            put(history.present.content, parameters)

    def historyTitles(self) -> tuple:
        """The titles of :meth:`historyRows`.

        Example:
            >>> len(logic.historyTitles())
            4
        """
        return (_("Step"), _("Dice"), _("Points (mm)"), _("Folds"))

    def historyRows(self, history) -> list:
        """One row of text for each step: its name, mean Dice, mean error of guiding landmarks, and folds.

        Example:
            >>> history = logic.newHistory()
            >>> logic.followResult(parameters, history)
            True
            >>> logic.historyRows(history)[0][0]
            'Registration'
        """
        from ..scene.tables import step_row

        return [(step.name, *step_row(step.rows)) for step in history.steps]

    def compareSteps(self, history, number) -> list:
        """The measures of a step beside those of the chosen one: title, value there, value here, and what came of it.

        Example:
            >>> history = logic.newHistory()
            >>> logic.followResult(parameters, history)
            True
            >>> logic.compareSteps(history, 0)[0][3]
            'same'
        """
        from ..scene.tables import compared_rows

        return compared_rows(history.steps[number].rows, history.present.rows)

    def showOtherStep(self, parameters, history, number) -> None:
        """Hold the warped volume of a step in a node of its own, for comparing; none for None.

        Example:
            >>> history = logic.newHistory()
            >>> logic.followResult(parameters, history)
            True
            >>> logic.showOtherStep(parameters, history, 0)
            >>> parameters.otherVolume.GetName()
            'Registration'
            >>> logic.showOtherStep(parameters, history, None)
        """
        from ..scene.steps import show_other

        step = None if number is None else history.steps[number]
        parameters.otherVolume = show_other(step, parameters.resultVolume, parameters.otherVolume)

    @staticmethod
    def _hasWholeResult(parameters) -> bool:
        nodes = (
            parameters.resultTransform,
            parameters.resultInverse,
            parameters.resultVolume,
            parameters.resultJacobian,
            parameters.resultTable,
        )
        return None not in nodes
