"""Training and evaluation of the network, in a process of their own."""

from pathlib import Path

from slicer.i18n import tr as _

from .pair_structures import StructuresLogic


class TrainingLogic(StructuresLogic):
    """Pairs of the scene as training data, training and evaluation."""

    def startWritingPair(self, parameters, folder, split="train"):
        """Read the chosen volumes with their masks; the returned work adds them to the training data in a folder.

        Args:
            folder: where volumes, label maps and their data list ``cases.json`` go; what it holds already stays.
            split: what the pair is for: "train", "validation" or "test".

        Returns:
            ``work(job) -> path of the data list``, which may run on any thread.

        Raises:
            InputError: no pair is chosen, or it cannot be used.

        Example:
            >>> work = logic.startWritingPair(parameters, folder)
            >>> work(Job()).name
            'cases.json'
        """
        from ..scene.cases import pair_writer

        self.followOriginals(parameters)
        volumes = (parameters.fixedVolume, parameters.movingVolume)
        return pair_writer(Path(folder), split, *volumes, parameters.fixedSegmentation, parameters.movingSegmentation)

    def reasonNotToTrain(self, data, output) -> str:
        """Why neither a training nor an evaluation can start, as a sentence; empty when they can.

        Args:
            data: a data list (.json), or a configuration (.toml), which has an output folder of its own.

        Example:
            >>> logic.reasonNotToTrain("", "")
            'Choose a data list or a configuration, or write a pair of this scene.'
        """
        if not data:
            return _("Choose a data list or a configuration, or write a pair of this scene.")
        if not Path(data).is_file():
            return _("{path} is not there; choose another file.").format(path=data)
        if not is_configuration(data) and not output:
            return _("Choose an output folder.")
        return ""

    def startTraining(self, data, output="", steps=1000, weights="", minutes=0, **told):
        """Train, or go on with the training that the output folder holds.

        Args:
            data: a data list (.json), for which ``training.toml`` is written into the output folder, or a
                configuration (.toml), which is taken as it is; all else is then as the file says.
            output: folder of the weights (``network.safetensors``) and of the state.
            steps: optimizer steps at most.
            weights: to start from; empty: those that come with the extension.
            minutes: for the steps at most; 0 sets no limit.
            **told: done, failed, progress and log of :class:`SAMRegistrationLib.background.BackgroundCommand`; the
                result has "weights", "step", "seconds" and "best".

        Returns:
            The BackgroundCommand, which is to be polled.

        Raises:
            InputError: the data cannot be trained on, or the folder cannot be written.

        Example:
            >>> command = logic.startTraining("/data/pairs/cases.json", "/data/out", 500, done=print)  # doctest: +SKIP
        """
        from ..background import BackgroundCommand
        from ..training.registration.recipe import write_training

        path = data if is_configuration(data) else write_training(output, data, steps, weights or None, minutes)
        return BackgroundCommand(["train", str(path)], **told)

    def trainedWeights(self, data, output="") -> str:
        """The weights that a training on a data list has saved in its output folder so far, the best ones where it
        validates; empty without any.

        Example:
            >>> logic.trainedWeights("/data/pairs/cases.json", "/data/nowhere")
            ''
        """
        from ..training.registration.recipe import BEST, WEIGHTS

        paths = [] if not output or is_configuration(data) else [Path(output) / name for name in (BEST, WEIGHTS)]
        return next((str(path) for path in paths if path.is_file()), "")

    def startEvaluation(self, data, output="", weights="", preset="balanced", **told):
        """Register the pairs of a data list with several methods and tabulate how good they are.

        Args:
            data: a data list (.json), for which ``evaluation.toml`` is written into the output folder, or a
                configuration (.toml), which is taken as it is.
            output: folder of the tables; weights that were trained there are evaluated unless others are given.
            weights: of the network.
            preset: of the registration.
            **told: as in :meth:`startTraining`; the result has "rows" (see :meth:`showEvaluation`) and "files".

        Raises:
            InputError: the data cannot be used, or the folder cannot be written.

        Example:
            >>> command = logic.startEvaluation("/data/pairs/cases.json", "/data/out", done=print)   # doctest: +SKIP
        """
        from ..background import BackgroundCommand
        from ..training.registration.recipe import write_evaluation

        if is_configuration(data):
            return BackgroundCommand(["evaluate", str(data)], **told)
        chosen = weights or self.trainedWeights(data, output) or None
        return BackgroundCommand(["evaluate", str(write_evaluation(output, data, chosen, preset))], **told)

    def showEvaluation(self, rows, name="Evaluation"):
        """Put the table of an evaluation into the scene and show it beside the views; returns its vtkMRMLTableNode.

        Args:
            rows: the header, then a row for every method.

        Example:
            >>> table = logic.showEvaluation([["method", "Dice %"], ["affine", "61.2"]])
        """
        from ..scene.tables import add_text_table, show_table

        node = add_text_table(name, *rows)
        show_table(node)
        return node

    def isDataList(self, path) -> bool:
        """Whether a path names a data list that :meth:`startWritingPair` writes.

        Example:
            >>> logic.isDataList("/data/pairs/cases.json")
            True
        """
        from ..training.registration.recipe import DATA_LIST

        return Path(path).name == DATA_LIST


def is_configuration(path) -> bool:
    """Whether a file is a configuration (.toml) rather than a data list."""
    return str(path).lower().endswith(".toml")
