import ast
import json
import re
import sys

import numpy as np
import pytest

from nn.benchmark import systems
from nn.benchmark.report import beside_frameworks
from nn.data.dataset import Dataset, load_mnist, read_csv
from nn.lessons import __main__ as lessons
from nn.lessons import lesson_a, lesson_b, lesson_c
from nn.lessons import steps as lesson_steps
from nn.lessons import tables as lesson_tables
from nn.network.architectures import NAMED, build
from nn.support.errors import UsageError
from nn.training.learner import Learner
from nn.training.tasks import two_parts
from tests.helpers.commands import run_command
from tests.helpers.paths import ROOT

PAGE = ROOT / "nn" / "lessons" / "LESSONS.md"


@pytest.fixture
def without_frameworks(monkeypatch):
    for key in ("torch", "tensorflow"):
        system = systems.SYSTEMS[key]._replace(packages=("no_such_package",))
        monkeypatch.setitem(systems.SYSTEMS, key, system)


@pytest.fixture
def short(monkeypatch):
    """As little as the small data set needs."""
    monkeypatch.setattr(lesson_c, "STEPS", 60)
    monkeypatch.setattr(lesson_c, "EVERY", 20)
    monkeypatch.setattr(lesson_c, "EPOCHS", 3)
    monkeypatch.setattr(lesson_tables, "EPOCHS", 1)


def test_all_lessons_on_a_small_data_set(small_mnist, tmp_path, capsys, short, without_frameworks):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "pictures"
    lessons.main(["all", "--data-dir", str(small_mnist), "--output", str(folder), "--json"])
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result.keys() == {"a", "b", "c", "seconds", "output"}
    assert {path.name for path in folder.iterdir()} == {
        "a-samples.png", "a-curves.png", "a-weights-linear.png", "a-weights-relu.png",
        "a-activations.png", "a-two-layers.png", "b-curves.png", "b-confusion.png", "b-mlp.npz",
        "c-curve.png", "c-predictions.png",
    }  # fmt: skip
    a, b, c = (result[lesson] for lesson in "abc")
    assert (a["digits"], a["validation"]) == (700, 105)
    assert [row["model"] for row in a["rows"]] == ["linear", "linear–ReLU–linear"]
    assert all(row["validation_accuracy"] > 0.9 for row in a["rows"])
    assert all(one["step"]["loss_after"] < one["step"]["loss_before"] for one in (a, b, c))
    assert b["same_after_loading"] is True
    assert len(b["validation_losses"]) == 10
    own = {row["network"]: row for row in b["rows"]}
    assert set(own) == {"mlp", "cnn-small"}
    # The training that is shown is the one that is compared.
    assert own["mlp"]["validation_loss"] == pytest.approx(b["validation_losses"][-1], rel=1e-4)
    assert b["not_measured"] == ["TensorFlow", "PyTorch"]
    assert captured.err.count("not measured: it is not installed") == 2
    assert (c["rows"], c["held_out"]) == (600, 85)
    assert [step for step, _, _ in c["points"]] == [1, 20, 40, 60]
    assert c["held_out_accuracy"] == c["points"][-1][2]
    for text in ("weight (50, 784), bias (50,)", "(p − y)/N", "w ← w − 0.1 · ∂L/∂w"):
        assert text in captured.err


def test_the_tables(small_mnist, capsys, short):
    lessons.main(["tables", "--data-dir", str(small_mnist), "--json"])
    captured = capsys.readouterr()
    tables = json.loads(captured.out)["tables"]
    assert set(tables) == {"initialisation", "batch size", "learning rate", "activation"}
    zero = tables["initialisation"][0]
    assert zero["loss_before"] == pytest.approx(np.log(10), abs=1e-6)
    assert [row["steps"] for row in tables["batch size"]] == [60, 15, 4, 1, 1]  # of 480 digits
    assert "784-100-100-100-10, 1 epochs of 480 digits" in captured.err


def test_a_training_that_explodes_has_no_loss(small_mnist):
    parts = two_parts(load_mnist(small_mnist)[0])
    assert [len(part.labels) for part in parts] == [480, 120]
    figures = lesson_tables.train(parts, lesson_tables.network(), 16, learning_rate=1e4)
    assert figures["loss"] is None
    assert 0 < figures["steps"] <= 90
    assert "–" in lesson_tables.table_row("1e4", figures)
    json.dumps(figures, allow_nan=False)


def test_a_step_leaves_the_network_as_it_was(capsys):
    model = build(NAMED["tiny"], np.random.default_rng(0))
    before = model.parameters.copy()
    images = np.random.default_rng(1).random((20, 784), dtype=np.float32)
    figures = lesson_steps.explain_step(model, images, np.arange(20) % 10, 0.1)
    np.testing.assert_array_equal(model.parameters, before)
    assert figures["loss_after"] < figures["loss_before"]
    assert figures["gradient_norm"] > 0
    assert "Linear(784, 10)" in capsys.readouterr().out


