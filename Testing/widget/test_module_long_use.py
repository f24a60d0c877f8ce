"""Long use in one process: memory, threads, open files, nodes and the cache of embeddings stay flat.

A few rounds, or by ``make nightly`` 300 clicks, 30 registrations and 10 sequences. Sequences are computed; clicks and
registrations have quick answers, and by ``make nightly`` a second test computes them.
"""

import os

import module_life
import pytest
from long_use import held, one_round
from module_cine import cine_nodes
from module_panel import choose
from SAMRegistrationLib import engine
from SAMRegistrationLib.segmentation import slice_segmenter
from SAMRegistrationLib.segmentation.cache import EmbeddingCache
from unit.segmentation_samples import FloodPredictor

NIGHTLY = bool(os.environ.get("SAMREGISTRATION_NIGHTLY"))
ROUNDS, CLICKS, REGISTRATIONS = (10, 30, 3) if NIGHTLY else (3, 6, 2)
MEMORY = 48 * 2**20  # bytes that may come on top of what there is after the first third
OBJECTS = 3000  # of Python, likewise
LIMIT = 24 * 2**20  # bytes of embeddings, few enough to be reached


@pytest.fixture
def long_used(panel, a_pair, monkeypatch, capsys):
    """A function that runs the rounds and gives what the process held after each."""
    monkeypatch.setattr(slice_segmenter, "EmbeddingCache", lambda compute, limit: EmbeddingCache(compute, LIMIT))
    choose(panel, a_pair)
    panel.ui.deviceCombo.setCurrentIndex(1)
    sequence = cine_nodes(panel.logic)

    def run(sequences):
        seen = []
        for number in range(ROUNDS):
            one_round(panel, sequence, CLICKS, REGISTRATIONS, sequences, number)
            seen.append(held(panel))
            with capsys.disabled():
                print(f"\n{number + 1}: {seen[-1]}", end="", flush=True)
        return seen

    return run


def check_flat(seen):
    warm, later = seen[ROUNDS // 3 - 1], seen[ROUNDS // 3 :]
    for name, more in (("memory", MEMORY), ("threads", 0), ("files", 0), ("nodes", 0), ("objects", OBJECTS)):
        assert max(getattr(one, name) for one in later) <= getattr(warm, name) + more, name
    assert max(one.caches for one in seen) <= 2
    assert max(one.embeddings for one in seen) <= 2 * LIMIT


def test_long_use_leaves_nothing_behind(panel, long_used, monkeypatch):
    monkeypatch.setattr(panel.logic, "openPredictor", lambda model, device: FloodPredictor(), raising=False)
    monkeypatch.setattr(engine, "register", module_life.known_result)
    check_flat(long_used(sequences=1))


@pytest.mark.skipif(not NIGHTLY, reason="takes a quarter of an hour")
def test_long_computing_leaves_nothing_behind(long_used):
    check_flat(long_used(sequences=0))
