"""The registration network: encoders, window cross-attention, fusion, and the coarse-to-fine field."""

from .checkpoint import load_network, read_metadata, save_network
from .codes import default_codes, random_codes
from .config import NetworkConfig
from .model import Prediction, RegistrationNetwork

__all__ = [
    "NetworkConfig",
    "Prediction",
    "RegistrationNetwork",
    "default_codes",
    "load_network",
    "random_codes",
    "read_metadata",
    "save_network",
]
