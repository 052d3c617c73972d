import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from nn import compare, peers
from nn.architectures import NAMED, build
from nn.dataset import Dataset
from nn.errors import UsageError
from nn.profiling import matrix_products, profile
from tests.conftest import made_up_digits, write_idx

KEYS = {
    "system", "network", "epochs", "batch_size", "train_loss", "validation_loss",
    "validation_accuracy", "seconds", "seconds_ratio",
}  # fmt: skip


def data(count=300):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 10
    images = rng.random((count, 784), dtype=np.float32) / 2
    images[np.arange(count)[:, None], 78 * labels[:, None] + np.arange(78)] += 0.5
    return images, labels


def test_the_command_compares_digitpad_with_its_own_matrix_products(small_mnist, capsys):
    options = ["--data-dir", str(small_mnist), "--systems", "digitpad,floor", "--repeats", "2"]
    compare.main([*options, "--batches", "2", "--json"])
    result = json.loads(capsys.readouterr().out)
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
        assert own["validation_loss"] > 0
        assert len(own["all_seconds"]) == 2
    (reading,) = result["predictions"]
    assert reading["system"] == "Digitpad"
    assert reading["single_ms"] > 0


@pytest.mark.parametrize(
    ("package", "train"),
    [
        ("torch", peers.train_torch),
        ("torch", peers.train_torch_channels_last),
        ("torch", peers.train_torch_tensors),
        ("tensorflow", peers.train_tensorflow),
        ("sklearn", peers.train_sklearn),
        ("jax", peers.train_jax),
        ("numpy", compare.train_digitpad),
    ],
)
@pytest.mark.parametrize("network", ["mlp", "cnn-small"])
def test_every_system_learns(package, train, network):
    pytest.importorskip(package)
    if package == "sklearn" and network != "mlp":
        pytest.skip("scikit-learn has no convolutions")
    images, labels = data()
    task = peers.Task(network, 8, learning_rate=0.05, momentum=0.9, batch_size=32)
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
    done = subprocess.run(
        [sys.executable, "-m", "nn.compare", option, "mlp,digitpad,nonsense"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
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
    task = peers.Task("mlp", 1, learning_rate=0.1, momentum=0.0, batch_size=64)
    parts = profile(task, Dataset(images, labels))
    layers = build(NAMED["mlp"], np.random.default_rng(0)).layers
    assert [part["part"] for part in parts][1:-2] == [repr(layer) for layer in layers]
    assert all(part["forward_ms"] >= 0 and part["backward_ms"] >= 0 for part in parts)


def test_the_floor_grows_with_the_work():
    task = peers.Task("mlp", 1, learning_rate=0.1, momentum=0.0)
    few, many = (min(matrix_products(task, n, 1) for _ in range(3)) for n in (1280, 64_000))
    assert many > 10 * few


def test_the_plot_has_a_bar_for_each_system(tmp_path):
    pytest.importorskip("matplotlib")
    from nn.plots import plot_comparison

    rows = [
        {"system": system, "network": network, "seconds": seconds, "images": 10, "epochs": 1}
        for network in ("mlp", "cnn")
        for system, seconds in (("Digitpad", 1.0), ("other", 2.5))
    ]
    plot_comparison(rows, tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("module", ["nn.compare", "nn.lessons"])
def test_too_few_digits_are_said_in_one_line(tmp_path, module):
    images, labels = made_up_digits(30, 1)
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", labels)
    arguments = ["--systems", "digitpad"] if module == "nn.compare" else ["all"]
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments, "--data-dir", str(tmp_path)],
        capture_output=True, text=True, timeout=300, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )  # fmt: skip
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert lines[-1].startswith(f"{module}: too few digits: expected 100 or more")
    assert "Traceback" not in ended.stderr


def test_what_is_installed_but_does_not_work_is_said_in_one_line():
    with pytest.raises(UsageError, match=r"PyTorch does not work here .* leave torch out"):
        compare._result(failed(ImportError("no libgomp")), "torch")


def failed(error):
    work = Future()
    work.set_exception(error)
    return work


def ignores_ctrl_c(pid):
    found = re.search(r"SigIgn:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(found[1], 16) & 1 << (signal.SIGINT - 1))


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
def test_ctrl_c_ends_the_workers_too(small_mnist):
    process = subprocess.Popen(
        [sys.executable, "-m", "nn.compare", "--data-dir", str(small_mnist), "--systems",
         "digitpad,floor", "--repeats", "1000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 300
    started = []
    # Two workers, and who counts their semaphores; ready once they no longer hear it.
    while len(started) < 3 or not all(map(ignores_ctrl_c, started)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
        started = children.read_text().split()
    os.killpg(process.pid, signal.SIGINT)
    error = process.communicate(timeout=300)[1]
    assert process.returncode == 130
    assert "Traceback" not in error
    assert error.splitlines()[-1] == "nn.compare: interrupted"
    while any(map(is_alive, started)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
