"""Our parts of Segment Anything's network give what those of the package segment-anything give, weight for weight."""

import subprocess
import sys

import pytest
import sam_oracle
import torch
from safetensors.torch import load_file
from SAMRegistrationLib.segmentation.compact.predictor import BUILT_IN_WEIGHTS
from SAMRegistrationLib.segmentation.sam.image_encoder import ImageEncoder
from SAMRegistrationLib.segmentation.sam.mask_decoder import MaskDecoder, MaskTokens
from SAMRegistrationLib.segmentation.sam.prompt_encoder import PromptEncoder
from SAMRegistrationLib.segmentation.sam.two_way import TwoWayTransformer

DIM, SIZE, STRIDE = 64, 96, 8
SIDE = SIZE // STRIDE
TOLERANCE = {"atol": 1e-5, "rtol": 1e-5}


def twins(reference, ours):
    """Both with the same weights, none of them at its initial value, in evaluation mode."""
    generator = torch.Generator().manual_seed(5)
    state = {
        name: value + 0.1 * torch.randn(value.shape, generator=generator)
        for name, value in reference.state_dict().items()
    }
    reference.load_state_dict(state)
    ours.load_state_dict(state)
    return reference.eval(), ours.eval()


def reference_prompts(size=SIZE, stride=STRIDE, dim=DIM):
    return sam_oracle.modeling().PromptEncoder(dim, (size // stride,) * 2, (size, size), 16)


def reference_decoder():
    modeling = sam_oracle.modeling()
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=DIM, num_heads=4, mlp_dim=96)
    return modeling.MaskDecoder(transformer_dim=DIM, transformer=transformer, iou_head_hidden_dim=48)


def prompts_of(count):
    torch.manual_seed(1)
    points = SIZE * torch.rand(count, 3, 2)
    labels = torch.tensor([[1, 0, -1]] * count)
    boxes = torch.tensor([[10.0, 20, 60, 90]] * count) + torch.arange(count)[:, None]
    return (points, labels), boxes, torch.randn(count, 1, 4 * SIDE, 4 * SIDE)


@pytest.mark.parametrize("given", [(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 1), (0, 1, 1)])
@torch.no_grad()
def test_clicks_boxes_and_masks_are_encoded_as_by_segment_anything(given):
    reference, ours = twins(reference_prompts(), PromptEncoder(DIM, SIZE, STRIDE))
    prompts = [part if wanted else None for part, wanted in zip(prompts_of(2), given)]
    for expected, found in zip(reference(*prompts), ours(*prompts)):
        torch.testing.assert_close(found, expected, **TOLERANCE)
    torch.testing.assert_close(ours.positions(), reference.get_dense_pe(), **TOLERANCE)


@torch.no_grad()
def test_prompts_in_slices_of_another_size_are_those_of_an_encoder_made_for_it():
    reference, ours = twins(reference_prompts(size=160), PromptEncoder(DIM, SIZE, STRIDE))
    ours.size = 160
    clicks, boxes, _ = prompts_of(1)
    torch.testing.assert_close(ours(clicks, boxes)[0], reference(clicks, boxes, None)[0], **TOLERANCE)
    assert ours(clicks)[1].shape == reference(clicks, None, None)[1].shape
    assert ours.mask_size == reference.mask_input_size[0]
    torch.testing.assert_close(ours.positions(), reference.get_dense_pe(), **TOLERANCE)


@torch.no_grad()
def test_tokens_and_features_leave_the_transformer_as_they_leave_segment_anythings():
    reference, ours = twins(reference_decoder().transformer, TwoWayTransformer(2, DIM, 4, 96))
    image, position, tokens = torch.randn(2, DIM, 5, 7), torch.randn(2, DIM, 5, 7), torch.randn(2, 6, DIM)
    expected_tokens, expected_image = reference(image, position, tokens)
    found_tokens, found_image = ours(image, position, tokens)
    torch.testing.assert_close(found_tokens, expected_tokens, **TOLERANCE)
    torch.testing.assert_close(found_image.flatten(2).transpose(1, 2), expected_image, **TOLERANCE)


@torch.no_grad()
def test_masks_and_their_quality_are_decoded_as_by_segment_anything():
    decoder = MaskDecoder(TwoWayTransformer(2, DIM, 4, 96), DIM, quality_width=48)
    reference, ours = twins(reference_decoder(), decoder)
    image, position = torch.randn(1, DIM, SIDE, SIDE), torch.randn(1, DIM, SIDE, SIDE)
    tokens, masks = torch.randn(1, 4, DIM), torch.randn(1, DIM, SIDE, SIDE)
    expected = reference.predict_masks(image, position, tokens, masks)
    for ours_is, it_is in zip(ours(image, position, tokens, masks), expected):
        torch.testing.assert_close(ours_is, it_is, **TOLERANCE)


@pytest.mark.parametrize(("grid", "window", "whole"), [(6, 4, (1,)), (5, 5, ())])
@torch.no_grad()
def test_features_are_encoded_as_by_segment_anything(grid, window, whole):
    reference = sam_oracle.modeling().ImageEncoderViT(
        img_size=8 * grid,
        patch_size=8,
        embed_dim=24,
        depth=3,
        num_heads=3,
        mlp_ratio=2,
        out_chans=16,
        use_rel_pos=True,
        window_size=window,
        global_attn_indexes=whole,
        norm_layer=lambda width: torch.nn.LayerNorm(width, eps=1e-6),
    )
    reach = [grid if number in whole else window for number in range(3)]
    reference, ours = twins(reference, ImageEncoder(grid, 8, 24, 3, reach, 48, 16))
    image = torch.randn(2, 3, 8 * grid, 8 * grid)
    torch.testing.assert_close(ours(image), reference(image), **TOLERANCE)


@torch.no_grad()
def test_the_built_in_weights_attend_as_in_segment_anything():
    state = load_file(str(BUILT_IN_WEIGHTS))
    shapes = {"dim": 128, "size": 256, "stride": 8}
    prompts = PromptEncoder(**shapes).eval()
    tokens = MaskTokens(TwoWayTransformer(2, 128, 8, 512), 128).eval()
    modeling = sam_oracle.modeling()
    transformer = modeling.TwoWayTransformer(depth=2, embedding_dim=128, num_heads=8, mlp_dim=512)
    reference = modeling.MaskDecoder(transformer_dim=128, transformer=transformer).eval()
    reference_encoder = reference_prompts(256, 8, 128).eval()
    del reference.output_upscaling, reference.iou_prediction_head
    for prefix, modules in (("decoder.prompts.", (prompts, reference_encoder)), ("decoder.sam.", (tokens, reference))):
        part = {name[len(prefix) :]: value.float() for name, value in state.items() if name.startswith(prefix)}
        for module in modules:
            module.load_state_dict(part)
    clicks = (torch.tensor([[[100.0, 60], [30, 200]]]), torch.tensor([[1, 0]]))
    sparse, dense = reference_encoder(clicks, None, torch.randn(1, 1, 128, 128))
    image = torch.randn(1, 128, 32, 32)
    own = torch.cat([reference.iou_token.weight, reference.mask_tokens.weight])[None]
    expected, _ = reference.transformer(image + dense, reference_encoder.get_dense_pe(), torch.cat([own, sparse], 1))
    _, found, _ = tokens.attend(image + dense, prompts.positions(), prompts(clicks)[0])
    torch.testing.assert_close(found, expected[:, 1:5], **TOLERANCE)
    kernels = [mlp(expected[:, 1 + k]) for k, mlp in enumerate(reference.output_hypernetworks_mlps)]
    torch.testing.assert_close(tokens.kernels(found), torch.stack(kernels, 1), **TOLERANCE)


def test_neither_segment_anything_nor_torchvision_is_imported_by_the_click_models():
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['segment_anything', 'torchvision']));"
        "import SAMRegistrationLib.segmentation.official, SAMRegistrationLib.training.clicks.teacher;"
        "from SAMRegistrationLib.segmentation.models import open_predictor; print(open_predictor().name)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.strip() == "compact", done.stderr
