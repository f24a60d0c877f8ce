"""Guides of a registration on CUDA, against the CPU."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from SAMRegistrationLib.geometry.grid import Grid
from SAMRegistrationLib.geometry.transforms import transform_points
from SAMRegistrationLib.points import PointList
from SAMRegistrationLib.registration import Guidance, RegistrationOptions, register

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine"),
]
GRID = Grid((48, 40, 24), (1.1, 1.4, 2.6), (12.0, -40.0, 7.5), (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1))


def a_volume(shift):
    """Blobs at random places, all shifted by so many mm along the first axis of the patient."""
    k, j, i = np.indices(GRID.shape)
    points = GRID.index_to_physical(np.stack([i, j, k], -1).reshape(-1, 3)) - [shift, 0, 0]
    random = np.random.default_rng(0)
    places = GRID.index_to_physical(random.uniform(0, 1, (60, 3)) * GRID.size)
    values = sum(
        height * np.exp(-((points - place) ** 2).sum(1) / 50) for place, height in zip(places, random.normal(0, 1, 60))
    )
    return GRID.image(values.reshape(GRID.shape).astype(np.float32))


def a_box(first, last):
    mask = np.zeros(GRID.shape, np.uint8)
    mask[tuple(slice(low, high) for low, high in zip(first, last))] = 1
    return GRID.image(mask)


def test_guides_lead_to_the_same_place_on_cuda():
    points = GRID.index_to_physical([[12, 20, 8], [30, 12, 14]])
    counterparts = np.add(points, [4.0, 1.0, 0.0])
    guidance = Guidance(
        PointList(points),
        PointList(counterparts),
        ignored_fixed=a_box((2, 25, 30), (8, 35, 42)),
        rigid=a_box((8, 18, 16), (15, 28, 26)),
    )
    everywhere = GRID.index_to_physical(np.random.default_rng(1).uniform(0.1, 0.9, (200, 3)) * GRID.size)
    found, maps = [], []
    for device in ("cpu", "cuda"):
        options = RegistrationOptions.preset(
            "balanced", prealignment="none", use_network=False, device=device, confidence=True, stiffness=1.5
        )
        result = register(a_volume(0.0), a_volume(3.0), options=options, guidance=guidance)
        found.append(transform_points(result.transform, everywhere))
        maps.append(sitk.GetArrayFromImage(result.disagreement))
        np.testing.assert_allclose(
            transform_points(result.transform, points), np.add(points, [4.0, 1.0, 0.0]), atol=0.5
        )
    assert np.linalg.norm(found[0] - found[1], axis=1).mean() < 0.05
    assert np.abs(maps[0] - maps[1]).mean() < 0.1
