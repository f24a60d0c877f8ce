"""The trainer: it learns, resumes exactly, shares work between processes, and refuses what it cannot use."""

import dataclasses
import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import load_file, save_file
from SAMRegistrationLib.errors import Canceled, InputError, WeightsError
from SAMRegistrationLib.geometry.dense import sample, warp
from SAMRegistrationLib.job import Job
from SAMRegistrationLib.losses.intensities import lncc
from SAMRegistrationLib.network.checkpoint import load_network, save_network
from SAMRegistrationLib.network.config import NetworkConfig
from SAMRegistrationLib.network.model import RegistrationNetwork
from SAMRegistrationLib.training.registration import trainer as trainer_module
from SAMRegistrationLib.training.registration.config import (
    DataOptions,
    LossWeights,
    TrainingConfig,
    ValidationOptions,
    read_config,
)
from SAMRegistrationLib.training.registration.datalist import read_data_list
from SAMRegistrationLib.training.registration.deformation import DeformationRange
from SAMRegistrationLib.training.registration.evaluate import read_evaluation
from SAMRegistrationLib.training.registration.objective import training_loss
from SAMRegistrationLib.training.registration.pair import TrainingPair
from SAMRegistrationLib.training.registration.sources import ListPairs, prepare_pair
from SAMRegistrationLib.training.registration.state import STATE, load_state
from SAMRegistrationLib.training.registration.synthetic import SyntheticOptions, SyntheticPairs
from SAMRegistrationLib.training.registration.trainer import Trainer, _groups, rate_factor, train
from SAMRegistrationLib.training.registration.workers import Workers
from SAMRegistrationLib.training.settings import plain
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

LIBRARY = Path(__file__).resolve().parents[2] / "SAMRegistration"
RECIPES = Path(__file__).resolve().parents[2] / "Resources" / "Training"
TINY = {"preset": "fast", "channels": [4, 8], "heads": [1, 2], "depths": [2, 2]}


def tiny(folder, **changes) -> TrainingConfig:
    values = {
        "output": folder,
        "steps": 4,
        "save_every": 2,
        "warmup": 1,
        "network": TINY,
        "synthetic": SyntheticOptions(shapes=((16, 16, 16),), masks=0.7),
        "loss": LossWeights(truth=0.3),
    }
    return TrainingConfig(**{**values, **changes})


def tensors_of(folder):
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    return load_file(folder / state["tensors"])


def same(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_short_training_lowers_the_loss_of_the_pair_it_sees(tmp_path):
    config = tiny(tmp_path, steps=30, learning_rate=3e-3, save_every=30, ema=0.0)
    trainer = Trainer(config, Workers(0, 1, torch.device("cpu")))
    trainer.pairs = [SyntheticPairs(config.synthetic, 0)[3]] * 30
    before = trainer.gradients([(0, trainer.pairs[0])])["loss"]
    trainer.run(Job())
    after = trainer.gradients([(0, trainer.pairs[0])])["loss"]
    trainer.close()
    assert after < 0.8 * before


def test_a_training_that_is_stopped_and_started_again_ends_as_if_it_had_not_been(tmp_path):
    train(tiny(tmp_path / "whole"))

    def stop_after(step):
        seen = []
        return Job(lambda fraction, message: seen.append(message), lambda: any(f"step {step}/" in m for m in seen))

    with pytest.raises(Canceled):
        train(tiny(tmp_path / "parts"), stop_after(1))
    assert json.loads((tmp_path / "parts" / STATE).read_text(encoding="utf-8"))["step"] == 1
    with pytest.raises(Canceled):
        train(tiny(tmp_path / "parts"), stop_after(3))
    result = train(tiny(tmp_path / "parts"))
    assert result["step"] == 4
    assert same(tensors_of(tmp_path / "whole"), tensors_of(tmp_path / "parts"))
    assert len(list((tmp_path / "parts").glob("state-*.safetensors"))) == 1


def test_a_training_ends_when_its_minutes_are_over_with_a_rate_that_has_fallen_and_goes_on_with_more(
    tmp_path, monkeypatch
):
    now = [0.0]
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: now[0])
    rates, told = [], []

    class Slow(Trainer):
        def gradients(self, pairs):
            now[0] += 30
            return super().gradients(pairs)

        def _report(self, values, pairs, seconds, job):
            rates.append(values["learning rate"])
            super()._report(values, pairs, seconds, job)

    monkeypatch.setattr(trainer_module, "Trainer", Slow)
    job = Job(lambda fraction, message: told.append((round(fraction, 3), message.split(", ")[-1])))
    result = train(tiny(tmp_path, steps=1000, minutes=2.5), job)
    assert (result["step"], result["seconds"]) == (5, 150)
    assert told[-5:] == [
        (0.24, "about 2 min left"),
        (0.43, "about 2 min left"),
        (0.62, "about 1 min left"),
        (0.81, "less than a minute left"),
        (1.0, "less than a minute left"),
    ]
    assert rates[1] > rates[2] > rates[3] > rates[4]
    assert rates[4] == pytest.approx(3e-4 * (0.01 + 0.99 * 0.5 * (1 + math.cos(0.8 * math.pi))))
    assert train(tiny(tmp_path, steps=1000, minutes=2.5))["step"] == 5
    assert train(tiny(tmp_path, steps=1000, minutes=3))["step"] == 6


