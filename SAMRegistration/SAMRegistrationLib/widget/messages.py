"""Errors as one sentence for the user, with the details in the log."""

import logging

from slicer.i18n import tr as _

from ..errors import Canceled, SAMRegistrationError

LOGGER = "SAMRegistration"


def sentence(error: Exception) -> str:
    """What to show for an error; anything unexpected goes to the log with its traceback."""
    if isinstance(error, Canceled):
        return _("Canceled; nothing was changed.")
    logger = logging.getLogger(LOGGER)
    if isinstance(error, SAMRegistrationError):
        logger.info("%s", error, extra={"shown": error})
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        logger.info("%s", error, extra={"shown": error})
        text = _("The Python package {name} is missing; install it in the section Advanced.")
        return text.format(name=error.name)
    logger.error("Unexpected error", exc_info=error, extra={"shown": error})
    if isinstance(error, MemoryError):
        return _("There is not enough memory; close other data or choose a lower effort.")
    return _("Something went wrong ({kind}); the details are in the application's log.").format(
        kind=type(error).__name__
    )
