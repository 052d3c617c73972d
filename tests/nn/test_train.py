import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nn import train
from nn.data.dataset import Dataset
from nn.inference.checkpoint import load_arrays, load_checkpoint
from nn.support.commands import duration
from nn.support.errors import CheckpointError, TrainingError, UsageError
from nn.training import synthetic
from nn.training.forks import can_fork
from nn.training.learner import Learner
from nn.training.progress import Progress
from nn.training.resume import SaveState, load_state
from nn.training.synthetic import regenerate_synthetic, with_room
from tests.helpers.commands import run_command
from tests.helpers.data_files import made_up_digits, write_idx
from tests.helpers.processes import children, is_alive, wait_until

JSON_KEYS = {
    "model", "parameters", "epochs", "seconds", "train_loss", "validation_loss",
    "validation_accuracy", "test_accuracy", "output",
}  # fmt: skip


@pytest.fixture
def run(small_mnist, tmp_path, monkeypatch, capsys):
    """Run nn.train in an empty folder; returns what it printed."""
    monkeypatch.chdir(tmp_path)

    def run_train(*options):
        train.main(["--data-dir", str(small_mnist), *options])
        return capsys.readouterr().out

    return run_train


def test_json_is_one_object_with_the_promised_keys(run, tmp_path):
    result = json.loads(run("--model", "tiny", "--epochs", "3", "--json"))
    assert result.keys() >= JSON_KEYS
    assert (result["model"], result["parameters"], result["epochs"]) == ("tiny", 7960, 3)
    assert result["output"] == "models/tiny.npz"
    loaded = load_checkpoint(tmp_path / "models" / "tiny.npz")
    figures = loaded.record["figures"]
    assert {key: result[key] for key in figures} == figures
    assert loaded.record["command"] == "python -m nn.train --model tiny --epochs 3"
    assert re.fullmatch("[0-9a-f]{64}", loaded.record["data_checksum"])


def test_a_line_an_epoch_and_a_table(run):
    text = run("--model", "linear", "--epochs", "4")
    assert re.findall(r"^epoch +(\d)/4 .* images/s", text, re.M) == list("1234")
    left = re.findall(r"images/s(.*)$", text, re.M)
    assert [bool(re.fullmatch(r"  \d+ s left", part)) for part in left] == [True] * 3 + [False]
    assert "linear (784-10, 7,850 parameters): 510 digits to learn from" in text
    assert re.search(r"^ +test accuracy  \d+\.\d\d %$", text, re.M)


def test_durations():
    assert [duration(s) for s in (0.2, 89.4, 90, 720)] == ["0 s", "89 s", "2 min", "12 min"]


def test_it_learns_the_made_up_digits(run):
    for model in ("linear", "mlp"):
        result = json.loads(run("--model", model, "--json"))
        assert result["test_accuracy"] > 0.9


def test_hidden_layers_and_activation_of_choice(run, tmp_path):
    result = json.loads(
        run(
            "--hidden",
            "12,8",
            "--activation",
            "Tanh",
            "--dropout",
            "0.1",
            "--epochs",
            "1",
            "--json",
        )
    )
    assert (result["model"], result["parameters"]) == ("custom", 785 * 12 + 13 * 8 + 9 * 10)
    names = [entry[0] for entry in load_checkpoint(tmp_path / "models/custom.npz").architecture]
    assert names == ["Flatten", "Linear", "Tanh", "Dropout", "Linear", "Tanh", "Dropout", "Linear"]