def test_fine_tuning_that_makes_validation_worse_returns_the_weights_it_started_from(tmp_path):
    train(tiny(tmp_path / "first"))
    start = tmp_path / "first" / "network.safetensors"
    asked = tiny(tmp_path / "second", initial=start, validation=ValidationOptions(every=3, pairs=1))
    scores = iter([0.8, 0.7, 0.6])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trainer_module.Validation, "run", lambda self, network, job: {"dice": next(scores)})
        result = train(asked)
    assert list(scores) == []
    assert result["best"] == 0.8
    best, last = (load_file(path) for path in (result["weights"], tmp_path / "second" / "network.safetensors"))
    assert same(best, load_file(start))
    assert not same(last, best)


def test_a_training_that_is_killed_goes_on_from_the_last_saved_state_and_ends_the_same(tmp_path, one_thread):
    train(tiny(tmp_path / "whole", steps=6))
    script = tmp_path / "killed.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, signal, sys
            sys.path.insert(0, sys.argv[1])
            from SAMRegistrationLib.job import Job
            from SAMRegistrationLib.training.registration.config import read_config
            from SAMRegistrationLib.training.registration.trainer import train

            def watch(fraction, message):
                if message.startswith("step 3/"):
                    os.kill(os.getpid(), signal.SIGKILL)

            train(read_config(sys.argv[2]), Job(watch))
            """
        ),
        encoding="utf-8",
    )
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'output = "killed"\nsteps = 6\nsave_every = 2\nwarmup = 1\nloss = {truth = 0.3}\n'
        "[network]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in TINY.items()) + "\n"
        "[synthetic]\nshapes = [[16, 16, 16]]\nmasks = 0.7\n",
        encoding="utf-8",
    )
    killed = subprocess.run([sys.executable, str(script), str(LIBRARY), str(recipe)], env=environment(), check=False)
    assert killed.returncode == -9
    assert json.loads((tmp_path / "killed" / STATE).read_text(encoding="utf-8"))["step"] == 2
    train(read_config(recipe))
    assert same(tensors_of(tmp_path / "whole"), tensors_of(tmp_path / "killed"))


def test_a_kill_between_the_tensors_and_the_state_file_leaves_the_older_state_usable(tmp_path):
    config = tiny(tmp_path, steps=2)
    train(config)
    (tmp_path / "state-00000004.safetensors").write_bytes(b"half a file")
    assert load_state(tmp_path, plain(config)).step == 2


def test_two_processes_have_the_gradients_of_one_with_twice_the_batch(tmp_path):
    script = tmp_path / "gradients.py"
    script.write_text(
        textwrap.dedent(
            """
            import sys
            from pathlib import Path
            sys.path.insert(0, sys.argv[1])
            import torch
            from safetensors.torch import save_file
            from SAMRegistrationLib.training.registration.config import read_config
            from SAMRegistrationLib.training.registration.trainer import Trainer
            from SAMRegistrationLib.training.registration.workers import joined_workers

            with joined_workers() as workers:
                trainer = Trainer(read_config(sys.argv[2]), workers)
                for step in (0, 1):
                    indices = workers.indices(step, trainer.config.batch)
                    trainer.gradients([(index, trainer.pairs[index]) for index in indices])
                    if workers.first:
                        found = {name: p.grad.clone() for name, p in trainer.network.named_parameters()}
                        save_file(found, Path(sys.argv[3]) / f"step{step}.safetensors")
                trainer.close()
            """
        ),
        encoding="utf-8",
    )

    def gradients(name, batch, launcher):
        folder = tmp_path / name
        folder.mkdir()
        recipe = folder / "recipe.toml"
        recipe.write_text(
            f'output = "out"\nbatch = {batch}\nloss = {{truth = 0.3}}\n'
            "[network]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in TINY.items()) + "\n"
            "[synthetic]\nshapes = [[16, 16, 16]]\nmasks = 0.5\n",
            encoding="utf-8",
        )
        command = [sys.executable, *launcher, str(script), str(LIBRARY), str(recipe), str(folder)]
        subprocess.run(command, env=environment(), check=True, timeout=240)
        return [load_file(folder / f"step{step}.safetensors") for step in (0, 1)]

    alone = gradients("alone", 2, [])
    together = gradients("together", 1, ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"])
    for one, two in zip(alone, together):
        largest = max(float(gradient.abs().max()) for gradient in one.values())
        assert largest > 0
        for name in one:
            assert torch.allclose(one[name], two[name], atol=1e-5 * largest, rtol=1e-4), name


@pytest.fixture
def one_thread():
    """Sums depend on the number of threads in their last bits, and the processes started here have one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def environment():
    return {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def test_deterministic_trainings_with_one_seed_are_equal_and_with_another_differ(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tiny(tmp_path / name, steps=2, seed=seed, deterministic=True))
    a, b, c = (tensors_of(tmp_path / name) for name in "abc")
    assert same(a, b)
    assert not same(a, c)


def test_the_saved_network_is_the_average_and_its_file_can_be_used(tmp_path):
    train(tiny(tmp_path))
    network = load_network(tmp_path / "network.safetensors")
    tensors = tensors_of(tmp_path)
    assert all(torch.equal(value, tensors[f"ema.{name}"]) for name, value in network.state_dict().items())
    assert not all(torch.equal(value, tensors[f"network.{name}"]) for name, value in network.state_dict().items())


def test_fine_tuning_starts_from_the_given_weights(tmp_path):
    train(tiny(tmp_path / "first"))
    weights = tmp_path / "first" / "network.safetensors"
    config = tiny(tmp_path / "second", initial=weights, seed=9)
    trainer = Trainer(config, Workers(0, 1, torch.device("cpu")))
    trainer.close()
    expected = load_network(weights).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in trainer.network.state_dict().items())


