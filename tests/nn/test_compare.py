import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from nn import compare
from nn.benchmark import comparison, frameworks, systems
from nn.benchmark.profiling import matrix_products, profile
from nn.data.dataset import Dataset
from nn.network.architectures import NAMED, build
from nn.support.errors import UsageError
from nn.training.tasks import Task
from tests.helpers.commands import environment, kept_in, run_command
from tests.helpers.data_files import made_up_digits, write_idx
from tests.helpers.paths import ROOT
from tests.helpers.processes import children, is_alive, wait_until

KEYS = {
    "system", "network", "epochs", "batch_size", "train_loss", "validation_loss",
    "validation_accuracy", "seconds", "seconds_ratio",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _kept_apart(tmp_path_factory):
    """No result of a test is kept with the user's."""
    folder = tmp_path_factory.mktemp("kept")
    with mock.patch.dict(os.environ, environment(**kept_in(folder))):
        yield


def data(count=300):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 10
    images = rng.random((count, 784), dtype=np.float32) / 2
    images[np.arange(count)[:, None], 78 * labels[:, None] + np.arange(78)] += 0.5
    return images, labels


@pytest.mark.parametrize(
    ("package", "train"),
    [
        ("torch", frameworks.train_torch),
        ("torch", frameworks.train_torch_channels_last),
        ("torch", frameworks.train_torch_tensors),
        ("tensorflow", frameworks.train_tensorflow),
        ("sklearn", frameworks.train_sklearn),
        ("jax", frameworks.train_jax),
        ("nn_digits", frameworks.train_nn_digits),
        ("numpy", systems.train_digitpad),
    ],
)
@pytest.mark.parametrize("network", ["mlp", "cnn-small"])
def test_every_system_learns(package, train, network):
    pytest.importorskip(package)
    if package in ("sklearn", "nn_digits") and network != "mlp":
        pytest.skip(f"{package} has no convolutions")
    images, labels = data()
    task = Task(network, 8, learning_rate=0.05, momentum=0.9, batch_size=32)
    seconds, logits = train(task, images, labels)
    assert seconds > 0
    assert np.mean(np.asarray(logits(images)).argmax(axis=1) == labels) > 0.9


def test_what_is_not_installed_is_named(small_mnist, capsys, monkeypatch):
    system = compare.SYSTEMS["jax"]._replace(packages=("no_such_package",))
    monkeypatch.setitem(compare.SYSTEMS, "jax", system)
    compare.main(
        ["--data-dir", str(small_mnist), "--systems", "jax,floor", "--networks", "mlp",
         "--repeats", "1"]
    )  # fmt: skip
    output = capsys.readouterr().out
    assert "not measured: JAX, jit is not installed" in output
    assert "matrix products alone" in output


@pytest.mark.parametrize("option", ["--systems", "--networks"])
def test_an_unknown_name_is_said_in_one_line(option):
    done = run_command("nn.compare", option, "mlp,digitpad,nonsense")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "expected names out of" in done.stderr


def test_the_profile_names_every_layer(small_mnist, capsys):
    compare.main(["--data-dir", str(small_mnist), "--profile", "--networks", "mlp,cnn-small"])
    output = capsys.readouterr().out
    assert "Linear(784, 50)" in output
    assert "Conv2d(16, 32, kernel_size=3, padding=1)" in output
    shares = [float(line.split()[-2]) for line in output.splitlines() if line.endswith("%")]
    assert sum(shares) == pytest.approx(200, abs=1.5)


def test_the_profile_adds_up():
    images, labels = data(64 * 40)
    task = Task("mlp", 1, learning_rate=0.1, momentum=0.0, batch_size=64)
    parts = profile(task, Dataset(images, labels))
    layers = build(NAMED["mlp"], np.random.default_rng(0)).layers
    assert [part["part"] for part in parts][1:-2] == [repr(layer) for layer in layers]
    assert all(part["forward_ms"] >= 0 and part["backward_ms"] >= 0 for part in parts)


def test_the_floor_grows_with_the_work():
    task = Task("mlp", 1, learning_rate=0.1, momentum=0.0)
    few, many = (min(matrix_products(task, n, 1) for _ in range(3)) for n in (1280, 64_000))
    assert many > 10 * few


def test_the_plot_has_a_bar_for_each_system(tmp_path):
    pytest.importorskip("matplotlib")
    from nn.benchmark.report import plot_comparison

    rows = [
        {"system": system, "network": network, "seconds": seconds, "images": 10, "epochs": 1}
        for network in ("mlp", "cnn")
        for system, seconds in (("Digitpad", 1.0), ("other", 2.5))
    ]
    plot_comparison(rows, tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("module", ["nn.compare", "nn.lessons.__main__"])
def test_too_few_digits_are_said_in_one_line(tmp_path, monkeypatch, module):
    images, labels = made_up_digits(30, 1)
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels)
    arguments = ["--systems", "digitpad"] if module == "nn.compare" else ["all"]
    monkeypatch.chdir(tmp_path)
    ended = run_command(module, *arguments, "--data-dir", tmp_path)
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith(f"{module}: too few digits: expected 100 or more")
    assert "Traceback" not in ended.stderr


def test_what_is_installed_but_does_not_work_is_said_in_one_line(small_mnist, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no libgomp')")
    ended = subprocess.run(
        [sys.executable, "-m", "nn.compare", "--systems", "floor,torch", "--networks", "mlp",
         "--data-dir", str(small_mnist)],
        capture_output=True, text=True, timeout=300, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "nn.compare: PyTorch does not work here (no libgomp); leave torch out of --systems"
    )
    assert "Traceback" not in ended.stderr


class Here:
    """Workers that work in the tests' own process."""

    __init__ = __exit__ = lambda self, *_: None

    def __enter__(self):
        return self

    def run(self, name, work, *arguments):
        return work(*arguments)


@pytest.fixture
def evaluated(monkeypatch):
    """The numbers of digits that a made-up system's networks were evaluated on, by network."""
    counts = {"mlp": [], "cnn": []}

    def train(task, images, labels):
        def logits(images):
            counts[task.network].append(len(images))
            return np.zeros((len(images), 10), np.float32)

        return frameworks.Trained(1.0, logits)

    system = compare.SYSTEMS["floor"]._replace(train=train)
    monkeypatch.setitem(compare.SYSTEMS, "floor", system)
    monkeypatch.setattr(comparison, "Workers", Here)
    return counts


def test_only_what_a_table_shows_is_measured(small_mnist, evaluated, capsys):
    options = ["--systems", "floor", "--networks", "mlp,cnn", "--repeats", "3"]
    compare.main([*options, "--data-dir", str(small_mnist), "--json"])
    out, err = capsys.readouterr()
    # The same seed gives the same network in each turn; that of some batches is in no table.
    assert evaluated == {"mlp": [480, 120], "cnn": []}
    mlp, cnn = json.loads(out)["rows"]
    assert len(mlp["all_seconds"]) == len(cnn["all_seconds"]) == 3
    assert mlp["validation_loss"] == pytest.approx(np.log(10))
    losses = ("train_loss", "validation_loss", "validation_accuracy")
    assert [cnn[key] for key in losses] == [None] * 3
    table = err[err.index("cnn (") :]
    assert "validation" not in table
    assert "%" not in table


def command(small_mnist, *options, **settings):
    """The command, started with Digitpad and its floor; what it says comes as it says it."""
    return subprocess.Popen(
        [sys.executable, "-m", "nn.compare", "--data-dir", str(small_mnist), "--systems",
         "floor,digitpad", "--batches", "2", *options],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT,
           "start_new_session": True, **settings},
    )  # fmt: skip


@pytest.fixture(scope="module")
def ended(small_mnist):
    """What the command prints: its JSON, and the lines on standard error."""
    process = command(small_mnist, "--repeats", "2", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out), err.splitlines()


def test_the_command_compares_digitpad_with_its_own_matrix_products(ended):
    result, _ = ended
    rows = result["rows"]
    assert [(row["system"], row["network"]) for row in rows] == [
        (system, network)
        for network in ("mlp", "cnn-small", "cnn")
        for system in ("Digitpad", "matrix products alone")
    ]
    assert all(set(row) >= KEYS for row in rows)
    assert [row["images"] for row in rows[::2]] == [480, 480, 256]  # four fifths of 600
    for own, floor in zip(rows[::2], rows[1::2], strict=True):
        assert own["seconds_ratio"] == 1
        assert floor["seconds"] > 0
        assert floor["validation_loss"] is None
        assert own["network"] == "cnn" or own["validation_loss"] > 0
        assert len(own["all_seconds"]) == 2
    (reading,) = result["predictions"]
    assert reading["system"] == "Digitpad"
    assert reading["single_ms"] > 0


def test_progress_and_each_row_come_at_once(ended):
    _, said = ended
    # Digitpad comes first, because all ratios are to it.
    networks = ("mlp", "cnn-small", "cnn")
    started = [
        rf"{system}, {what}, turn {turn} of 2, time left (about \d\d:\d\d|not known yet)"
        for what in (*networks, "reading")
        for turn in (1, 2)
        for system in ("Digitpad", "matrix products alone")
        if what != "reading" or system == "Digitpad"
    ]
    progress = [line for line in said if "turn" in line]
    for line, pattern in zip(progress, started, strict=True):
        assert re.fullmatch(pattern, line)
    assert "not known" in progress[0]
    assert not any("not known" in line for line in progress[1:])
    # The row of a system is there when the next one's last turn begins.
    for what in networks:
        last = said.index(next(line for line in said if f"alone, {what}, turn 2 of 2" in line))
        assert re.match(r"Digitpad +\d+\.\d\d +1\.00", said[last - 1])
        assert re.match(r"matrix products alone +\d+\.\d\d", said[last + 1])


def test_a_terminal_gets_a_bar(small_mnist):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = command(small_mnist, "--networks", "mlp", "--repeats", "1", stderr=theirs)
    os.close(theirs)
    said = b""
    with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
        while part := os.read(ours, 1000):
            said += part
    os.close(ours)
    out = process.communicate(timeout=300)[0]
    assert process.returncode == 0
    assert b"\rDigitpad, mlp, turn 1 of 1, time left not known yet" in said
    assert b"\rDigitpad, reading, turn 1 of 1, time left about" in said
    assert "Digitpad, mlp, turn" not in out


def test_the_time_left_is_reckoned_from_the_turns_so_far():
    one, other, third = (comparison.Job(key, None) for key in "abc")
    assert comparison.time_left({one: [], other: []}, 3) is None
    # A job's latest turn counts: the first one imports its system. The others' mean, for a new one.
    turns = {one: [9.0, 1.0], other: [3.0], third: []}
    assert comparison.time_left(turns, 3) == pytest.approx(1 * 1.0 + 2 * 3.0 + 3 * 2.0)


def ignores_ctrl_c(pid):
    found = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(found[1], 16) & 1 << (signal.SIGINT - 1))


