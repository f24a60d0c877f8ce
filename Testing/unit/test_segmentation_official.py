"""Official checkpoints: a tiny model of the package segment-anything stands in for ViT-B, L and H."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sam_oracle
import torch
from safetensors.torch import save_file
from SAMRegistrationLib.errors import InputError, WeightsError
from SAMRegistrationLib.segmentation.models import open_predictor
from SAMRegistrationLib.segmentation.official import OfficialPredictor
from SAMRegistrationLib.segmentation.sam.checkpoint import load_sam
from SAMRegistrationLib.segmentation.session import SegmentationSession
from SAMRegistrationLib.weights import find
from segmentation_samples import body, oblique_grid, picture, world

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))
import official_sizes

SIZE = 128


def tiny_sam():
    modeling = sam_oracle.modeling()
    torch.manual_seed(3)
    grid = SIZE // 16
    encoder = modeling.ImageEncoderViT(
        img_size=SIZE,
        patch_size=16,
        embed_dim=24,
        depth=3,
        num_heads=2,
        mlp_ratio=4,
        out_chans=32,
        qkv_bias=True,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        global_attn_indexes=(1,),
        window_size=5,
    )
    prompts = modeling.PromptEncoder(32, (grid, grid), (SIZE, SIZE), 16)
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=32, num_heads=8, mlp_dim=64)
    decoder = modeling.MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=32)
    sam = modeling.Sam(
        encoder, prompts, decoder, pixel_mean=[123.675, 116.28, 103.53], pixel_std=[58.395, 57.12, 57.375]
    )
    for parameter in sam.image_encoder.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return sam.eval()


@pytest.fixture(scope="module")
def sam():
    return tiny_sam()


@pytest.fixture(scope="module")
def checkpoint(sam, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(sam.state_dict(), path)
    return path


def random_slice(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width)).astype(np.uint8)


def test_the_architecture_is_read_from_the_checkpoint(sam, checkpoint):
    loaded = load_sam(checkpoint)
    assert [block.side for block in loaded.image_encoder.blocks] == [5, SIZE // 16, 5]
    assert loaded.image_encoder.blocks[0].attn.heads == 2
    x = torch.rand(1, 3, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(loaded.image_encoder(x), sam.image_encoder(x), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (96, SIZE), (SIZE, 70)])
@pytest.mark.parametrize("several", [False, True])
def test_masks_and_scores_equal_those_of_segment_anything_itself(sam, checkpoint, shape, several):
    gray = random_slice(*shape)
    reference = sam_oracle.Predictor(sam, gray)
    points = np.array([[40.0, 30.0], [12.0, 60.0]] if several else [[40.0, 30.0]])
    labels = np.array([1, 0] if several else [1])
    box = np.array([10.0, 8.0, 60.0, 66.0]) if several else None
    masks, scores, low_res = reference.predict(points, labels, box, several=not several)

    predictor = OfficialPredictor(checkpoint)
    ours = predictor.predict(predictor.embed(gray.astype(np.float32) / 255), points, labels, box)
    count = len(scores)
    assert ours.masks.shape == (4 if several else 3, *shape)
    np.testing.assert_allclose(ours.masks[:count], masks, atol=1e-4)
    np.testing.assert_allclose(ours.scores[:count], scores, atol=1e-4)
    np.testing.assert_allclose(ours.low_res_logits[:count], low_res, atol=1e-4)


def test_the_previous_logits_go_in_as_mask_prompt(sam, checkpoint):
    gray = random_slice(SIZE, SIZE)
    points, labels = np.array([[40.0, 30.0], [90.0, 60.0]]), np.array([1, 0])
    reference = sam_oracle.Predictor(sam, gray)
    first = reference.predict(points[:1], labels[:1])[2]
    masks, _, _ = reference.predict(points, labels, logits=first[:1], several=False)

    predictor = OfficialPredictor(checkpoint)
    embedding = predictor.embed(gray.astype(np.float32) / 255)
    ours = predictor.predict(embedding, points, labels, None, first[0])
    np.testing.assert_allclose(ours.masks[:1], masks, atol=1e-4)


def test_pixels_that_are_not_square_are_scaled_to_their_true_shape(checkpoint):
    predictor = OfficialPredictor(checkpoint)
    embedding = predictor.embed(np.zeros((10, 50), np.float32), pixel_size=(4.0, 1.0))
    assert embedding.letterbox.inside == (102, 128)
    assert predictor.predict(embedding, [[25, 5]], [1]).masks.shape == (3, 10, 50)
    assert embedding.nbytes == 32 * 8 * 8 * 4


def test_medsam_gets_stretched_slices_in_zero_to_one_and_answers_with_one_mask(sam, checkpoint, tmp_path):
    path = tmp_path / "medsam_vit_b.pth"
    path.write_bytes(checkpoint.read_bytes())
    predictor = OfficialPredictor(path)
    image = np.random.default_rng(2).random((40, 60)).astype(np.float32)
    embedding = predictor.embed(image, pixel_size=(2.0, 1.0))
    tensor = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None], (SIZE, SIZE), mode="bilinear", antialias=True
    )
    tensor = (tensor - image.min()) / (image.max() - image.min())
    with torch.no_grad():
        expected = sam.image_encoder(tensor.expand(-1, 3, -1, -1))
    torch.testing.assert_close(embedding.features, expected, atol=1e-4, rtol=1e-4)
    assert predictor.predict(embedding, np.zeros((0, 2)), np.zeros(0), [5, 5, 30, 30]).masks.shape == (1, 40, 60)


def test_a_checkpoint_may_be_safetensors_or_wrapped_by_a_trainer(sam, tmp_path):
    save_file({name: value.contiguous() for name, value in sam.state_dict().items()}, str(tmp_path / "a.safetensors"))
    torch.save({"model": {f"module.{k}": v for k, v in sam.state_dict().items()}, "epoch": 3}, tmp_path / "b.pth")
    for name in ("a.safetensors", "b.pth"):
        predictor = open_predictor(str(tmp_path / name), "cpu")
        assert isinstance(predictor, OfficialPredictor)
        assert predictor.name == name[0]


class Nasty:
    def __reduce__(self):
        return (Path.touch, (Path("was-executed"),))


def test_a_pickle_that_runs_code_is_never_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"model": Nasty()}, tmp_path / "nasty.pth")
    with pytest.raises(WeightsError, match="more than weights"):
        load_sam(tmp_path / "nasty.pth")
    assert not (tmp_path / "was-executed").exists()


def test_truncated_foreign_and_missing_files_each_give_one_sentence(checkpoint, tmp_path):
    (tmp_path / "short.pth").write_bytes(checkpoint.read_bytes()[:2000])
    with pytest.raises(WeightsError, match="damaged"):
        load_sam(tmp_path / "short.pth")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "foreign.pth")
    with pytest.raises(WeightsError, match="no SAM checkpoint"):
        load_sam(tmp_path / "foreign.pth")
    (tmp_path / "text.pth").write_text("not weights at all", encoding="utf-8")
    with pytest.raises(WeightsError):
        load_sam(tmp_path / "text.pth")
    with pytest.raises(WeightsError, match="There is no weights file"):
        load_sam(tmp_path / "absent.pth")


def test_models_are_opened_by_name_or_file_and_unknown_names_are_told(tmp_path):
    with pytest.raises(WeightsError, match="sam-vit-b are not installed"):
        open_predictor("sam-vit-b", "cpu", tmp_path)
    with pytest.raises(InputError, match="There is no model 'sam-vit-x'"):
        open_predictor("sam-vit-x", "cpu", tmp_path)


def test_a_click_on_an_oblique_volume_goes_through_the_real_model(checkpoint):
    grid = oblique_grid()
    session = SegmentationSession(picture(grid, body(grid, (18, 17, 7), (12, 14, 20))), OfficialPredictor(checkpoint))
    structure = session.add_structure("body")
    session.add_point(structure.id, world(grid, 18, 17, 7))
    session.add_point(structure.id, world(grid, 2, 2, 7), positive=False)
    mask = session.mask(structure.id)
    assert mask[7, 17, 18] == 1
    assert mask[7, 2, 2] == 0
    session.close()


def test_a_random_official_model_goes_from_download_to_volume(monkeypatch, capsys):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    threads = torch.get_num_threads()
    try:
        assert official_sizes.main(["--size", "tiny", "--threads", "1"]) == 0
    finally:
        torch.set_num_threads(threads)
    assert "tiny:" in capsys.readouterr().out


def test_the_shapes_of_the_benchmark_are_those_of_the_published_files():
    for size in ("b", "l", "h"):
        with torch.device("meta"):
            count = sum(
                value.numel() for value in official_sizes.random_sam(official_sizes.SHAPES[size]).state_dict().values()
            )
        assert 4 * count == pytest.approx(find(f"sam-vit-{size}").size, rel=1e-3)
