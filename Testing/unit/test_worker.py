"""The worker thread: order, outcomes on the polling thread, cancel, abandon."""

import threading
import time

import pytest
from SAMRegistrationLib.errors import Canceled
from SAMRegistrationLib.worker import Worker


@pytest.fixture
def worker():
    worker = Worker()
    yield worker
    worker.close()


def finish(worker):
    end = time.monotonic() + 20
    while worker.busy:
        assert time.monotonic() < end
        worker.poll()
        time.sleep(0.002)


def test_work_runs_in_order_on_one_thread_and_outcomes_arrive_on_the_polling_thread(worker):
    seen, delivered = [], []
    for number in range(5):
        worker.submit(
            lambda job, number=number: seen.append((number, threading.get_ident())),
            done=lambda _: delivered.append(threading.get_ident()),
        )
    finish(worker)
    assert [number for number, _ in seen] == [0, 1, 2, 3, 4]
    assert {ident for _, ident in seen} != {threading.get_ident()}
    assert len({ident for _, ident in seen}) == 1
    assert set(delivered) == {threading.get_ident()}


def test_an_error_is_delivered_and_the_next_work_runs(worker):
    errors, results = [], []
    worker.submit(lambda job: 1 / 0, failed=errors.append)
    worker.submit(lambda job: 7, done=results.append)
    finish(worker)
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert results == [7]


def test_a_canceled_task_fails_with_canceled_even_when_it_ended_by_itself(worker):
    errors, results, started = [], [], threading.Event()
    go_on = threading.Event()
    task = worker.submit(lambda job: (started.set(), go_on.wait(10)), results.append, errors.append)
    assert started.wait(10)
    task.cancel()
    go_on.set()
    finish(worker)
    assert results == []
    assert [type(error) for error in errors] == [Canceled]


def test_canceled_work_that_waits_behind_other_work_never_begins_and_says_so_at_once(worker):
    order, go_on = [], threading.Event()
    worker.submit(lambda job: go_on.wait(10), lambda _: order.append("first"))
    waiting = worker.submit(lambda job: order.append("begun"), None, lambda error: order.append(type(error)))
    waiting.cancel()
    worker.poll()
    assert order == [Canceled]
    assert waiting.finished
    go_on.set()
    finish(worker)
    assert order == [Canceled, "first"]


def test_nothing_of_an_abandoned_task_is_delivered(worker):
    delivered, started, go_on = [], threading.Event(), threading.Event()

    def work(job):
        started.set()
        go_on.wait(10)
        job.update(0.5, "half")

    worker.submit(work, delivered.append, delivered.append, lambda *_: delivered.append("progress"))
    assert started.wait(10)
    worker.abandon_all()
    go_on.set()
    finish(worker)
    assert delivered == []


def test_closing_waits_until_the_present_work_has_stopped(worker):
    started, threads = threading.Event(), []

    def work(job):
        threads.append(threading.current_thread())
        started.set()
        while True:
            job.check()
            time.sleep(0.01)

    worker.submit(work)
    assert started.wait(10)
    worker.close()
    assert not threads[0].is_alive()


def test_the_latest_progress_is_delivered_before_the_result(worker):
    order, ended = [], threading.Event()

    def work(job):
        job.update(0.2, "first")
        job.update(0.9, "last")
        ended.set()
        return "result"

    worker.submit(work, order.append, None, lambda fraction, message: order.append(message))
    assert ended.wait(10)
    finish(worker)
    assert order == ["last", "result"]