def read_until(stream, text):
    """Read lines until one has that text; returns them."""
    lines = []
    while not lines or text not in lines[-1]:
        lines.append(stream.readline())
        assert lines[-1], lines
    return lines


IN_PROC = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")


@IN_PROC
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGHUP", "SIGINT"])
def test_however_the_command_ends_no_worker_is_left(small_mnist, name):
    process = command(small_mnist, "--repeats", "1000")
    read_until(process.stderr, "turn 2 of")
    started = children(process.pid)
    assert len(started) >= 2
    process.send_signal(getattr(signal, name))  # to it alone
    error = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if name == "SIGINT" else -getattr(signal, name))
    wait_until(lambda: not any(map(is_alive, started)), 10)
    assert "Traceback" not in error
    assert "leaked" not in error


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it would have to return first")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_no_worker_is_left_in_a_call_that_lets_no_other_thread_run(small_mnist, tmp_path, name):
    content = "import ctypes\nprint('torch loads', flush=True)\nctypes.PyDLL(None).sleep(600)\n"
    (tmp_path / "torch.py").write_text(content)
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    process = command(small_mnist, "--systems", "torch", "--networks", "mlp", env=surroundings)
    read_until(process.stdout, "torch loads")
    started = children(process.pid)
    process.send_signal(getattr(signal, name))
    process.wait(10)
    try:
        wait_until(lambda: not any(map(is_alive, started)), 10)
    finally:
        for pid in filter(is_alive, started):
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=10)


