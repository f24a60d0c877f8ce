"""Embeddings are computed once, kept within a limit, and prepared in the background."""

import threading
from typing import NamedTuple

import pytest
from SAMRegistrationLib.errors import Canceled
from SAMRegistrationLib.segmentation.cache import EmbeddingCache


class Thing(NamedTuple):
    key: int
    nbytes: int = 100


class Counter:
    def __init__(self):
        self.computed = []
        self.threads = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def __call__(self, key):
        self.computed.append(key)
        self.threads.append(threading.current_thread())
        self.started.set()
        assert self.gate.wait(20)
        return Thing(key)


@pytest.fixture
def counter():
    counter = Counter()
    yield counter
    counter.gate.set()


def wait_for(cache, *keys):
    for key in keys:
        cache.get(key)


def test_an_embedding_is_computed_once(counter):
    cache = EmbeddingCache(counter)
    assert cache.get(3) is cache.get(3)
    assert counter.computed == [3]


def test_the_limit_holds_and_the_least_recently_used_go_first(counter):
    cache = EmbeddingCache(counter, limit=250)
    cache.get(1), cache.get(2), cache.get(1), cache.get(3)
    assert cache.nbytes == 200
    assert [key in cache for key in (1, 2, 3)] == [True, False, True]


def test_one_embedding_larger_than_the_limit_is_still_kept(counter):
    cache = EmbeddingCache(counter, limit=10)
    cache.get(1), cache.get(2)
    assert 1 not in cache
    assert 2 in cache


def test_neighbors_are_prepared_on_another_thread():
    threads, finished = [], threading.Event()

    def compute(key):
        threads.append((key, threading.current_thread()))
        if key == 5:
            finished.set()
        return Thing(key)

    cache = EmbeddingCache(compute)
    cache.prefetch([4, 5])
    assert finished.wait(20)
    assert [key for key, _ in threads] == [4, 5]
    assert threading.current_thread() not in [thread for _, thread in threads]
    cache.close()


def test_a_slice_being_prepared_is_awaited_and_not_computed_twice(counter):
    counter.gate.clear()
    cache = EmbeddingCache(counter)
    cache.prefetch([4])
    assert counter.started.wait(20)
    threading.Timer(0.05, counter.gate.set).start()
    assert cache.get(4).key == 4
    assert counter.computed == [4]
    cache.close()


def test_a_new_request_drops_those_not_yet_begun(counter):
    counter.gate.clear()
    cache = EmbeddingCache(counter)
    cache.prefetch([1, 2, 3])
    assert counter.started.wait(20)
    cache.prefetch([7])
    counter.gate.set()
    wait_for(cache, 7)
    assert counter.computed == [1, 7]
    cache.close()


def test_a_slice_that_waits_in_the_queue_is_computed_at_once_when_it_is_needed():
    gate = threading.Event()
    computed = []

    def compute(key):
        if key == 1:
            assert gate.wait(20)
        computed.append(key)
        return Thing(key)

    cache = EmbeddingCache(compute)
    cache.prefetch([1, 2])
    assert cache.get(2).key == 2
    assert computed == [2]
    gate.set()
    cache.get(1)
    assert computed == [2, 1]
    cache.close()


def test_an_error_in_the_background_is_raised_where_the_embedding_is_needed():
    def compute(key):
        raise RuntimeError("out of memory")

    cache = EmbeddingCache(compute)
    cache.prefetch([1])
    with pytest.raises(RuntimeError, match="out of memory"):
        cache.get(1)
    cache.close()


def test_waiting_for_an_embedding_can_be_canceled(counter):
    counter.gate.clear()
    cache = EmbeddingCache(counter)

    def check():
        raise Canceled()

    with pytest.raises(Canceled):
        cache.get(1, check)
    counter.gate.set()
    assert cache.get(1).key == 1
    assert counter.computed == [1]