@pytest.mark.parametrize(
    "options",
    [
        ("--hidden", "9", "--dropout", "0.3"),
        ("--model", "mlp", "--optimizer", "sgd", "--weight-decay", "0"),
        ("--model", "tiny", "--augment", "--generated", "50", "--average", "0.95"),
        ("--model", "cnn-small", "--augment", "--average", "0.9"),
    ],
)
def test_resuming_gives_the_bits_of_uninterrupted_training(run, tmp_path, options):
    run(*options, "--epochs", "5", "--output", "straight.npz")
    run(*options, "--epochs", "2", "--output", "parts.npz")
    run("--resume", "parts.npz", "--epochs", "5")
    straight, parts = (load_checkpoint(tmp_path / f"{n}.npz") for n in ("straight", "parts"))
    np.testing.assert_array_equal(straight.model.parameters, parts.model.parameters)
    same = ("epochs", "best_epoch", "train_loss", "validation_loss", "test_accuracy")
    for key in same:
        assert straight.record["figures"][key] == parts.record["figures"][key]
    assert straight.record["command"] == parts.record["command"]
    for name in ("straight", "parts"):
        _, arrays = load_arrays(tmp_path / f"{name}.training.npz")
        np.testing.assert_array_equal(
            arrays["parameters"], load_arrays(tmp_path / "straight.training.npz")[1]["parameters"]
        )


FINISHING = ("--model", "tiny", "--epochs", "4", "--finish", "2", "--generated", "40",
             "--keep", "last")  # fmt: skip


def test_the_last_epochs_see_fewer_synthetic_digits_in_smaller_steps(run, monkeypatch):
    seen = []

    def note(learner, callbacks, fit_epoch=Learner._fit_epoch):
        fit_epoch(learner, callbacks)
        rate = learner.history[-1].learning_rate
        seen.append((learner.dataloaders.train.size, round(rate, 5)))

    monkeypatch.setattr(Learner, "_fit_epoch", note)
    run(*FINISHING, "--schedule", "constant")
    assert seen == [(550, 0.003), (550, 0.003), (520, 0.0006), (520, 0.0006)]
    seen.clear()
    run(*FINISHING, "--schedule", "exponential")
    assert [rate for _, rate in seen] == [0.003, 0.0027, 0.0006, 0.00054]  # it begins anew
    seen.clear()
    run(*FINISHING, "--epochs", "1")
    assert [size for size, _ in seen] == [550]  # one epoch is a whole one


def test_a_training_that_is_resumed_while_it_finishes_gives_the_same_bits(
    run, tmp_path, monkeypatch
):
    def save(state, learner, save=SaveState.after_epoch):
        save(state, learner)
        if learner.epoch == 3 and state.path.name == "straight.training.npz":
            shutil.copy(state.path, tmp_path / "half.training.npz")

    monkeypatch.setattr(SaveState, "after_epoch", save)
    run(*FINISHING, "--output", "straight.npz")
    run("--resume", "half.npz")
    straight, half = (load_checkpoint(tmp_path / f"{n}.npz") for n in ("straight", "half"))
    np.testing.assert_array_equal(straight.model.parameters, half.model.parameters)
    assert straight.record["command"] == half.record["command"]
    assert "--finish 2" in half.record["command"]


def test_convolutions_give_the_same_weights_with_any_number_of_threads(run, tmp_path):
    for threads in ("1", "3"):
        run("--model", "cnn-small", "--epochs", "1", "--threads", threads,
            "--output", f"{threads}.npz")  # fmt: skip
    one, three = (load_checkpoint(tmp_path / f"{n}.npz").model.parameters for n in (1, 3))
    np.testing.assert_array_equal(one, three)


def test_generated_digits_are_added_to_learn_from_and_not_to_judge_by(run):
    text = run("--model", "linear", "--epochs", "1", "--generated", "1500")
    assert "2,010 digits to learn from" in text  # 85 % of 600, and those


