import os
from unittest import mock

import pytest

from nn import compare
from nn.benchmark import comparison, frameworks
from tests.helpers.commands import environment, kept_in, run_command
from tests.nn.test_compare import Here


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """The seconds that the next trainings take, until Ctrl-C; results are kept apart."""
    seconds = []

    def train(task, images, labels):
        if not seconds:
            raise KeyboardInterrupt
        return frameworks.Trained(seconds.pop(0), None)

    for key in ("digitpad", "floor"):
        system = compare.SYSTEMS[key]._replace(train=train, classifier=None)
        monkeypatch.setitem(compare.SYSTEMS, key, system)
    monkeypatch.setattr(comparison, "Workers", Here)
    with mock.patch.dict(os.environ, environment(**kept_in(tmp_path))):
        yield seconds


@pytest.fixture
def run(measured, small_mnist):
    """Measure Digitpad and its floor with the network `mlp`, once each; then both with AVX2."""

    def measure(own, floor, *options, avx2=()):
        measured[:] = own, *avx2[:1], floor, *avx2[1:]
        systems = ("--systems", "digitpad,floor", "--networks", "mlp", "--repeats", "1")
        done = run_command("nn.compare", *systems, "--data-dir", small_mnist, *options)
        assert done.returncode == 0
        assert "Traceback" not in done.stderr
        return done

    return measure
