"""Errors whose text is one sentence for the user: what is wrong and what to do."""

LONGEST = 1000  # characters


class SAMRegistrationError(Exception):
    """Something went wrong that the user can understand and act on; ``str(error)`` is that one sentence.

    Of a sentence that quotes far too much, the middle is left out.
    """

    def __str__(self) -> str:
        text = super().__str__()
        return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 3 :]}"


class InputError(SAMRegistrationError):
    """An input (file, image, mask, point list, configuration) cannot be used."""


class WeightsError(SAMRegistrationError):
    """A weights file is missing, damaged, of another architecture, or not a safe format."""


class ResultsElsewhere(SAMRegistrationError):
    """The work was done, but its results could not be written where they were asked for; it says where they are."""


class PackageError(SAMRegistrationError):
    """A package that is needed is missing, too old, or cannot be loaded."""


class Canceled(SAMRegistrationError):
    """The user asked to stop; nothing was left half done."""

    def __init__(self, message: str = "Canceled."):
        super().__init__(message)