def test_fine_tuning_from_another_architecture_is_refused_naming_the_file(tmp_path):
    other = NetworkConfig.from_preset("fast", channels=[8, 8], heads=[1, 2], depths=[2, 2])
    save_network(RegistrationNetwork(other), tmp_path / "other.safetensors")
    with pytest.raises(InputError, match=r"other\.safetensors"):
        train(tiny(tmp_path / "out", initial=tmp_path / "other.safetensors"))


def test_a_pickle_in_disguise_is_refused_as_initial_weights(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "trap.safetensors")
    with pytest.raises(WeightsError, match=r"trap\.safetensors.*pickle"):
        train(tiny(tmp_path / "out", initial=tmp_path / "trap.safetensors"))


def test_a_truncated_state_is_refused_naming_it(tmp_path):
    config = tiny(tmp_path, steps=2)
    train(config)
    file = next(tmp_path.glob("state-*.safetensors"))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"state\.json is damaged"):
        train(dataclasses.replace(config, steps=4))


def test_going_on_with_another_configuration_is_refused_naming_the_entry(tmp_path):
    config = tiny(tmp_path, steps=2)
    train(config)
    with pytest.raises(InputError, match=r'"loss\.contour"'):
        train(dataclasses.replace(config, loss=LossWeights(truth=0.3, contour=0.0)))
    assert train(dataclasses.replace(config, steps=3))["step"] == 3