def test_generated_digits_are_others_each_epoch_whatever_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(synthetic, "AT_ONCE", 50)
    own = Dataset(np.full((5, 784), 0.5, np.float32), np.arange(5))
    written = []
    for threads, seed in ((1, 1), (3, 1), (2, 2)):
        dataset = with_room(own, 120)
        assert not dataset.images[5:].any()
        regenerate_synthetic(dataset, 5, threads)(np.random.default_rng(seed))
        np.testing.assert_array_equal(dataset.images[:5], own.images)
        written.append(dataset.images[5:])
        assert (written[-1].max(axis=1) > 0.5).all()
    np.testing.assert_array_equal(written[0], written[1])
    assert (written[0] != written[2]).any(axis=1).all()
    assert dataset.labels[5:17].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_the_recorded_command_is_the_one_that_was_given(run, tmp_path):
    options = ["--model", "tiny", "--epochs", "1", "--augment", "--label-smoothing", "0.1"]
    run(*options)
    record = load_checkpoint(tmp_path / "models/tiny.npz").record
    assert record["command"].split()[:3] == ["python", "-m", "nn.train"]
    assert sorted(record["command"].split()[3:]) == sorted(options)


def test_the_same_command_gives_the_same_weights(run, tmp_path):
    for name in "ab":
        run("--model", "mlp", "--epochs", "2", "--output", f"{name}.npz")
    a, b = (load_checkpoint(tmp_path / f"{name}.npz").model.parameters for name in "ab")
    np.testing.assert_array_equal(a, b)


def test_resume_refuses_what_would_not_continue(run, small_mnist, tmp_path):
    run("--model", "tiny", "--epochs", "3")
    path = "models/tiny.npz"
    with pytest.raises(UsageError, match=r"--seed 7 contradicts .* trained with 42; leave it out"):
        run("--resume", path, "--seed", "7")
    with pytest.raises(UsageError, match="has 3 epochs already, --epochs 2 asks for fewer"):
        run("--resume", path, "--epochs", "2")
    with pytest.raises(CheckpointError, match=r"no file .*missing\.training\.npz"):
        run("--resume", "missing.npz")
    (tmp_path / "x.training.npz").write_bytes((tmp_path / path).read_bytes())
    with pytest.raises(CheckpointError, match="does not hold a training"):
        run("--resume", "x.training.npz")
    other = tmp_path / "other"
    other.mkdir()
    for file in small_mnist.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    labels = other / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x00")
    with pytest.raises(UsageError, match=r"trained on other data .* same --data-dir"):
        train.main(["--data-dir", str(other), "--resume", path])


def test_a_loss_that_is_not_finite_leaves_the_good_file_alone(run, tmp_path):
    run("--model", "tiny", "--epochs", "1")
    before = (tmp_path / "models/tiny.npz").read_bytes()
    with pytest.raises(TrainingError, match="try a --learning-rate below"):
        run("--optimizer", "sgd", "--weight-decay", "0", "--learning-rate", "1e6", "--hidden",
            "9,9,9,9,9,9,9,9,9", "--output", "models/tiny.npz")  # fmt: skip
    assert (tmp_path / "models/tiny.npz").read_bytes() == before


