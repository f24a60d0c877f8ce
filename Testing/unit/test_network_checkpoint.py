"""Weights files: what is written comes back, and whatever else is refused with a sentence that names the file."""

import json
import pickle

import pytest
import torch
from network_samples import a_network, a_pair
from safetensors.torch import load_file, save_file
from SAMRegistrationLib.errors import InputError, WeightsError
from SAMRegistrationLib.network import NetworkConfig, load_network, read_metadata, save_network


@pytest.fixture
def a_weights_file(tmp_path):
    path = tmp_path / "registration.safetensors"
    save_network(a_network(strength=0.03), path, {"trained_on": "shapes"})
    return path


def rewritten(path, change_tensors=lambda tensors: tensors, change_header=lambda header: header):
    tensors, header = load_file(path), read_metadata(path)
    target = path.with_name("changed.safetensors")
    save_file(change_tensors(tensors), target, change_header(header))
    return target


def test_a_saved_network_predicts_the_same_field(a_weights_file):
    loaded = load_network(a_weights_file)
    pair = a_pair()
    with torch.no_grad():
        assert torch.equal(loaded(*pair).displacement, a_network(strength=0.03)(*pair).displacement)
    assert not loaded.training
    assert loaded.config == a_network().config


def test_the_header_tells_what_was_noted_without_reading_the_weights(a_weights_file):
    header = read_metadata(a_weights_file)
    assert header["trained_on"] == "shapes"
    assert json.loads(header["config"])["channels"] == [4, 8]


def test_weights_of_another_architecture_are_refused(a_weights_file):
    def other_channels(header):
        return {**header, "config": json.dumps(NetworkConfig.from_preset("paper").to_dict())}

    with pytest.raises(WeightsError, match=r"changed\.safetensors does not fit the architecture"):
        load_network(rewritten(a_weights_file, change_header=other_channels))


@pytest.mark.parametrize(
    "change",
    [
        lambda header: {},
        lambda header: {**header, "format": "sam-compact-1"},
        lambda header: {**header, "config": "{"},
        lambda header: {**header, "config": "[1]"},
        lambda header: {**header, "config": json.dumps({"layers": 3})},
        lambda header: {**header, "config": json.dumps({"channels": 3})},
        lambda header: {**header, "config": json.dumps({"window": "wide"})},
        lambda header: {key: value for key, value in header.items() if key != "config"},
    ],
)
def test_a_header_of_something_else_is_refused(a_weights_file, change):
    with pytest.raises(WeightsError, match=r"changed\.safetensors"):
        load_network(rewritten(a_weights_file, change_header=change))


def test_missing_and_surplus_weights_are_refused(a_weights_file):
    def drop(tensors):
        return {name: tensor for name, tensor in tensors.items() if name != "levels.0.head.bias"}

    def add(tensors):
        return {**tensors, "levels.9.head.bias": torch.zeros(3)}

    for change in (drop, add):
        with pytest.raises(WeightsError, match=r"changed\.safetensors .*head\.bias"):
            load_network(rewritten(a_weights_file, change))


def test_weights_that_are_not_finite_are_refused(a_weights_file):
    def spoil(tensors):
        tensors["levels.0.head.bias"][1] = float("nan")
        return tensors

    with pytest.raises(WeightsError, match=r"changed\.safetensors .*finite"):
        load_network(rewritten(a_weights_file, spoil))


@pytest.mark.parametrize("kept", [0, 5, 300, -100])
def test_a_truncated_file_is_refused(a_weights_file, kept):
    content = a_weights_file.read_bytes()
    a_weights_file.write_bytes(content[:kept])
    with pytest.raises(WeightsError, match=r"registration\.safetensors is damaged"):
        load_network(a_weights_file)


def test_a_pickle_in_disguise_is_refused_and_never_run(tmp_path):
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self):
            return trap.touch, ()

    for number, write in enumerate(
        (lambda path: path.write_bytes(pickle.dumps(Trap())), lambda p: torch.save(Trap(), p))
    ):
        path = tmp_path / f"disguise{number}.safetensors"
        write(path)
        with pytest.raises(WeightsError, match=rf"disguise{number}\.safetensors is a pickle"):
            load_network(path)
        assert not trap.exists()


def test_a_missing_file_is_told_by_name(tmp_path):
    with pytest.raises(WeightsError, match=r"absent\.safetensors cannot be read"):
        load_network(tmp_path / "absent.safetensors")


def test_a_failed_save_leaves_the_old_file(a_weights_file, monkeypatch):
    before = a_weights_file.read_bytes()

    def fail(tensors, path, header):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("SAMRegistrationLib.network.checkpoint.save_file", fail)
    with pytest.raises(OSError, match="disk full"):
        save_network(a_network(), a_weights_file)
    assert a_weights_file.read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": (8, 16)},
        {"heads": (3, 2, 4, 4)},
        {"window": 1},
        {"composition": "product"},
        {"field_stride": 3},
        {"channels": "wide"},
        {"depht": 3},
    ],
)
def test_an_impossible_configuration_is_refused_with_a_sentence(changes):
    with pytest.raises(InputError, match="network configuration"):
        NetworkConfig.from_preset("fast", **changes)


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="paper, fast"):
        NetworkConfig.from_preset("slow")