@IN_PROC
@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_gives_the_table_so_far(small_mnist, as_json):
    options = ["--json"] if as_json else []
    process = command(small_mnist, "--networks", "cnn,mlp", "--repeats", "2", *options)
    lines = read_until(process.stderr, "Digitpad, mlp, turn 2")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    said = [*lines, *err.splitlines(True)] if as_json else out.splitlines(True)
    told = "".join(line for line in said if "time left" not in line)
    assert re.search(r"cnn \(.*\n.*\nDigitpad .*\nmatrix products alone +\S+ +\S+\n", told)
    assert re.search(r"\nmatrix products alone +\S+ +\S+  \(turns: 1 of 2\)\n", told)
    if as_json:
        result = json.loads(out)
        assert result["interrupted"] is True
        rows = [(row["network"], row["system"], row["turns"]) for row in result["rows"]]
        floor = "matrix products alone"
        assert rows[:2] == [("cnn", "Digitpad", 2), ("cnn", floor, 2)]
        assert rows[2][:2] == ("mlp", "Digitpad")
        assert rows[3] == ("mlp", floor, 1)
        assert all(row["seconds_ratio"] for row in result["rows"])
        assert result["predictions"] == []


@IN_PROC
def test_ctrl_c_while_a_worker_starts_is_heard_by_the_command_alone(small_mnist):
    process = command(small_mnist, "--json")
    read_until(process.stderr, "turn 1")
    # A worker, and what multiprocessing starts with the first one.
    wait_until(lambda: len(children(process.pid)) == 2 and not ignores_ctrl_c(process.pid), 60)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["rows"] == []
    assert "Traceback" not in err


def test_nothing_to_measure_is_said(small_mnist, monkeypatch):
    system = compare.SYSTEMS["sklearn"]._replace(packages=("numpy",))
    monkeypatch.setitem(compare.SYSTEMS, "sklearn", system)
    options = ["--systems", "sklearn", "--networks", "cnn", "--data-dir", str(small_mnist)]
    with pytest.raises(
        UsageError, match="nothing to measure: none of --systems sklearn trains cnn"
    ):
        compare.main(options)


def test_plots_need_a_writable_place(small_mnist, tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(UsageError, match="--plot"):
        compare.main(["--data-dir", str(small_mnist), "--plot", str(tmp_path)])
