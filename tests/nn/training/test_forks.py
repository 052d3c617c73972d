"""Forked copies do their share, tell what went wrong, and end when they are to."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from nn.support.errors import TrainingError
from nn.training import forks
from nn.training.forks import Forks, can_fork, shared
from tests.helpers.paths import ROOT
from tests.helpers.processes import children, is_alive, wait_until

pytestmark = pytest.mark.skipif(not can_fork(), reason="the system does not fork")


def told(number, *arguments):
    return number, os.getpid(), arguments


def fails(number, numbers):
    if number in numbers:
        raise ValueError(f"number {number} fails")
    return number


@pytest.fixture
def run_forks():
    """Forks that are ended, however the test ends."""
    made = []

    def fork(work, count):
        made.append(Forks(work, count))
        return made[-1]

    yield fork
    for each in made:
        each.end()


def test_each_does_its_part_in_a_process_of_its_own_but_for_the_first(run_forks):
    forks = run_forks(told, 3)
    for arguments in ((), (1, "two")):
        results = forks.run(*arguments)
        assert [(number, received) for number, _, received in results] == [
            (number, arguments) for number in range(3)
        ]
        pids = [pid for _, pid, _ in results]
        assert len(set(pids)) == 3
        assert pids[0] == os.getpid()


def test_one_alone_forks_nothing(run_forks):
    before = children(os.getpid())
    assert run_forks(told, 1).run("x") == [(0, os.getpid(), ("x",))]
    assert children(os.getpid()) == before


def test_what_is_shared_is_seen_and_written_by_all(run_forks):
    numbers, other = shared((3, 2), np.float32), np.zeros(3)

    def work(number):
        numbers[number, 1] = numbers[number, 0] + number
        other[number] = 1

    forks = run_forks(work, 3)
    assert (numbers == 0).all()
    for value in (10, 20):
        numbers[:, 0] = value
        forks.run()
        np.testing.assert_array_equal(numbers[:, 1], [value, value + 1, value + 2])
    np.testing.assert_array_equal(other, [1, 0, 0])
    assert numbers.dtype == np.float32
    assert shared((0, 4), np.int64).shape == (0, 4)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_they_end_at_once(run_forks, count):
    before = set(children(os.getpid()))
    forks = run_forks(told, count)
    assert len(set(children(os.getpid())) - before) == count - 1
    forks.run()
    start = time.monotonic()
    forks.end()
    assert time.monotonic() - start < 5  # far below the patience with one that does not end
    assert set(children(os.getpid())) == before
    forks.end()  # a second time does nothing


def test_one_that_does_not_end_is_ended(run_forks, monkeypatch):
    monkeypatch.setattr(forks, "PATIENCE", 0.2)
    before = set(children(os.getpid()))
    copies = run_forks(lambda number: time.sleep(1000 * number), 2)
    for _, connection in copies._copies:
        connection.send(())
    copies.end()
    assert set(children(os.getpid())) == before


@pytest.mark.parametrize("numbers", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_an_error_in_any_of_them_reaches_the_caller_and_they_go_on(run_forks, numbers):
    forks = run_forks(fails, 3)
    for _ in range(2):
        with pytest.raises(ValueError, match=f"number {numbers[0]} fails"):
            forks.run(numbers)
        assert forks.run(()) == [0, 1, 2]  # not the answers that were left from before


def is_gone(pid):
    return not is_alive(pid)


@pytest.mark.parametrize("when", ["idle", "at work"])
def test_one_that_is_killed_is_told_in_a_line(run_forks, when):
    def work(number, is_last):
        if is_last and number == 1 and when == "at work":
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    forks = run_forks(work, 3)
    _, killed, other = forks.run(False)
    if when == "idle":
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: is_gone(killed), 30)
    for _ in range(2):
        with pytest.raises(TrainingError) as caught:
            forks.run(True)
        assert str(caught.value).startswith("a process that trained ended with status -9: expected")
        assert str(caught.value).endswith("--threads 1 needs less")
        assert "\n" not in str(caught.value)
    assert is_alive(other)


def test_they_do_not_hear_ctrl_c(run_forks):
    forks = run_forks(told, 2)
    _, (_, pid, _) = forks.run()
    os.kill(pid, signal.SIGINT)
    assert forks.run()[1] == (1, pid, ())
    # This process does, as before.
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_in_this_process_leaves_none_at_work(run_forks):
    def work(number):
        if number == 0:
            raise KeyboardInterrupt

    before = set(children(os.getpid()))
    forks = run_forks(work, 3)
    with pytest.raises(KeyboardInterrupt):
        forks.run()
    forks.end()
    assert set(children(os.getpid())) == before


TRAINING = """
import numpy as np
from nn.network.architectures import build, cnn
from nn.network.losses import CrossEntropyLoss
from nn.training.learner import accuracy
from nn.training.parallel import BatchGradients

model = build(cnn(3, "pool"), np.random.default_rng(0))
images, labels = np.zeros((30, 784), np.float32), np.arange(30) % 10
with BatchGradients(model, CrossEntropyLoss(), accuracy, 4, 3, forked=True) as gradients:
    gradients.use_rng(np.random.default_rng(1))
    while True:
        gradients(images, labels)
        print("a batch", flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_they_end_with_this_process_however_it_ends(how):
    process = subprocess.Popen(
        [sys.executable, "-c", TRAINING], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with process:
        assert process.stdout.readline() == "a batch\n"
        copies = children(process.pid)
        assert len(copies) == 2
        process.send_signal(how)
        assert process.wait(60) == -how
    for copy in copies:
        wait_until(lambda pid=copy: is_gone(pid), 60)