def test_the_right_gradient_and_the_wrong_one():
    check = lesson_steps.softmax_gradient_check()
    assert check["right"] < 1e-8
    assert check["wrong"] > 0.01
    assert check["cosine"] < 0.95
    assert check["ratio"] < 0.3


def test_two_linear_layers_are_one_and_cannot_tell_a_ring():
    assert lesson_steps.two_layers_are_one() < 1e-12
    accuracies = lesson_steps.learn_a_ring().accuracies
    assert accuracies["linear"] < 0.7
    assert accuracies["linear–linear"] < 0.7
    assert accuracies["linear–ReLU–linear"] > 0.99


def test_the_csv_file_is_kaggles(tmp_path, small_mnist):
    whole = load_mnist(small_mnist)[0]
    some = Dataset(whole.images[:30], whole.labels[:30])
    lesson_c.write_csv(tmp_path / "train.csv", some)
    first = (tmp_path / "train.csv").read_text().splitlines()[0]
    assert first.startswith("label,pixel0,pixel1,")
    assert first.endswith(",pixel783")
    again = read_csv(tmp_path / "train.csv")
    np.testing.assert_array_equal(again.images, some.images)
    np.testing.assert_array_equal(again.labels, some.labels)


def test_without_matplotlib_there_is_a_line_instead_of_pictures(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert lessons.picture_folder(None) is None
    said = capsys.readouterr().out
    assert said.startswith("no pictures: plots need matplotlib")
    assert said.endswith('pip install -e ".[plot]"\n')  # what the name brings on PyPI is another's
    with pytest.raises(UsageError, match="plots need matplotlib"):
        lessons.picture_folder(tmp_path)


def test_wrong_use_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for options in (["d"], [], ["a", "--data-dir", str(tmp_path), "--output", f"{tmp_path}/x"],
                    ["a", "--output", str(tmp_path / "file")]):  # fmt: skip
        ended = run_command("nn.lessons.__main__", *options)
        assert ended.returncode == 2
        assert ended.stderr.count("\n") == 1


def quotes():
    """The page's pieces of code: the file and the name in it that the first line says, the rest."""
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        head, *lines = block.splitlines()
        file, name = head.removeprefix("# ").split(", ")
        yield file, name, [line.strip() for line in lines if line.strip()]


def source_of(file, name):
    """The lines of a function, a class's method or a variable of a file."""
    text = (ROOT / file).read_text(encoding="utf-8")
    body = ast.parse(text).body
    for part in name.split("."):
        (node,) = (
            node
            for node in body
            if getattr(node, "name", None) == part
            or (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == part)
        )
        body = getattr(node, "body", [])
    return [line.strip() for line in text.splitlines()[node.lineno - 1 : node.end_lineno]]


def test_every_quoted_line_is_in_what_is_named_and_in_this_order():
    found = list(quotes())
    assert len(found) >= 15
    for file, name, lines in found:
        code = iter(source_of(file, name))
        for line in lines:
            assert line in code, f"{name} in {file} does not have {line!r} there"


@pytest.mark.parametrize("lesson", ["a", "b", "c", "tables"])
def test_ctrl_c_ends_a_lesson(lesson, small_mnist, monkeypatch, short):
    def interrupted(learner, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Learner, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lessons.main([lesson, "--data-dir", str(small_mnist)])


def test_the_pages_pictures_are_there_and_small():
    text = PAGE.read_text(encoding="utf-8")
    pictures = [PAGE.parent / name for name in re.findall(r"!\[.*?\]\((.*?)\)", text)]
    assert pictures
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)
    folder = ROOT / "assets" / "lessons"
    assert {picture.resolve() for picture in pictures} == set(folder.iterdir())
    assert sum(picture.stat().st_size for picture in folder.iterdir()) < 600_000


@pytest.mark.parametrize("lesson", ["a", "c"])
def test_the_lessons_reach_their_figures_on_mnist(lesson, mnist_folder, capsys):
    train_set, test_set = load_mnist(mnist_folder)
    if lesson == "a":
        rows = lesson_a.run(train_set, test_set, None)["rows"]
        assert rows[0]["validation_accuracy"] >= 0.92
        assert rows[1]["validation_accuracy"] >= 0.98
    else:
        figures = lesson_c.run(train_set, None)
        assert figures["held_out_accuracy"] >= 0.85
        assert figures["mini_batch_held_out_accuracy"] >= 0.93


def test_lesson_b_is_below_what_the_teaching_project_reports(mnist_folder, without_frameworks):
    figures = beside_frameworks(lesson_b.REPORTED, mnist_folder)
    own = {row["network"]: row["validation_loss"] for row in figures["rows"]}
    assert own["mlp"] < min(lesson_b.REPORTED["mlp"])
    assert own["cnn-small"] < min(lesson_b.REPORTED["cnn-small"])
