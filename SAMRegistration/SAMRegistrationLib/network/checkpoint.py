"""Weights on disk: safetensors, with the architecture in the header; nothing in the file can run code."""

import json
from typing import Dict, Optional, Tuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..errors import InputError, WeightsError
from ..files import PathLike, whole_file
from .config import NetworkConfig
from .model import RegistrationNetwork

FORMAT = "samregistration-network-1"


def save_network(network: RegistrationNetwork, path: PathLike, metadata: Optional[Dict[str, str]] = None) -> None:
    """Write the weights and the architecture, with `metadata` (text) for people beside them.

    Raises:
        InputError: the file cannot be written.
    """
    header = {key: str(value) for key, value in (metadata or {}).items()}
    header.update(format=FORMAT, config=json.dumps(network.config.to_dict()))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with whole_file(path) as temporary:
        save_file(tensors, temporary, header)


def load_network(path: PathLike, device: str = "cpu") -> RegistrationNetwork:
    """The network in a file, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, not safetensors, or of another architecture.
    """
    tensors, header = _read(path)
    config = _config(path, header)
    network = RegistrationNetwork(config)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if expected != found:
        name = next(name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name))
        raise WeightsError(
            f"{path} does not fit the architecture that it names (see {name}); use another weights file."
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise WeightsError(f"{path} contains weights that are not finite numbers; use another weights file.")
    network.load_state_dict(tensors)
    return network.to(device).eval()


def read_metadata(path: PathLike) -> Dict[str, str]:
    """The header of a weights file: "format", "config" (JSON) and what was given to :func:`save_network`.

    Raises:
        WeightsError: as :func:`load_network`.
    """
    header = _read(path, tensors=False)[1]
    _config(path, header)
    return header


def _read(path: PathLike, tensors: bool = True) -> Tuple[Dict[str, torch.Tensor], Dict[str, str]]:
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read ({error.strerror}).") from error
    if start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise WeightsError(f"{path} is a pickle, which could run code; only safetensors files are read.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            return ({name: file.get_tensor(name) for name in file.keys()} if tensors else {}), header  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise WeightsError(f"{path} is damaged or not a safetensors file ({error}).") from error


def _config(path: PathLike, header: Dict[str, str]) -> NetworkConfig:
    if header.get("format") != FORMAT:
        raise WeightsError(
            f"{path} holds no registration network of this version ({FORMAT}); use another weights file."
        )
    try:
        return NetworkConfig.from_dict(json.loads(header["config"]))
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, InputError) as error:
        raise WeightsError(f"{path} describes an architecture that this version cannot build ({error}).") from error
