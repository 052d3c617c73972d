import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nn.benchmark.workers import WorkerEnded, Workers
from nn.support.errors import DataError
from tests.helpers.paths import ROOT
from tests.helpers.processes import is_alive, wait_until


def test_each_name_has_one_process_of_its_own():
    with Workers() as workers:
        pids = [workers.run(name, os.getpid) for name in ("a", "b", "a")]
    assert pids[0] == pids[2]
    assert len({*pids, os.getpid()}) == 3


def test_each_name_can_have_variables_of_its_own(monkeypatch):
    monkeypatch.setenv("DIGITPAD_A", "of all")
    monkeypatch.delenv("DIGITPAD_B", raising=False)
    with Workers({"a": {"DIGITPAD_A": "its own", "DIGITPAD_B": "another"}}) as workers:
        seen = {
            name: [workers.run(name, os.getenv, f"DIGITPAD_{which}") for which in "AB"]
            for name in ("a", "b")
        }
    assert seen == {"a": ["its own", "another"], "b": ["of all", None]}
    assert [os.getenv(f"DIGITPAD_{which}") for which in "AB"] == ["of all", None]


def fail(error):
    raise error


@pytest.mark.parametrize(
    "error", [DataError("no digits"), ImportError("no x"), MemoryError("1 GB")]
)
def test_an_error_that_the_caller_can_explain_comes_back_and_the_work_goes_on(error):
    with Workers() as workers:
        pid = workers.run("a", os.getpid)
        with pytest.raises(type(error), match=str(error)):
            workers.run("a", fail, error)
        assert workers.run("a", os.getpid) == pid


def test_a_process_that_dies_is_told_from_one_that_answers(capfd):
    with Workers() as workers:
        with pytest.raises(WorkerEnded, match="status 7"):
            workers.run("a", os._exit, 7)
        with pytest.raises(WorkerEnded, match="status 7"):
            workers.run("a", os.getpid)
        with pytest.raises(WorkerEnded, match="status 1"):
            workers.run("b", fail, ValueError("a mistake of ours"))
    assert "ValueError: a mistake of ours" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_no_process_outlives_the_one_that_it_works_for(name):
    code = """
if __name__ == "__main__":
    import os, time
    from nn.benchmark.workers import Workers
    with Workers() as workers:
        print(workers.run("idle", os.getpid), workers.run("busy", os.getpid), flush=True)
        workers.run("busy", time.sleep, 600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        cwd=ROOT,
    )  # fmt: skip
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    assert all(map(is_alive, workers))
    time.sleep(0.2)  # so that the one is at work
    process.send_signal(getattr(signal, name))  # to it alone
    process.wait(10)
    wait_until(lambda: not any(map(is_alive, workers)), 10)
    process.stdout.close()
