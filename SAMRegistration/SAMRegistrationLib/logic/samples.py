"""The sample pair of the Sample Data module."""

from pathlib import Path

from slicer.i18n import tr as _

SAMPLE_NAME = "SAMRegistrationBrains"


def register_sample_data():
    """Offer two brain MR volumes of one patient, before and after surgery, in the Sample Data module."""
    try:
        import SampleData
    except ImportError:
        return
    sums = (
        "998cb522173839c78657f4bc0ea907cea09fd04e44601f17c82ea27927937b95",
        "1a64f3f422eb3d1c9b093d1a18da354b13bcf307907c66317e2463ee530b7a97",
    )
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="SAMRegistration",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=None,
        uris=["https://github.com/Slicer/SlicerTestingData/releases/download/SHA256/" + checksum for checksum in sums],
        fileNames=["RegLib_C01_1.nrrd", "RegLib_C01_2.nrrd"],
        nodeNames=["MRBrainTumor1", "MRBrainTumor2"],
        checksums=["SHA256:" + checksum for checksum in sums],
    )


class SamplesLogic:
    """Loading the sample pair."""

    def startLoadingSamples(self, parameters):
        """Download (once) and load the sample pair of the Sample Data module, and choose it.

        Returns:
            (work, present): ``work(job)`` fetches the files and may run on any thread; ``present(paths)`` loads them.

        Raises:
            InputError: the Sample Data module is not there; by `work` and `present`: the pair cannot be loaded.

        Example:
            >>> work, present = logic.startLoadingSamples(logic.getParameterNode())          # doctest: +SKIP
            >>> present(work(Job()))                                                         # doctest: +SKIP
        """
        from ..errors import Canceled, InputError

        try:
            import SampleData
        except ImportError as error:
            raise InputError(_("The module Sample Data is not available in this application.")) from error
        advice = _("The sample data could not be loaded; check the network connection.")
        fetching = _("Fetching {name}...")

        def work(job):
            def say(message, logLevel=None):
                job.update(downloads.downloadPercent / 100, fetching.format(name=name))

            downloads = SampleData.SampleDataLogic(say)
            source = downloads.sourceForSampleName(SAMPLE_NAME)
            paths = []
            for uri, name, checksum in zip(source.uris, source.fileNames, source.checksums):
                try:
                    paths.append(downloads.downloadFileIntoCache(uri, name, checksum))
                except Canceled:
                    raise
                except Exception as error:
                    raise InputError(advice) from error
                if not Path(paths[-1]).is_file():
                    raise InputError(advice)
            return paths

        def present(paths):
            try:
                nodes = SampleData.SampleDataLogic().downloadSamples(SAMPLE_NAME)
            except Exception as error:
                raise InputError(advice) from error
            if not nodes or len(nodes) != 2 or None in nodes:
                raise InputError(advice)
            parameters.fixedVolume, parameters.movingVolume = nodes

        return work, present
