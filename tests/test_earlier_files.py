"""Files that version 0.1 wrote are still read, and its commands' names still work.

`tests/cases/version-0.1` holds files that it wrote:

* `small.npz` and `small.training.npz`, trained on `write_small_mnist`'s digits with
  `--hidden 4 --epochs 8 --batch-size 16 --learning-rate 0.01 --average 0.9 --slant 0.2`;
* `drawing.png` and `drawing.jsonl`, saved in the window: a 3;
* `profile`, with four corrections and the shipped `tiny` network tuned to them.
"""

import json
import runpy
import shutil
import sys

import numpy as np
import pytest

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.session import Session
from nn import evaluate, train
from nn.inference.checkpoint import load_checkpoint
from nn.inference.classifier import load_classifier
from nn.training.resume import load_state
from tests.helpers.clock import Clock
from tests.helpers.paths import CASES

OLD = CASES / "version-0.1"


def test_a_network_is_evaluated_as_before(small_mnist, capsys):
    evaluate.main(["--model", str(OLD / "small.npz"), "--data-dir", str(small_mnist), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (result["parameters"], result["accuracy"]) == (3190, 0.84)
    assert result["loss"] == pytest.approx(0.38817, rel=1e-4)  # calibrated, and slanted as well
    assert load_classifier(OLD / "small.npz").checkpoint.shear == 0.2


def test_a_training_is_resumed(small_mnist, tmp_path, capsys):
    for name in ("small.npz", "small.training.npz"):
        shutil.copy(OLD / name, tmp_path / name)
    path = tmp_path / "small.npz"
    before = load_state(path)
    train.main(["--resume", str(path), "--epochs", "10", "--data-dir", str(small_mnist)])
    after = load_state(path)
    assert len(after.history) == 10
    assert after.history[:8] == before.history
    assert after.history[9].validation_loss < before.history[7].validation_loss
    assert after.header["average_steps"] > before.header["average_steps"] > 0
    assert load_checkpoint(path).record["settings"]["epochs"] == 10


@pytest.mark.parametrize("name", ["drawing.png", "drawing.jsonl"])
def test_a_drawing_is_opened(name):
    session = Session(load_classifier("linear"), clock=Clock())
    session.open_file(OLD / name)
    assert session.predictor.answer.digit == 3, session.message
    session.close()


def test_a_profile_keeps_its_digits_and_what_was_learned_from_them(tmp_path):
    shutil.copytree(OLD / "profile", tmp_path / "profile")
    # Once models/tiny.npz is trained anew, the digits are learned again: keep today's in OLD then.
    shipped = load_classifier("tiny")
    my_digits = MyDigits(Profile(tmp_path / "profile"), shipped, tmp_path / "nowhere")
    assert my_digits.load() == ""
    assert [own.digit.label for own in my_digits.digits] == [0, 1, 2, 7]
    assert not my_digits.is_busy  # nothing is to be learned again
    assert my_digits.classifier is not None
    while my_digits.is_reading:
        my_digits.read_some()
    assert all(my_digits.is_right(own) for own in my_digits.digits)
    tuned, own = my_digits.classifier.checkpoint.model, shipped.checkpoint.model
    assert not np.array_equal(tuned.parameters, own.parameters)
    my_digits.close()
    lines = (OLD / "profile" / "digits.jsonl").read_bytes()
    assert (tmp_path / "profile" / "digits.jsonl").read_bytes() == lines


@pytest.mark.parametrize(
    ("former", "now"),
    [("app.refusals", "app.rejections"), ("nn.train_refusal", "nn.train_rejection")],
)
def test_a_command_answers_to_its_former_name(former, now, monkeypatch, capsys):
    helps = []
    for name in (former, now):
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.setattr(sys, "argv", [name, "--help"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(name, run_name="__main__")
        assert ended.value.code in (0, None)
        helps.append(capsys.readouterr().out.replace(former, now).split())
    assert helps[0] == helps[1]
