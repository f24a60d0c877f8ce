"""The compact SAM: its network, its prompt maps and its weights file."""

import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from SAMRegistrationLib.errors import WeightsError
from SAMRegistrationLib.segmentation.compact.decoder import click_similarity
from SAMRegistrationLib.segmentation.compact.model import (
    CompactConfig,
    CompactSam,
    load_compact_sam,
    save_compact_sam,
)
from SAMRegistrationLib.segmentation.compact.predictor import BUILT_IN_WEIGHTS
from SAMRegistrationLib.segmentation.compact.prompts import Guide, Prompts, make_guide, prompt_maps
from SAMRegistrationLib.segmentation.compact.quality import QualityHead, look

TINY = CompactConfig(64, (8, 8, 16, 16), dim=64, heads=4, depth=1, mlp=32, vit=(32, 32, 32, 32))
POSITIVE, NEGATIVE = (2, 3), (7, 8)  # channels of the prompt maps that hold geodesic distances


@pytest.fixture
def sam():
    torch.manual_seed(0)
    return CompactSam(TINY).eval()


def prompts(*clicks, boxes=None, logits=None):
    points = torch.tensor([[click[:2] for click in clicks]], dtype=torch.float32)
    return Prompts(points, torch.tensor([[click[2] for click in clicks]]), boxes, logits)


def answer(model, image, *clicks):
    with torch.no_grad():
        return model.decode(model.encode(image), prompts(*clicks))


def test_stored_weights_give_the_same_answers_and_bring_their_configuration(sam, tmp_path):
    image = torch.rand(1, 1, 64, 64)
    save_compact_sam(sam, tmp_path / "sam.safetensors", {"seed": "5"})
    loaded = load_compact_sam(tmp_path / "sam.safetensors")
    assert loaded.config == TINY
    loaded.short_floats = False
    for ours, theirs in zip(answer(sam, image, (20, 30, 1)), answer(loaded, image, (20, 30, 1))):
        assert torch.allclose(ours, theirs, atol=0.02)


def test_short_floats_change_the_built_in_masks_next_to_nothing():
    sam = load_compact_sam(BUILT_IN_WEIGHTS)
    sam.resize(96)  # where a processor lacks the instructions, short floats take twenty times as long
    y, x = torch.meshgrid(*[torch.arange(96.0)] * 2, indexing="ij")
    disk = (x - 45).square() + (y - 38).square() < 20**2
    image = (0.3 + 0.4 * disk + 0.03 * torch.randn(96, 96, generator=torch.Generator().manual_seed(1)))[None, None]
    masks = []
    for sam.short_floats in (False, True):
        logits, quality = answer(sam, image.clamp(0, 1), (42, 40, 1))
        assert logits.dtype == quality.dtype == torch.float32
        masks.append(logits[0, 0] > 0)
    exact, short = masks
    assert (exact & short).sum() > 0.98 * (exact | short).sum() > 0


