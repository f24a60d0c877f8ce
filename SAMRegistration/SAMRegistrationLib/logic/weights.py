"""The weights that can be chosen, and the download and removal of click models."""

from pathlib import Path

from slicer.i18n import tr as _

from ..choices import CLICK_MODELS, PACKAGE_MODELS


class WeightsLogic:
    """Weights that ship, that are downloaded on demand, and files of the user's own."""

    def clickModels(self) -> dict:
        """The click models that can be chosen: name to the megabytes still to be downloaded, 0 where it is there.

        Example:
            >>> list(logic.clickModels())[:2]
            ['compact', 'geodesic']
        """
        from ..weights import find, is_installed

        missing = {}
        for model in CLICK_MODELS:
            there = not model.needs_download or is_installed(find(model.name))
            missing[model.name] = 0 if there else round(find(model.name).size / 1e6)
        return missing

    def packageModels(self) -> list:
        """The families of click models whose packages are installed (SAM 2, nnInteractive).

        Example:
            >>> {family.title for family in logic.packageModels()} <= {"SAM 2", "nnInteractive"}
            True
        """
        from ..environment import is_there

        return [family for family in PACKAGE_MODELS if is_there(family.module)]

    def describeNeeds(self, name, device="auto") -> str:
        """What a click model needs of this computer, as a sentence for before its first use; empty where it is little.

        Example:
            >>> logic.describeNeeds("compact")
            ''
        """
        from ..environment import processor
        from ..segmentation.needs import GIGABYTE, needs_of

        needs = needs_of(name)
        if needs is None:
            return ""
        free = processor().free
        text = _("{name} has a file of {size} MB and takes up to {memory} GB of memory ({free} GB are free).")
        free = "?" if free is None else f"{free / GIGABYTE:.1f}"
        told = text.format(name=Path(name).name, size=needs.megabytes, memory=f"{needs.gigabytes:.1f}", free=free)
        if device.startswith("cuda"):
            return told
        text = _("Each slice that is new takes about {seconds} s on the CPU, then clicks on it are quick.")
        return f"{told} {text.format(seconds=round(needs.seconds()))}"

    def downloadModel(self, name, job):
        """Download the weights of a click model and verify them; may run on any thread.

        Raises:
            WeightsError: the server cannot be reached or sends another file.

        Example:
            >>> logic.downloadModel("sam-vit-b", Job(print))                                 # doctest: +SKIP
        """
        from ..weights import download, find

        return download(find(name), job=job)

    def isRemovable(self, name) -> bool:
        """Whether something of a click model was downloaded; what ships and files of the user's are not.

        Example:
            >>> logic.isRemovable("compact")
            False
        """
        from ..weights import MANIFEST, leftovers

        return any(leftovers(entry) for entry in MANIFEST if entry.name == name)

    def removeModel(self, name) -> bool:
        """Delete the downloaded weights of a click model; whether there was anything to delete.

        Example:
            >>> logic.removeModel("sam-vit-b")                                               # doctest: +SKIP
            True
        """
        from ..weights import find, remove

        return remove(find(name))

    def describeWeights(self, weights) -> str:
        """What a registration predicts with, as a sentence; `weights` is a file's path, empty for those that ship.

        Example:
            >>> logic.describeWeights("")
            '...'
        """
        from ..weights import default_weights

        if weights:
            return (
                "" if Path(weights).is_file() else _("{path} is not there; choose another file.").format(path=weights)
            )
        shipped = default_weights()
        if shipped is None:
            return _("None ship with this version: registered without prediction.")
        return _("Built in: {name}").format(name=shipped.stem)
