"""The click models that can be chosen, their download and removal."""


class WeightsLogic:
    """Weights that are downloaded on demand."""

    def clickModels(self) -> dict:
        """The click models that can be chosen: name to whether it is there; what is not can be downloaded.

        Example:
            >>> logic.clickModels()                                                          # doctest: +SKIP
            {'compact': True, 'sam-vit-b': False, ...}
        """
        from ..weights import MANIFEST, is_installed

        return {"compact": True, **{entry.name: is_installed(entry) for entry in MANIFEST}}

    def downloadModel(self, name, job):
        """Download the weights of a click model and verify them; may run on any thread.

        Raises:
            WeightsError: the server cannot be reached or sends another file.

        Example:
            >>> logic.downloadModel("sam-vit-b", Job(print))                                 # doctest: +SKIP
        """
        from ..weights import download, find

        return download(find(name), job=job)

    def removeModel(self, name) -> bool:
        """Delete the downloaded weights of a click model; whether there was anything to delete."""
        from ..weights import find, remove

        return remove(find(name))