def test_a_pickle_in_place_of_the_state_is_refused(tmp_path):
    config = tiny(tmp_path, steps=2)
    train(config)
    torch.save({"weight": torch.zeros(1)}, next(tmp_path.glob("state-*.safetensors")))
    with pytest.raises(WeightsError, match=r"state\.json is damaged"):
        train(dataclasses.replace(config, steps=4))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('output = "x"\nstep = 3', '"step"'),
        ("steps = 3", '"output"'),
        ('output = "x"\nsteps = "many"', '"steps"'),
        ('output = "x"\nlearning_rate = -1', '"learning_rate"'),
        ('output = "x"\n[loss]\ndice = 1.0', '"loss.dice"'),
        ('output = "x"\n[synthetic]\nshapes = [[4, 4]]', '"synthetic.shapes"'),
        ('output = "x"\nloss = 3', '"loss"'),
        ('output = "x', "not valid TOML"),
    ],
)
def test_an_unusable_configuration_is_refused_naming_the_file_and_the_entry(tmp_path, text, part):
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_config(path)
    assert part in str(error.value)
    assert "bad.toml" in str(error.value)


@pytest.mark.parametrize("name", ["synthetic.toml", "synthetic-masks.toml", "hippocampus.toml"])
def test_every_training_recipe_that_ships_describes_a_network_that_can_be_built(name):
    config = read_config(RECIPES / name)
    options = {key: value for key, value in config.network.items() if key != "preset"}
    assert RegistrationNetwork(NetworkConfig.from_preset(config.network["preset"], **options)).config.search == 1


def test_the_evaluation_recipe_that_ships_can_be_read():
    assert read_evaluation(RECIPES / "evaluate-hippocampus.toml").pairs == 40


def test_a_term_is_left_out_by_its_weight_and_counts_by_its_weight():
    torch.manual_seed(0)
    network = RegistrationNetwork(
        NetworkConfig.from_preset(**{"name": "fast", **{k: v for k, v in TINY.items() if k != "preset"}})
    )
    pair = next(
        pair
        for pair in (SyntheticPairs(SyntheticOptions(shapes=((16, 16, 16),)), 0)[index] for index in range(20))
        if pair.same_contrast and pair.fixed_labels is not None and pair.fixed_labels.shape[1] > 1
    )
    prediction = network(pair.fixed, pair.moving)
    names = {field.name for field in dataclasses.fields(LossWeights)}
    everything = LossWeights(**dict.fromkeys(names, 1.0))
    total, terms = training_loss(prediction, pair, everything)
    assert set(terms) == names
    assert torch.isclose(total, sum(terms.values()))
    for name in names:
        lighter, kept = training_loss(prediction, pair, dataclasses.replace(everything, **{name: 0.0}))
        assert set(kept) == names - {name}
        assert torch.isclose(total - lighter, terms[name], atol=1e-4)
    assert torch.isclose(terms["similarity"], lncc(pair.fixed, warp(pair.moving, prediction.displacement)))


def test_without_labels_truth_or_contrast_only_smoothness_is_left():
    network = RegistrationNetwork(NetworkConfig.from_preset("fast", channels=[4, 8], heads=[1, 2], depths=[2, 2]))
    image = torch.rand(1, 1, 16, 16, 16)
    _, terms = training_loss(network(image, image), TrainingPair(image, image, same_contrast=False), LossWeights())
    assert set(terms) == {"smoothness"}


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    assert rate_factor(0, 100, 10) == pytest.approx(0.1)
    assert rate_factor(10, 100, 10) == pytest.approx(1.0)
    assert rate_factor(55, 100, 10) == pytest.approx(0.505)
    assert rate_factor(100, 100, 10) == pytest.approx(0.01)


