import json
import os
import random
import subprocess
import sys
import time

import pytest

pytest.importorskip("resource", reason="alarms and limits are Unix's")

from tests.helpers.paths import ROOT
from tests.robustness import fuzzing
from tests.robustness.fuzzing import READERS, Broken, feed, fuzz, make_strokes

INPUTS = 60  # of each reader here; python tests/robustness/fuzzing.py takes as many as one likes


@pytest.mark.parametrize("name", READERS)
def test_hostile_input_is_read_or_refused_in_one_line(name, tmp_path):
    wrong, number, data, _ = fuzz(*READERS[name], INPUTS, 0, tmp_path)
    assert wrong is None, f"input {number} of seed 0: {wrong}; {data[:200]!r}"


@pytest.mark.parametrize("name", READERS)
def test_some_of_the_inputs_get_through(name, tmp_path):
    # Else only the first check of a reader would be tested.
    make, read = READERS[name]
    through = [
        feed(read, tmp_path / "input", make(random.Random(f"1 {number}"))) for number in range(40)
    ]
    assert sum(through) >= 2


@pytest.mark.parametrize("name", READERS)
def test_an_input_depends_on_its_number_alone(name):
    make = READERS[name][0]
    inputs = [make(random.Random(f"0 {number}")) for number in range(20)]
    assert make(random.Random("0 7")) == inputs[7]
    assert len(set(inputs)) > 10


@pytest.mark.parametrize("error", [ValueError("odd"), RecursionError(), Broken("no")])
def test_an_error_of_another_kind_is_caught(error, tmp_path):
    def read(path):
        def fail():
            if b"label" in path.read_bytes():
                raise error

        yield fail

    wrong, number, data, _ = fuzz(make_strokes, read, 100, 3, tmp_path)
    assert wrong == f"{type(error).__name__}: {error}"
    assert b"label" in data
    assert data == make_strokes(random.Random(f"3 {number}"))


def test_a_message_that_is_not_one_line_is_caught(tmp_path):
    class TwoLines(fuzzing.DigitpadError):
        def __str__(self):
            return "one\ntwo"

    def fail():
        raise TwoLines

    assert "not one line" in fuzz(make_strokes, lambda path: [fail], 1, 0, tmp_path)[0]


def test_a_reader_that_hangs_is_caught(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, "LONGEST", 0.2)

    def hang():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            pass

    assert "took more than 0.2 s" in fuzz(make_strokes, lambda path: [hang], 5, 0, tmp_path)[0]


def test_a_reader_that_grows_is_caught_and_the_input_is_kept(tmp_path):
    # In a process of its own: the peak of this one may be far above what it has now.
    program = """
import sys
from tests.robustness import fuzzing
held = []
def read(path):
    if not path.read_bytes():
        yield lambda: held.append(b"x" * (100 << 20))
fuzzing.MOST_GROWTH = 64 << 20
fuzzing.READERS = {"hungry": (fuzzing.make_strokes, read)}
sys.argv = ["fuzzing", "--inputs", "2000"]
fuzzing.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "hungry: memory grew by " in done.stdout
    (kept,) = tmp_path.glob("fuzzing-hungry-0-*")
    assert kept.read_bytes() == b""
    assert "--first" in done.stdout


def test_hostile_json_has_the_values_that_readers_must_not_trust():
    text = repr([fuzzing.changed(random.Random(n), fuzzing.DIGITS[0]) for n in range(3000)])
    for value in ("nan", "inf", "1e+300", "True", "1" + "0" * 400, "\\ud800"):
        assert value in text
    assert json.loads(fuzzing.json_of({"a": "\ud800"})) == {"a": "\ud800"}
