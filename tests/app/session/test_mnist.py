import itertools
import threading

import numpy as np
import pytest

from app.session.mnist import Mnist
from nn.data.dataset import Dataset


@pytest.fixture
def ready(small_mnist):
    mnist = Mnist(small_mnist)
    mnist.load()
    mnist.wait()
    assert mnist.state == "ready"
    return mnist


def test_the_same_test_digit_is_not_shown_twice_in_a_row(ready):
    rng = np.random.default_rng(0)
    shown = [ready.random_test_place(rng) for _ in range(500)]
    assert all(one != other for one, other in itertools.pairwise(shown))
    assert len(set(shown)) > 90  # of a hundred
    ready.test = Dataset(ready.test.images[:1], ready.test.labels[:1])
    for _ in range(3):
        assert ready.random_test_place(rng) == 0


def test_what_is_there_is_not_fetched_again_and_one_thread_at_a_time_is_at_work(
    ready, small_mnist, monkeypatch
):
    ready.download()
    ready.load()
    assert ready.state == "ready"
    hold, begun = threading.Event(), []

    def slow(folder):
        begun.append(folder)
        hold.wait(300)
        return ready.train, ready.test

    monkeypatch.setattr("app.session.mnist.load_folder", slow)
    busy = Mnist(small_mnist)
    busy.load()
    busy.load()
    busy.download()
    assert busy.is_busy
    hold.set()
    busy.wait()
    assert begun == [small_mnist]


def test_an_empty_cache_is_data_that_is_missing_and_an_empty_folder_is_a_mistake(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for mnist, state in ((Mnist(), "missing"), (Mnist(tmp_path), "failed")):
        mnist.wait()  # for nothing
        assert mnist.random_test_place(np.random.default_rng(0)) is None
        mnist.load()
        mnist.wait()
        assert mnist.state == state
        assert str(tmp_path) in mnist.message


@pytest.mark.parametrize(
    ("error", "words"), [(MemoryError(), "not enough memory"), (ValueError("odd"), "odd")]
)
@pytest.mark.parametrize("work", ["load", "download"])
def test_whatever_ends_the_thread_is_said(tmp_path, monkeypatch, work, error, words):
    def fail(*given, **more):
        raise error

    monkeypatch.setattr("app.session.mnist.load_folder", fail)
    monkeypatch.setattr("nn.data.download.download_mnist", fail)
    mnist = Mnist(tmp_path)
    getattr(mnist, work)()
    mnist.wait()
    assert (mnist.state, mnist.is_busy) == ("failed", False)
    assert words in mnist.message
