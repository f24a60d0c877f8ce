"""What ITK, PyTorch and the operating system raise, as errors of one sentence."""

import errno
import os
import re
from contextlib import contextmanager
from typing import Iterator

from .errors import SAMRegistrationError

LONGEST = 300  # characters of a reason
OUT_OF_MEMORY = r"(?i)out of memory|not enough memory|(can't|cannot|failed to|unable to) allocate|bad_alloc"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Errors of libraries and of the system, raised inside, become one sentence; the project's own pass unchanged.

    Args:
        doing: what failed, as the start of the sentence: "The registration".

    Raises:
        SAMRegistrationError: with the reason, and what to do where that is known.
    """
    try:
        yield
    except SAMRegistrationError:
        raise
    except (MemoryError, OSError, RuntimeError, UnicodeError, ValueError, ArithmeticError) as error:
        if _lacks_memory(error):
            raise SAMRegistrationError(
                f"{doing} failed because the memory was not enough; close other programs or use smaller volumes."
            ) from error
        raise SAMRegistrationError(f"{doing} failed ({sentence_of(error)}).") from error


def _lacks_memory(error: BaseException) -> bool:
    """Whether NumPy, PyTorch (CPU or CUDA) or ITK ran out of memory; the last two raise RuntimeError."""
    told = isinstance(error, RuntimeError) and re.search(OUT_OF_MEMORY, str(error)) is not None
    return told or isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM


def sentence_of(error: BaseException) -> str:
    """The reason that an exception gives, without file names, line numbers and addresses of a library's source.

    Example:
        >>> sentence_of(OSError(28, "No space left on device"))
        'No space left on device'
        >>> sentence_of(RuntimeError("Exception thrown in SimpleITK X: /a/b.cxx:12:\\nITK ERROR: I(0x5f): It is torn."))
        'It is torn.'
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or os.strerror(error.errno)
    if isinstance(error, UnicodeError):
        return "a name or text cannot be encoded"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not re.match(r"(Exception thrown in |/|[A-Za-z]:\\)", line)] or lines
    text = re.sub(r"^(sitk|ITK)?(::)?\s*ERROR:\s*", "", " ".join(telling))
    text = re.sub(r"\b\w+\(0x[0-9a-fA-F]+\):\s*", "", text)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text[:LONGEST] or type(error).__name__