def test_plot_draws_the_curves(run, tmp_path):
    run("--model", "tiny", "--epochs", "2", "--plot", "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_validation_of_nothing_takes_the_last_epoch(run):
    result = json.loads(run("--model", "mlp", "--epochs", "2", "--validation", "0", "--json"))
    assert result["validation_loss"] is None
    assert result["best_epoch"] == 2


def test_patience_ends_early(run):
    result = json.loads(
        run("--model", "linear", "--epochs", "50", "--patience", "2", "--json",
            "--learning-rate", "1e-12")
    )  # fmt: skip
    assert result["epochs"] < 50


def test_a_batch_larger_than_the_data(run):
    assert (
        json.loads(run("--model", "mlp", "--epochs", "1", "--batch-size", "9999", "--json"))[
            "epochs"
        ]
        == 1
    )


def command(*options, cwd, **how):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    return subprocess.Popen(
        [sys.executable, "-m", "nn.train", *options],
        cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **how,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--epochs", "0"], "argument --epochs: expected a whole number from 1 to 50000"),
        (["--learning-rate", "nan"], "argument --learning-rate: expected a number"),
        (["--model", "resnet"], "argument --model: invalid choice: 'resnet'"),
        (["--hidden", "12,x"], "argument --hidden: expected whole numbers from 1 to 10000"),
        (["--hidden", "9", "--model", "cnn"], "--hidden describes a multilayer perceptron"),
        (["--activation", "Tanh"], "--activation and --dropout need --hidden"),
        (["--model", "mlp", "--optimizer", "sgd"], "--weight-decay needs --optimizer adam"),
        (["--hidden", "99999999999"], "argument --hidden: expected whole numbers from 1 to 10000"),
        (["--hidden", "9" * 5000], "argument --hidden: expected whole numbers from 1 to 10000"),
        (["--hidden", ""], "argument --hidden: expected whole numbers from 1 to 10000"),
        (["--hidden", "10000,10000"], "--hidden 10000,10000 makes too large a network: more than"),
        (["--batch-size", "1" + "0" * 30], "argument --batch-size: expected a whole number from 1"),
        (["--epochs", "1e400"], "argument --epochs: expected a whole number from 1 to 50000"),
        (["--learning-rate", "1e400"], "argument --learning-rate: expected a number from 1e-12"),
        (["--resume", ""], ". is a folder; expected the file of a training"),
        (["--resume", "/"], "/ is a folder; expected the file of a training"),
        (["--output", ""], "cannot write .: Is a directory; choose another place with --output"),
        (["--output", "n" * 244 + ".npz"], "File name too long; choose another place with"),
        (["two\nlines\x1b[2J"], "unrecognized arguments: two lines\\x1b[2J; see"),
        (
            [
                "--hidden",
                "9,9,9,9,9,9,9,9",
                "--optimizer",
                "sgd",
                "--weight-decay",
                "0",
                "--learning-rate",
                "1e6",
            ],
            "expected a finite number; try a --learning-rate below",
        ),
        (["--data-dir", "missing"], "missing"),
        (["--output", "/proc/none/x.npz"], "cannot write /proc/none/x.npz"),
        (["--plot", "."], "cannot write .: Is a directory; choose another place with --plot"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(options, message, small_mnist, tmp_path, monkeypatch):
    data = [] if "--data-dir" in options else ["--data-dir", str(small_mnist)]
    monkeypatch.chdir(tmp_path)
    ended = run_command("nn.train", *data, *options)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.glob("**/*.npz")) == []


def test_ctrl_c_saves_the_best_weights_and_ends_with_130(small_mnist, tmp_path):
    process = command(
        "--data-dir",
        str(small_mnist),
        "--model",
        "mlp",
        "--epochs",
        "49999",
        "--output",
        "x.npz",
        cwd=tmp_path,
    )
    state = tmp_path / "x.training.npz"
    end = time.monotonic() + 300
    while not state.exists() and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "saved x.npz" in out
    figures = load_checkpoint(tmp_path / "x.npz").record["figures"]
    assert 1 <= figures["best_epoch"] <= figures["epochs"] < 49999
    # And it goes on from there.
    epochs = str(figures["epochs"] + 1)
    process = command(
        "--data-dir", str(small_mnist), "--resume", "x.npz", "--epochs", epochs, cwd=tmp_path
    )
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert f"epoch {epochs:>3}/{epochs}" in out


@pytest.mark.skipif(not can_fork(), reason="the system does not fork")
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_in_a_terminal_reaches_all_processes_and_is_told_once(
    small_mnist, tmp_path, presses
):
    """A terminal sends it to the whole group, the forked processes among them."""
    options = ["--model", "cnn-small", "--epochs", "49999", "--threads", "2", "--output", "x.npz"]
    process = command(
        "--data-dir", str(small_mnist), *options, cwd=tmp_path, start_new_session=True
    )
    wait_until((tmp_path / "x.training.npz").exists, 300)
    copies = children(process.pid)
    assert len(copies) == 1
    for _ in range(presses):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.002)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    told = err.splitlines()
    assert told in ([], ["ending after this batch; Ctrl-C again ends at once"])
    if presses == 1:  # two may come as one, before the line
        assert len(told) == out.count("saved x.npz") == 1
    assert not any(map(is_alive, copies))


def test_ctrl_c_is_heard_wherever_it_comes(run, monkeypatch, tmp_path, capsys):
    class Deleted:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)  # as an exception it would be swallowed here

    def interrupt(self, learner):
        if learner.batch == 2:
            Deleted()

    monkeypatch.setattr(Progress, "after_batch", interrupt)
    with pytest.raises(SystemExit) as ended:
        run("--model", "tiny")
    assert ended.value.code == 130
    assert "Ctrl-C again ends at once" in capsys.readouterr().err
    assert load_checkpoint(tmp_path / "models/tiny.npz").record["figures"]["best_epoch"] == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_at_once(run, monkeypatch):
    def interrupt(self, learner):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it went on")

    monkeypatch.setattr(Progress, "after_batch", interrupt)
    with pytest.raises(SystemExit) as ended:
        run("--model", "tiny")
    assert ended.value.code == 130


