"""Registration of a pair: pre-alignment, prediction, refinement, the result, and its correction."""

from .corrections import Corrections
from .guidance import Guidance
from .options import RegistrationOptions
from .pipeline import register
from .refine import RefineOptions
from .result import RegistrationResult
from .update import result_of, update

__all__ = [
    "Corrections",
    "Guidance",
    "RefineOptions",
    "RegistrationOptions",
    "RegistrationResult",
    "register",
    "result_of",
    "update",
]
