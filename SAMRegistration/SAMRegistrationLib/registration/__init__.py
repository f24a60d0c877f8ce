"""Registration of a pair: pre-alignment, prediction, refinement, result."""

from .guidance import Guidance
from .options import RegistrationOptions
from .pipeline import register
from .refine import RefineOptions
from .result import RegistrationResult

__all__ = ["Guidance", "RefineOptions", "RegistrationOptions", "RegistrationResult", "register"]