def test_ctrl_c_in_the_first_epoch_keeps_what_there_is(run, monkeypatch, tmp_path, capsys):
    def interrupt(self, learner):
        if learner.batch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "after_batch", interrupt)
    with pytest.raises(SystemExit) as ended:
        run("--model", "tiny")
    assert ended.value.code == 130
    assert load_checkpoint(tmp_path / "models/tiny.npz").record["figures"]["best_epoch"] == 0
    assert "--resume" not in capsys.readouterr().out  # there is nothing to go on from


@pytest.mark.parametrize(("model", "at_least"), [("linear", 0.92), ("tiny", 0.93), ("mlp", 0.975)])
def test_accuracy_on_mnist(model, at_least, mnist_folder, tmp_path, capsys):
    options = ["--model", model, "--output", str(tmp_path / "x.npz"), "--json"]
    train.main(["--data-dir", str(mnist_folder), *options])
    result = json.loads(capsys.readouterr().out)
    assert result["test_accuracy"] >= at_least
    # What ships is what this command gives.
    shipped = load_checkpoint(Path("models") / f"{model}.npz").record
    assert shipped["figures"]["test_accuracy"] == pytest.approx(result["test_accuracy"], abs=5e-4)
    assert shipped["data_checksum"] == load_checkpoint(tmp_path / "x.npz").record["data_checksum"]


@pytest.mark.parametrize(
    "change",
    [
        *({"settings": {name: value}} for name, value in [
            ("model", "resnet"), ("model", ["tiny"]), ("hidden", 7), ("hidden", [10**9]),
            ("hidden", "abc"), ("hidden", [True]), ("activation", "Sign"), ("dropout", 2.0),
            ("epochs", "9"), ("epochs", 10**30), ("batch_size", 0), ("batch_size", True),
            ("learning_rate", float("nan")), ("learning_rate", 1e999), ("optimizer", None),
            ("schedule", "never"), ("augment", 1), ("generated", -1), ("average", 1.0),
            ("keep", {}), ("validation", 1.0), ("slant", -1.0), ("patience", 0.5), ("seed", -1),
            ("seed", 2**64), ("unknown", 1),
        ]),
        *({"epoch": {name: value}} for name, value in [
            ("number", 2), ("number", "1"), ("seconds", None), ("seconds", "1"), ("seconds", -1.0),
            ("train_loss", 1e999), ("train_loss", float("nan")), ("learning_rate", 10**400),
            ("validation_loss", None), ("train_accuracy", []), ("unknown", 1),
        ]),
        *({"header": {name: value}} for name, value in [
            ("settings", None), ("settings", []), ("history", {}), ("history", [[]]),
            ("history", []), ("best_epoch", 0), ("best_epoch", 2), ("best_epoch", True),
            ("best_epoch", 1.0), ("average_steps", "3"), ("average_steps", -1),
            ("average_steps", None), ("data_checksum", 5), ("format", "digitpad network"),
        ]),
        *({"array": {name: value}} for name, value in [
            ("optimizer.steps", np.zeros(5)), ("optimizer.steps", np.array(-1)),
            ("optimizer.steps", np.array(1.5)),
        ]),
    ],
)  # fmt: skip
def test_a_state_that_no_training_wrote_is_refused(tiny_state, change):
    header, arrays = load_arrays(tiny_state)
    header["settings"] |= change.get("settings", {})
    header["history"][0] |= change.get("epoch", {})
    header |= change.get("header", {})
    arrays |= change.get("array", {})
    write_state(tiny_state, header, arrays)
    with pytest.raises(CheckpointError, match="does not hold a training to continue"):
        load_state(tiny_state)