@pytest.mark.parametrize("damage", ["missing", "truncated", "pickle", "foreign", "other version"])
def test_weights_that_cannot_be_used_give_one_sentence(sam, tmp_path, damage):
    path = tmp_path / "sam.safetensors"
    save_compact_sam(sam, path)
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "pickle":
        path.write_bytes(pickle.dumps({"weights": [1, 2]}))
    elif damage == "foreign":
        save_file({"weight": torch.zeros(3)}, str(path))
    else:
        save_compact_sam(sam, path, {"config": '{"size": 64, "layers": 7}'})
    with pytest.raises(WeightsError) as error:
        load_compact_sam(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_no_weight_depends_on_the_size_of_the_slices(sam):
    before = {name: value.shape for name, value in sam.state_dict().items()}
    sam.resize(128)
    logits, _ = answer(sam, torch.rand(1, 1, 128, 128), (100, 30, 1))
    assert logits.shape == (1, 4, 64, 64)
    assert {name: value.shape for name, value in sam.state_dict().items()} == before


def test_prompts_of_a_batch_do_not_influence_each_other(sam):
    images = torch.rand(2, 1, 64, 64)
    points = torch.tensor([[[10.0, 50.0], [30.0, 9.0]], [[40.0, 20.0], [0.0, 0.0]], [[5.0, 6.0], [60.0, 2.0]]])
    labels = torch.tensor([[1, 0], [1, -1], [1, 1]])
    owner = torch.tensor([0, 1, 1])
    with torch.no_grad():
        together, quality = sam.decode(sam.encode(images).select(owner), Prompts(points, labels))
        for n in range(3):
            alone = sam.decode(sam.encode(images[owner[n]][None]), Prompts(points[n : n + 1], labels[n : n + 1]))
            assert torch.allclose(together[n], alone[0][0], atol=1e-4)
            assert torch.allclose(quality[n], alone[1][0], atol=1e-4)


def test_features_that_are_kept_give_the_answers_of_the_image(sam):
    image = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        kept = sam.decode(sam.encode(image, sam.encoder.vit_features(image)), prompts((20, 30, 1)))
    for ours, theirs in zip(answer(sam, image, (20, 30, 1)), kept):
        assert torch.equal(ours, theirs)


def test_the_expected_quality_looks_at_each_mask_alone():
    torch.manual_seed(0)
    head = QualityHead(6, 8)
    features, tokens, logits = torch.randn(2, 6, 16, 16), torch.randn(2, 3, 8), 4 * torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        together = head(look(features, tokens, logits))
        for n in range(2):
            for k in range(3):
                alone = head(look(features[n : n + 1], tokens[n : n + 1, k : k + 1], logits[n : n + 1, k : k + 1]))
                assert float(alone) == pytest.approx(float(together[n, k]), abs=1e-5)
        inside = features.clone()
        inside[:, :, 4:12, 4:12] += 1
        square = torch.full((2, 3, 32, 32), -20.0)
        square[:, :, 10:22, 10:22] = 20
        assert (head(look(features, tokens, square)) - head(look(inside, tokens, square))).abs().min() > 1e-4
        away = features.clone()
        away[:, :, :2, :2] += 5
        assert torch.allclose(head(look(features, tokens, square)), head(look(away, tokens, square)), atol=1e-5)


def test_each_kind_of_prompt_changes_the_answer(sam):
    encoded = sam.encode(torch.rand(1, 1, 64, 64))
    click = (20.0, 30.0, 1)
    variants = [
        prompts(click),
        prompts((40.0, 30.0, 1)),
        prompts(click, (50.0, 50.0, 0)),
        prompts(click, boxes=torch.tensor([[10.0, 20.0, 30.0, 40.0]])),
        prompts(click, logits=torch.full((1, 1, 32, 32), -5.0)),
    ]
    with torch.no_grad():
        answers = [sam.decode(encoded, variant)[0] for variant in variants]
    for k, first in enumerate(answers):
        for second in answers[k + 1 :]:
            assert (first - second).abs().max() > 1e-4


def test_a_gradient_reaches_every_weight_but_those_of_the_borrowed_encoder(sam):
    everything = prompts((20.0, 30.0, 1), (5.0, 5.0, 0), (0, 0, -1), boxes=torch.tensor([[10.0, 20.0, 30.0, 40.0]]))
    masked = prompts((20.0, 30.0, 1), logits=torch.randn(1, 1, 32, 32))
    encoded = sam.encode(torch.rand(1, 1, 64, 64))
    loss = sum(part.square().sum() for given in (everything, masked) for part in sam.decode(encoded, given))
    loss.backward()
    without = {name for name, weight in sam.named_parameters() if weight.grad is None}
    assert without == {f"encoder.vit.{name}" for name, _ in sam.encoder.vit.named_parameters()}


def test_geodesic_distance_is_euclidean_where_the_image_is_flat_and_longer_across_an_edge():
    flat = make_guide(torch.full((1, 1, 128, 128), 0.5))
    x = torch.arange(64.0)
    away = ((x[None] - 20) ** 2 + (x[:, None] - 40) ** 2).sqrt()
    near = prompt_maps(flat, prompts((2 * 20 + 0.5, 2 * 40 + 0.5, 1)))[0, POSITIVE[0]]
    assert (near - torch.exp(-away / 16)).abs().max() < 0.05
    walled = torch.full((1, 1, 128, 128), 0.2)
    walled[..., 64:] = 0.9
    walled = prompt_maps(make_guide(walled), prompts((2 * 20 + 0.5, 2 * 40 + 0.5, 1)))[0, POSITIVE[0]]
    assert walled[40, 40] < 0.2 * near[40, 40]
    assert walled[40, 10] == pytest.approx(float(near[40, 10]), abs=0.02)


def test_geodesic_distance_goes_around_a_wall_as_dijkstra_does():
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    cost = torch.ones(1, 1, 24, 24)
    cost[..., :18, 12] = 100.0
    near = prompt_maps(Guide(torch.zeros_like(cost), cost), prompts((2 * 6 + 0.5, 2 * 6 + 0.5, 1)))[0, POSITIVE[1]]
    weights = cost[0, 0].numpy()
    edges = [
        (r * 24 + c, (r + dr) * 24 + c + dc, np.hypot(dr, dc) * (weights[r, c] + weights[r + dr, c + dc]) / 2)
        for r in range(24)
        for c in range(24)
        for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1))
        if r + dr < 24 and 0 <= c + dc < 24
    ]
    rows, columns, values = zip(*edges)
    graph = coo_matrix((values, (rows, columns)), shape=(576, 576)).tocsr()
    shortest = dijkstra(graph, directed=False, indices=6 * 24 + 6).reshape(24, 24)
    behind = -40 * np.log(float(near[6, 20]))
    assert behind == pytest.approx(shortest[6, 20], rel=0.12)


def test_filling_clicks_leave_no_trace_in_the_maps():
    guide = make_guide(torch.rand(1, 1, 64, 64))
    bare = prompt_maps(guide, prompts((20, 30, 1)))
    filled = prompt_maps(guide, prompts((20, 30, 1), (0, 0, -1)))
    assert torch.equal(bare, filled)
    assert not bare[:, 5:10].any()  # nothing negative was clicked


def test_a_click_is_most_similar_to_its_own_place():
    keys = torch.nn.functional.normalize(torch.randn(1, 8, 16, 16), dim=1)
    positive, negative = click_similarity(keys, prompts((4 * 9 + 1, 4 * 3 + 1, 1)))[0]
    assert divmod(int(positive.argmax()), 16) == (3, 9)
    assert float(positive.max()) == pytest.approx(1, abs=1e-5)
    assert not negative.any()
