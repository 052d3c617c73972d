import errno
import json
import os

import pytest

from nn.benchmark import history
from nn.benchmark.report import history_table
from nn.support import files
from tests.helpers.commands import run_command


def shown():
    done = run_command("nn.compare", "--history", "--json")
    assert done.returncode == 0
    return json.loads(done.stdout), done.stderr


def complaints(text):
    return [line for line in text.splitlines() if line.startswith("nn.compare: ")]


def test_the_history_has_the_medians_of_all_runs_and_their_spread(run):
    assert "there: 1;" in run(1.0, 0.5).stdout
    run(4.0, 1.0)
    last = json.loads(run(2.0, 1.5, "--json").stdout)
    result, text = shown()
    (machine,) = result["history"]
    assert {name: machine[name] for name in history.MACHINE} == last["machine"]
    assert last["machine"] == history.this_machine()
    assert machine["runs"] == 3
    own, floor = machine["rows"]
    assert own["seconds"] == {"median": 2.0, "lowest": 1.0, "highest": 4.0}
    assert floor["seconds_ratio"] == {"median": 0.5, "lowest": 0.25, "highest": 0.75}
    assert "2.00 (1.00 to 4.00)" in text
    assert last["machine"]["processor"] in text
    assert complaints(text) == []


def test_runs_on_other_machines_and_of_other_digits_stand_apart(run):
    for _ in range(2):
        run(1.0, 0.5)
    lines = history.history_path().read_text().splitlines()
    other = json.loads(lines[0])
    other["machine"]["blas_kernels"] = "openblas 0.3.30 for Haswell"
    fewer = json.loads(lines[0])
    for row in fewer["rows"]:
        row["images"], row["seconds"] = 7, 9.0
    history.history_path().write_text("\n".join([*lines, json.dumps(other), json.dumps(fewer)]))
    here, there = shown()[0]["history"]
    assert [here["runs"], there["runs"]] == [3, 1]
    assert [(row["images"], row["runs"]) for row in here["rows"]] == [(480, 2)] * 2 + [(7, 1)] * 2
    assert here["rows"][0]["seconds"]["highest"] == 1.0


def test_turns_that_are_missing_are_not_counted(run):
    run(1.0, 0.5)
    result = json.loads(history.history_path().read_text())
    result["rows"][1]["repeats"] = 3
    history.keep(result)
    own, floor = shown()[0]["history"][0]["rows"]
    assert (own["runs"], floor["runs"]) == (2, 1)


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b'{"date": "2026-1', 1), (b"\xff\0\n\nsystem,seconds\n", 2), (b"[" * 100_000, 1)],
    ids=["cut off", "foreign", "deep"],
)
def test_lines_that_are_no_results_stay_and_are_said_in_one_line(run, content, lines):
    path = history.history_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    (line,) = complaints(run(1.0, 0.5).stderr)
    assert f"{path}: lines that are no result of nn.compare: {lines}; they stay there" in line
    result, text = shown()
    assert path.read_bytes().startswith(content)
    assert result["history"][0]["runs"] == 1
    assert result["strange_lines"] == lines
    assert complaints(text) == [line]


def test_a_result_that_cannot_be_kept_is_printed_all_the_same(run):
    path = history.history_path()
    path.mkdir(parents=True)
    done = run(1.0, 0.5, "--json")
    assert json.loads(done.stdout)["rows"][0]["seconds"] == 1.0
    (line,) = complaints(done.stderr)
    assert "this result is not kept: cannot write" in line
    ended = run_command("nn.compare", "--history")
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert f"cannot read {path}" in line


def test_a_full_file_is_left_as_it_is(run, monkeypatch):
    run(1.0, 0.5)
    before = history.history_path().read_bytes()
    monkeypatch.setattr(history, "MAX_FILE", len(before) + 10)
    (line,) = complaints(run(1.0, 0.5).stderr)
    assert "is full; move it away" in line
    assert history.history_path().read_bytes() == before


def test_nothing_kept_yet_is_said(run):
    assert "nothing has been kept yet" in shown()[1]


ODD = (None, True, 0, -1, 10**400, 1e300, float("nan"), "", "9", "\ud800", [], {}, [[]])


def test_whatever_a_line_holds_it_is_shown_or_counted_as_strange(run):
    run(1.0, 0.5)
    path = history.history_path()
    good = json.loads(path.read_text())
    reading = {
        "system": "Digitpad", "network": "cnn", "turns": 1, "repeats": 1, "single_ms": 1.0,
        "many_seconds": 2.0, "single_ms_ratio": 1.0, "many_seconds_ratio": None,
    }  # fmt: skip
    good["predictions"] = [reading]
    parts = (good, good["machine"], good["rows"][0], reading)
    for part in parts:
        for name, before in list(part.items()):
            for odd in ODD:
                part[name] = odd
                path.write_text(json.dumps(good) + "\n")
                results, strange = history.kept()
                assert len(results) + strange == 1
                machines = history.medians(results)
                assert isinstance(history_table(machines), str)
                assert json.dumps(machines, allow_nan=False)
            part[name] = before
    path.write_text(json.dumps(good) + "\n")
    assert history.kept()[1] == 0


def test_a_full_disk_leaves_the_results_as_they_were(run, monkeypatch):
    run(1.0, 0.5)
    before = history.history_path().read_bytes()

    def write_half(file, data):
        file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write_all", write_half)
    (line,) = complaints(run(1.0, 0.5).stderr)
    assert "No space left on device" in line
    assert history.history_path().read_bytes() == before
