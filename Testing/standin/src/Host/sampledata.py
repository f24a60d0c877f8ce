"""The module `SampleData`: modules register their data sets with it, and load them by name.

Smaller than the application's: it has no data sets of its own, no panel and no archives; files are fetched into the
cache folder of this run and checked with the checksum that was registered.
"""

import logging
import sys
from pathlib import Path

import slicer


class SampleDataSource:
    """One data set of one or more files. Single values may be given in place of lists."""

    def __init__(
        self,
        sampleName=None,
        sampleDescription=None,
        uris=None,
        fileNames=None,
        nodeNames=None,
        checksums=None,
        loadFiles=None,
        customDownloader=None,
        thumbnailFileName=None,
        loadFileTypes=None,
        loadFileProperties=None,
        loadFileType=None,
    ):
        self.sampleName = sampleName
        self.sampleDescription = sampleDescription or sampleName
        self.customDownloader = customDownloader
        self.thumbnailFileName = thumbnailFileName
        self.loadFileProperties = loadFileProperties or {}
        self.uris = [uris] if isinstance(uris, str) else list(uris)
        self.fileNames = self._one_for_each_file(fileNames)
        self.nodeNames = self._one_for_each_file(nodeNames)
        self.checksums = self._one_for_each_file(checksums)
        self.loadFiles = self._one_for_each_file(loadFiles)
        self.loadFileTypes = self._one_for_each_file(loadFileTypes or loadFileType)

    def _one_for_each_file(self, values):
        if values is None or isinstance(values, (str, bool)):
            return [values] * len(self.uris)
        if len(values) != len(self.uris):
            raise ValueError("All fields of sample data source must have the same length")
        return list(values)


class SampleDataLogic:
    def __init__(self, logMessage=None):
        if logMessage:
            self.logMessage = logMessage
        self.downloadPercent = 0

    def logMessage(self, message, logLevel=logging.DEBUG):
        logging.log(logLevel, message)

    @staticmethod
    def registerCustomSampleDataCategory(category, title):
        _registered("sampleDataSourceCategories").setdefault(category, {})["title"] = title

    @staticmethod
    def registerCustomSampleDataSource(category="Custom", sampleName=None, **source):
        sources = _registered("sampleDataSources").setdefault(category, [])
        if all(known.sampleName != sampleName for known in sources):
            sources.append(SampleDataSource(sampleName, **source))

    @staticmethod
    def sampleDataSourcesByCategory(category=None):
        sources = _registered("sampleDataSources")
        return sources if category is None else sources.get(category, [])

    def sourceForSampleName(self, sampleName):
        sources = [source for group in _registered("sampleDataSources").values() for source in group]
        return next((source for source in sources if source.sampleName == sampleName), None)

    def downloadSample(self, sampleName):
        return self.downloadSamples(sampleName)[0]

    def downloadSamples(self, sampleName):
        source = self.sourceForSampleName(sampleName)
        if source is None:
            return []
        return source.customDownloader(source) if source.customDownloader else self.downloadFromSource(source)

    def downloadFromURL(self, uris=None, **source):
        return self.downloadFromSource(SampleDataSource(uris=uris, **source))

    def downloadFileIntoCache(self, uri, name, checksum=None):
        folder = Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory())
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder / name)
        self.logMessage(f"Requesting download {name} from {uri} ...")
        if not slicer.util.downloadFile(uri, path, checksum):
            raise RuntimeError(f"{uri} could not be downloaded, or its checksum is not {checksum}.")
        self.downloadPercent = 100
        self.logMessage("Download finished")
        return path

    def downloadFromSource(self, source):
        """Download every file; load those that name a node. Returns the nodes, or the paths if no node is named."""
        nodes, paths = [], []
        for uri, name, node_name, checksum, load, kind in zip(
            source.uris, source.fileNames, source.nodeNames, source.checksums, source.loadFiles, source.loadFileTypes
        ):
            path = self.downloadFileIntoCache(uri, name or Path(uri).name, checksum)
            if load is False or not node_name:
                paths.append(path)
            else:
                properties = {**source.loadFileProperties, "name": node_name}
                nodes.append(slicer.util.loadNodeFromFile(path, kind, properties))
        return nodes or paths


def downloadFromURL(uris=None, **source):
    return SampleDataLogic().downloadFromURL(uris, **source)


def downloadSample(sampleName):
    return SampleDataLogic().downloadSample(sampleName)


def downloadSamples(sampleName):
    return SampleDataLogic().downloadSamples(sampleName)


def _registered(name):
    """The dictionary of this name in slicer.modules, where the application keeps it too."""
    return vars(slicer.modules).setdefault(name, {})


def install():
    """Make `import SampleData` find this module."""
    sys.modules["SampleData"] = sys.modules[__name__]