def test_two_processes_see_the_pairs_of_one_with_twice_the_batch():
    device = torch.device("cpu")
    for step in range(3):
        apart = [index for rank in (0, 1) for index in Workers(rank, 2, device).indices(step, 2)]
        assert apart == list(Workers(0, 1, device).indices(step, 4))


@pytest.fixture
def cases(tmp_path):
    """A data list of three training and two validation cases: balls of two sizes with texture, on turned axes."""
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, 0.0, 0.4)
    entries = []
    for number in range(5):
        rng = np.random.default_rng(number)
        grid = np.stack(np.meshgrid(*(np.arange(n) - n / 2 for n in (18, 20, 22)), indexing="ij"))
        offset = rng.uniform(-1, 1, 3).reshape(3, 1, 1, 1)
        distance = np.linalg.norm(grid - offset, axis=0) / rng.uniform(0.9, 1.1)
        labels = np.where(distance < 4, 2, np.where(distance < 7, 1, 0)).astype(np.uint8)
        for part, array in (("image", 100.0 * labels + 20 * np.sin(grid[0] / 3)), ("labels", labels)):
            volume = sitk.GetImageFromArray(array.astype(np.float32 if part == "image" else np.uint8))
            volume.SetSpacing((1.0, 1.2, 1.6))
            volume.SetDirection(turn.GetMatrix())
            sitk.WriteImage(volume, str(tmp_path / f"{part}{number}.nii.gz"))
        split = "train" if number < 3 else "validation"
        entries.append(
            {"id": f"c{number}", "split": split, "image": f"image{number}.nii.gz", "labels": f"labels{number}.nii.gz"}
        )
    path = tmp_path / "list.json"
    path.write_text(
        json.dumps({"name": "balls", "structures": {"1": "wall", "2": "core"}, "cases": entries}), encoding="utf-8"
    )
    return path


def test_training_on_a_data_list_validates_with_the_pipeline_and_logs(tmp_path, cases):
    config = tiny(
        tmp_path / "out",
        steps=2,
        data=DataOptions(list=cases, masks=1.0),
        validation=ValidationOptions(every=2, pairs=1),
        loss=LossWeights(),
    )
    result = train(config)
    assert 0 < result["best"] <= 1
    assert load_network(tmp_path / "out" / "best.safetensors").config.channels == (4, 8)
    assert len(list((tmp_path / "out" / "pairs").glob("*.safetensors"))) == 6
    events = EventAccumulator(str(tmp_path / "out" / "log")).Reload()
    assert {"train/loss", "train/contour", "validation/dice", "validation/dice affine"} <= set(events.Tags()["scalars"])
    assert events.Tags()["images"] == ["fixed, moving, warped"]


def test_prepared_pairs_are_aligned_and_on_the_fixed_grid(tmp_path, cases):
    data = read_data_list(cases)
    fixed, moving = data.pairs_of("train")[0]
    tensors = prepare_pair(data, fixed, moving, 2_000_000)
    assert tuple(tensors["spacing"].tolist()) == pytest.approx((1.6, 1.2, 1.0))
    assert tensors["fixed_labels"].shape == (1, 2, *tensors["fixed"].shape[2:])
    own = sitk.GetArrayFromImage(sitk.ReadImage(str(fixed.labels)))
    assert tensors["fixed_labels"][0, 1].sum().item() == pytest.approx((own == 2).sum(), rel=0.02)

    def overlap(a, b):
        return float(2 * torch.minimum(a, b).sum() / (a + b).sum())

    aligned = overlap(tensors["fixed_labels"].float(), tensors["moving_labels"].float())
    lying = [sitk.GetArrayFromImage(sitk.ReadImage(str(case.labels))) > 0 for case in (fixed, moving)]
    assert aligned > 2 * (lying[0] & lying[1]).sum() / (lying[0].sum() + lying[1].sum())


def test_pairs_without_masks_are_drawn_when_masks_are_switched_off(tmp_path, cases):
    config = tiny(tmp_path / "out", data=DataOptions(list=cases, masks=0.0, pairs=2))
    pairs = ListPairs(read_data_list(cases), config)
    drawn = [pairs[index] for index in range(6)]
    assert all(pair.fixed_masks is None and pair.fixed_labels is not None for pair in drawn)
    assert len(list((tmp_path / "out" / "pairs").iterdir())) <= 2


