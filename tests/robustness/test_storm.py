"""The window in a short storm of events; `python tests/robustness/storm.py` raises longer ones."""

import json
import subprocess
import sys

import pytest

from tests.app.window.test_window import require
from tests.helpers.paths import ROOT
from tests.robustness.storm import Failure, Outside, build_parser, expected_labels


def storm(*arguments):
    done = subprocess.run(
        [sys.executable, "tests/robustness/storm.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_nothing_is_lost_in_a_storm_off_screen():
    report = storm("--events", 1200, "--seed", 4)
    assert report["lives"] == 2
    assert report["events"] == 1200
    assert report["frames"] >= report["lives"]  # how many more, only the machine knows
    assert report["digits"] > 0


@pytest.mark.window
def test_nothing_is_lost_in_a_storm_on_a_real_window():
    require()
    report = storm("--seconds", 2, "--seed", 5, "--rate", 500)
    assert report["lives"] > 0
    assert report["events"] > 0
    assert report["frames"] > 0


@pytest.fixture
def outside(tmp_path, small_mnist):
    options = build_parser().parse_args(["--events", "1", "--data-dir", str(small_mnist)])
    return Outside(options, tmp_path)


def test_a_digit_that_was_confirmed_and_is_not_there_ends_the_storm(outside):
    own = outside.profile.add(3, [[(1.0, 2.0)]])
    outside.note(added=own.key, label=3)
    outside.check_files()
    outside.note(added="another", label=4)
    with pytest.raises(Failure, match="another"):
        outside.check_files()


def test_a_half_written_or_damaged_file_ends_the_storm(outside):
    outside.check_files()
    part = outside.home / ".a.png.x.part"
    part.touch()
    with pytest.raises(Failure, match="half-written"):
        outside.check_files()
    part.unlink()
    outside.note(saved=[str(outside.home / "a.png")])
    with pytest.raises(Failure, match=r"a\.png"):
        outside.check_files()


def rest(done, memory, files=("a",), networks=4):
    facts = {"rest": 0, "done": done, "memory": memory, "threads": 2, "files": list(files)}
    return {**facts, "networks": networks, "slowest": []}


def test_growing_memory_ends_the_storm(outside):
    outside.check_rests([rest(0.1, 100), rest(0.4, 300), rest(0.5, 200), rest(1, 229)])
    outside.check_rests([rest(0.1, 100), rest(0.4, 200), rest(1, 244, networks=5)])
    with pytest.raises(Failure, match="memory grows"):
        outside.check_rests([rest(0.1, 100), rest(0.4, 200), rest(0.9, 231), rest(1, 500)])


def test_a_file_that_stays_open_ends_the_storm(outside):
    with pytest.raises(Failure, match="files at rest"):
        outside.check_rests([rest(0.1, 100), rest(1, 100, ["a", "b"])])


def test_an_exception_in_the_program_ends_the_storm(outside):
    with pytest.raises(Failure, match=r"(?s)status 1.*Traceback.*NO_SUCH_EVENT"):
        outside.live(0, {"--events": 5, "--rests": 1}, "NO_SUCH_EVENT")


def test_a_digit_that_was_removed_anywhere_is_not_expected():
    notes = [
        {"removed": "a"}, {"added": "a", "label": 1}, {"added": "b", "label": 2},
        {"trying": "relabel"}, {"relabelled": "b", "label": 5}, {"added": "c", "label": 3},
    ]  # fmt: skip
    assert expected_labels(notes) == {"b": 5, "c": 3}


def test_a_digit_that_was_removed_and_restored_is_expected_as_it_was_restored():
    notes = [
        {"added": "a", "label": 1}, {"removed": "a"}, {"restored": "a", "label": 1},
        {"added": "b", "label": 2}, {"removed": "b"}, {"restored": "b", "label": 2},
        {"removed": "b"}, {"relabelled": "a", "label": 7},
    ]  # fmt: skip
    assert expected_labels(notes) == {"a": 7}
