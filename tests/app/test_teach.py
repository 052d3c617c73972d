import json

import pytest

from app import teach
from app.drawing.strokes import RecordedDigit
from app.teach import summary, writers_of
from nn.inference.classifier import load_classifier
from nn.support.errors import DataError
from nn.training.finetuning import Amounts, Tuner

SEVEN = [[(8.0, 5.0), (20.0, 5.0), (12.0, 24.0)]]
SMALL = Amounts(rehearsed=60, rehearsed_synthetic=60, guarded=40, variations=2, steps=2)


def line(label, strokes, writer):
    return json.dumps({"label": label, "strokes": strokes, "writer": writer}) + "\n"


def test_only_writers_with_enough_digits_and_mistakes_are_taught():
    digits = [RecordedDigit(7, SEVEN, "good")] * 4
    digits += [RecordedDigit(3, SEVEN, "odd"), RecordedDigit(7, SEVEN, "odd")] * 2
    digits += [RecordedDigit(3, SEVEN, "few"), RecordedDigit(3, SEVEN)]
    (odd,) = writers_of(digits, load_classifier("mlp"), 4, 2)
    assert odd.name == "odd"
    assert odd.misread.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("strokes", "is_kept"),
    [
        ([[(14.0, 4.0), (14.3, 15.0), (14.0, 24.0)]], False),  # a line, of a trembling hand
        ([[(4.0, 4.0), (24.0, 24.0)], [(14.0, 14.0), (24.0, 24.0)]], False),  # gone over again
        ([[(14.0, 4.0)]], False),  # a dot
        ([[(14.0, 4.0), (14.2, 4.1), (14.1, 4.3)]], False),  # a dot that was hardly moved
        ([[(14.0, 4.0), (14.0, 24.0)], [(10.0, 24.0), (18.0, 24.0)]], True),  # with a foot
        (SEVEN, True),
    ],
)
def test_dots_and_straight_lines_are_left_out_of_the_count(strokes, is_kept):
    digits = [RecordedDigit(4, strokes)] + [RecordedDigit(7, SEVEN)] * 2
    assert len(teach.with_form(digits)) == 2 + is_kept


def test_the_first_misread_are_taught_and_never_scored():
    network = load_classifier("mlp")
    digits = [RecordedDigit(3, SEVEN, "odd")] * 5 + [RecordedDigit(7, SEVEN, "odd")] * 3
    (writer,) = writers_of(digits, network, 2, 2)
    seen = []

    class Spy(Tuner):
        def tune(self, images, labels, current=None):
            seen.append(labels)
            return super().tune(images, labels, current)

    tuner = Spy(network, 0, use_mnist=False, threads=1, amounts=SMALL)
    row, _ = teach.teach(writer, tuner, 0.5, 20)
    assert (row["taught"], row["rest"], row["errors_before"]) == (2, 6, 3)
    row, _ = teach.teach(writer, tuner, 1.0, 4)
    assert (row["taught"], row["rest"], row["errors_before"]) == (4, 4, 1)
    assert [labels.tolist() for labels in seen] == [[3, 3], [3] * 4]


def test_the_summary_adds_up():
    row = {"taught": 1, "taught_now_right": 1, "seconds": 1.0}
    rows = [
        {**row, "errors_before": 4, "errors_after": 1, "rest": 50},
        {**row, "errors_before": 0, "errors_after": 1, "rest": 50},
    ]
    result = summary(rows, [0.99, 0.98, 0.985])
    assert (result["errors_before"], result["errors_after"]) == (4, 2)
    assert result["worst_writer_change"] == pytest.approx(-2.0)
    assert result["mnist_after_mean"] == pytest.approx(0.9825)
    assert result["mnist_after_lowest"] == 0.98
    assert summary([], [])["worst_writer_change"] is None


def test_the_command(tmp_path, monkeypatch, small_mnist, capsys):
    monkeypatch.setattr(teach, "Tuner", lambda *a, **k: Tuner(*a, **k, amounts=SMALL))
    path = tmp_path / "strokes.jsonl"
    path.write_text(line(3, SEVEN, "o\x1bd") * 4 + line(7, SEVEN, "o\x1bd") * 3)
    options = ["--model", "mlp", "--least-digits", "5", "--data-dir", str(small_mnist), "--json"]
    teach.main([str(path), *options])
    output = capsys.readouterr()
    assert "o?d" in output.err
    assert "\x1b" not in output.err
    result = json.loads(output.out)
    assert result["writers"] == 1
    assert result["rehearsed_on_mnist"]
    half, every = result["rounds"]["half"], result["rounds"]["all"]
    assert (half["taught"], every["taught"]) == (2, 4)
    assert 0 <= half["mnist_after_lowest"] <= 1
    assert half["writers"][0]["writer"] == "o\x1bd"


def test_a_writer_all_of_whose_digits_are_taught_has_no_rest(
    tmp_path, monkeypatch, small_mnist, capsys
):
    monkeypatch.setattr(teach, "Tuner", lambda *a, **k: Tuner(*a, **k, amounts=SMALL))
    path = tmp_path / "strokes.jsonl"
    path.write_text(line(3, SEVEN, "odd") * 4)
    options = ["--model", "mlp", "--least-digits", "2", "--data-dir", str(small_mnist), "--json"]
    teach.main([str(path), *options])
    output = capsys.readouterr()
    rounds = json.loads(output.out)["rounds"]
    assert rounds["half"]["worst_writer_change"] is not None
    assert rounds["all"]["worst_writer_change"] is None
    assert rounds["all"]["writers"][0]["rest"] == 0
    assert output.err.count("no digit left to judge by") == 1


def test_a_file_without_writers_is_one_clear_line(tmp_path):
    path = tmp_path / "strokes.jsonl"
    path.write_text('{"label": 1, "strokes": [[[0, 0], [0, 9]]]}\n')
    with pytest.raises(DataError, match="does not say who wrote"):
        teach.main([str(path), "--model", "mlp"])