def test_a_list_without_training_pairs_is_refused(tmp_path, cases):
    content = json.loads(cases.read_text(encoding="utf-8"))
    for case in content["cases"]:
        case["split"] = "test"
    cases.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"list\.json has no training pairs"):
        train(tiny(tmp_path / "out", data=DataOptions(list=cases)))


def test_validation_on_synthetic_pairs_uses_pairs_that_are_never_trained_on(tmp_path):
    config = tiny(tmp_path, steps=1, save_every=1, validation=ValidationOptions(every=1, pairs=1))
    result = train(config)
    assert 0 < result["best"] <= 1


def test_random_deformations_change_the_moving_side_of_a_pair_and_leave_the_fixed_side(tmp_path, cases):
    still = ListPairs(read_data_list(cases), tiny(tmp_path / "out", data=DataOptions(list=cases, masks=0.0)))
    limits = DeformationRange(0.5, 0.05, 0.05, 0.03)
    bent = ListPairs(
        read_data_list(cases), tiny(tmp_path / "out", data=DataOptions(list=cases, masks=0.0, deformation=limits))
    )
    assert torch.equal(still[0].fixed_labels, bent[0].fixed_labels)
    assert not torch.allclose(still[0].moving_labels, bent[0].moving_labels, atol=0.1)


def test_contours_follow_the_random_deformation_of_their_volume(tmp_path, cases):
    limits = DeformationRange(0.5, 0.05, 0.05, 0.03)
    config = tiny(
        tmp_path / "out", data=DataOptions(list=cases, masks=0.0, deformation=limits), loss=LossWeights(contour=0.1)
    )
    pair = ListPairs(read_data_list(cases), config)[0]
    still = ListPairs(read_data_list(cases), tiny(tmp_path / "out", data=DataOptions(list=cases, masks=0.0)))[0]

    def off_the_border(contours):
        places = (contours.points[1][:-1] / torch.tensor(pair.spacing)).T[None, :, :, None, None]
        return float((sample(pair.moving_labels[:, 1:], places) - 0.5).abs().mean())

    assert off_the_border(pair.moving_contours) < 0.15 < 0.25 < off_the_border(still.contours()[1])
    assert torch.equal(pair.fixed_contours.points[0], still.contours()[0].points[0])
    assert pair.contours() == (pair.fixed_contours, pair.moving_contours)


def test_the_heads_of_a_level_learn_at_one_rate(tmp_path):
    network = RegistrationNetwork(NetworkConfig.from_preset("fast"))
    shares = {id(p): group.get("rate_share", 1.0) for group in _groups(network) for p in group["params"]}
    assert len(shares) == len(list(network.parameters()))
    for number, level in enumerate(network.levels):
        heads = [*level.head.parameters(), *level.match_head.parameters()]
        assert {shares[id(parameter)] for parameter in heads} == {1 / (2 * 2**number)}


def test_pairs_that_lie_as_they_should_are_prepared_as_they_lie(tmp_path, cases):
    data = read_data_list(cases)
    fixed, moving = data.pairs_of("train")[0]
    tensors = prepare_pair(data, fixed, moving, 2_000_000, kind="none")
    own = sitk.GetArrayFromImage(sitk.ReadImage(str(moving.labels)))
    assert np.array_equal(tensors["moving_labels"][0, 1].numpy() > 0.5, own == 2)


def test_images_that_smoothing_left_slightly_below_zero_stay_numbers(tmp_path, cases):
    config = tiny(tmp_path / "out", data=DataOptions(list=cases, masks=0.0))
    pairs = ListPairs(read_data_list(cases), config)
    pairs.prepare(Job())
    for path in (tmp_path / "out" / "pairs").glob("*.safetensors"):
        tensors = load_file(path)
        tensors["fixed"] -= 1e-3
        save_file(tensors, path)
    assert all(torch.isfinite(pairs[index].fixed).all() for index in range(4))