def write_state(path, header, arrays):
    # As json.dumps writes what `save_arrays` would refuse to write.
    text = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with path.open("wb") as file:
        np.savez(file, header=text, **arrays)


@pytest.fixture(scope="module")
def trained_state(small_mnist, tmp_path_factory):
    folder = tmp_path_factory.mktemp("state")
    train.main(["--data-dir", str(small_mnist), "--model", "tiny", "--epochs", "1",
                "--output", str(folder / "tiny.npz")])  # fmt: skip
    return folder / "tiny.training.npz"


@pytest.fixture
def tiny_state(trained_state, tmp_path):
    path = tmp_path / "models" / "tiny.training.npz"
    path.parent.mkdir()
    path.write_bytes(trained_state.read_bytes())
    return path


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("parameters", np.zeros(7, np.float32)),
        ("best_parameters", np.full(7960, np.nan, np.float32)),
        ("optimizer.m", np.zeros((7960, 1), np.float32)),
        ("optimizer.v", np.full(7960, np.inf)),
        ("average", np.zeros(0)),
        ("more", np.zeros(3)),
    ],
)
def test_a_state_with_arrays_of_another_network_is_refused(run, tiny_state, name, array):
    header, arrays = load_arrays(tiny_state)
    write_state(tiny_state, header, arrays | {name: array})
    with pytest.raises(CheckpointError, match=f"as {name}, expected .* train anew"):
        run("--resume", str(tiny_state), "--epochs", "2")


def test_arrays_of_another_type_go_on_all_the_same(run, tiny_state):
    header, arrays = load_arrays(tiny_state)
    arrays["optimizer.m"] = arrays["optimizer.m"].astype(np.float64)
    arrays["optimizer.v"] = np.ones(7960, np.int32)
    write_state(tiny_state, header, arrays)
    assert json.loads(run("--resume", str(tiny_state), "--epochs", "2", "--json"))["epochs"] == 2


def test_a_state_whose_arrays_are_said_to_be_in_fortran_order_goes_on(run, tiny_state):
    with zipfile.ZipFile(tiny_state) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tiny_state, "w") as archive:
        for name, data in members.items():
            start, end = data.split(b"\n", 1)
            start = start.replace(b"'fortran_order': False", b"'fortran_order': True") + b" "
            archive.writestr(name, start + b"\n" + end)
    with np.load(tiny_state) as file:  # NumPy reads it as well
        assert len(file["parameters"]) == 7960
    assert json.loads(run("--resume", str(tiny_state), "--epochs", "2", "--json"))["epochs"] == 2


@pytest.mark.parametrize(("count", "label"), [(1, 3), (40, 3)])
def test_one_image_and_one_class_train_to_the_end(run, tmp_path, count, label):
    folder = tmp_path / "little"
    folder.mkdir()
    for part in ("train", "t10k"):
        write_idx(folder / f"{part}-images-idx3-ubyte", made_up_digits(count, 1)[0])
        write_idx(folder / f"{part}-labels-idx1-ubyte", np.full(count, label))
    for model in ("mlp", "cnn-small"):
        result = run("--data-dir", str(folder), "--model", model, "--epochs", "1", "--json")
        assert json.loads(result)["epochs"] == 1
