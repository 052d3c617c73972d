"""A short run of `python tests/robustness/killing.py`, and what becomes of what the killed leave
behind."""

import errno
import json
import os
import subprocess
import sys
import threading

import pytest

from nn.support.files import TEMPORARY, write_atomically
from tests.helpers.paths import ROOT

# Says when it is in the middle of writing, and stays there.
STUCK = """
import sys
from pathlib import Path
from nn.support.files import write_atomically

def write(file):
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()

write_atomically(Path(sys.argv[1]), write)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("scene", ["training", "saving", "downloading", "adding", "teaching"])
def test_killed_at_any_moment_nothing_of_the_users_is_lost(scene):
    command = [sys.executable, "tests/robustness/killing.py", scene, "--kills", "3", "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    (result,) = json.loads(run.stdout)["scenes"]
    assert result["scene"] == scene
    assert result["failures"] == []
    assert result["kills"] >= 3


@pytest.fixture
def stuck(tmp_path):
    """What starts a process that hangs while it writes into a folder, of the name given."""
    started = []

    def start(name):
        command = [sys.executable, "-c", STUCK, str(tmp_path / name)]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "writing\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked or cleared away there")
def test_the_next_write_clears_away_what_a_killed_one_left_but_not_what_is_being_written(
    tmp_path, stuck
):
    dead, living = stuck("dead"), stuck("living")
    dead.kill()
    dead.wait()
    foreign = tmp_path / ".download.part"
    foreign.write_text("another program's")
    assert len(list(tmp_path.glob(f"{TEMPORARY}*.part"))) == 2
    write_atomically(tmp_path / "new", lambda file: file.write(b"new"))
    assert len(list(tmp_path.glob(f"{TEMPORARY}*.part"))) == 1
    living.communicate("", timeout=300)  # goes on to its end
    assert living.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"living", "new", foreign.name}
    assert (tmp_path / "living").read_bytes() == b"half"


def test_many_writers_at_once_do_not_take_each_other_for_dead(tmp_path):
    failures = []

    def write(number):
        try:
            for _ in range(40):
                write_atomically(tmp_path / f"{number % 2}", lambda file: file.write(b"x" * number))
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {path.name for path in tmp_path.iterdir()} == {"0", "1"}


def test_a_name_that_another_took_in_the_meantime_is_not_replaced(tmp_path):
    path = tmp_path / "drawing"

    def write(file):
        path.write_bytes(b"the other's")  # after any look at what is there
        file.write(b"mine")

    with pytest.raises(FileExistsError):
        write_atomically(path, write, replace=False)
    assert path.read_bytes() == b"the other's"
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    write_atomically(path, lambda file: file.write(b"mine"), replace=False)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("missing", ["links", "locks"])
def test_where_there_are_no_links_or_no_locks_nothing_is_replaced_either(
    tmp_path, monkeypatch, missing
):
    def refused(*paths):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if missing == "links":  # as on a memory card
        monkeypatch.setattr(os, "link", refused)
    else:  # as on Windows
        monkeypatch.setattr("nn.support.files.fcntl", None)
    left = tmp_path / f"{TEMPORARY}left.part"
    left.touch()
    path = tmp_path / "drawing"
    write_atomically(path, lambda file: file.write(b"mine"), replace=False)
    with pytest.raises(FileExistsError):
        write_atomically(path, lambda file: file.write(b"another"), replace=False)
    assert path.read_bytes() == b"mine"
    assert left.exists() == (missing == "locks")  # without locks nobody knows whose it is
    assert set(tmp_path.iterdir()) <= {path, left}
