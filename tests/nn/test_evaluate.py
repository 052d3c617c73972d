import json
from dataclasses import replace

import numpy as np
import pytest

from nn import evaluate
from nn.data.dataset import load_mnist
from nn.handwriting.framing import frame
from nn.inference import metrics
from nn.inference.calibration import expected_calibration_error
from nn.inference.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from nn.inference.classifier import load_classifier
from nn.network.architectures import NAMED, build
from nn.support.errors import CheckpointError, DataError, UsageError
from tests.helpers.commands import run_command
from tests.helpers.data_files import write_idx


@pytest.fixture
def network(tmp_path):
    """A linear network of which we know every answer: the row it looks at decides."""
    model = build(NAMED["linear"], np.random.default_rng(0))
    model.parameters[:] = 0
    weight = model.layers[1].params["weight"].reshape(10, 28, 28)
    for digit in range(10):
        weight[digit, 2 * digit + 4 : 2 * digit + 6] = 1
    weight[3] = 0  # it cannot read a 3
    path = tmp_path / "known.npz"
    save_checkpoint(path, Checkpoint("linear", NAMED["linear"], model, {}))
    return path


def test_a_known_network_is_judged_right(network, small_mnist, capsys):
    options = ["--model", str(network), "--data-dir", str(small_mnist)]
    evaluate.main([*options, "--json"])
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result.keys() >= {
        "model", "parameters", "images", "accuracy", "loss", "per_class", "confusion", "framed",
        "calibration_error",
    }  # fmt: skip
    assert (result["model"], result["parameters"], result["images"]) == ("linear", 7850, 100)
    assert result["accuracy"] == 0.9
    assert result["plus_minus"] == pytest.approx(1.96 * 0.03)
    confusion = np.array(result["confusion"])
    assert confusion.sum() == 100
    assert confusion[3, 3] == 0
    assert (np.delete(np.diag(confusion), 3) == 10).all()
    assert result["per_class"][3] == {"digit": 3, "count": 10, "accuracy": 0.0}
    assert result["framed"] is False
    error = result["calibration_error"]
    assert 0 < error < 0.1
    # With --json the report goes to standard error.
    assert "accuracy 90.00 % ± 5.88" in captured.err
    assert f"calibration error {100 * error:.2f} %" in captured.err


def test_framing_moves_the_digits_before_they_are_read(network, tmp_path, capsys):
    # A bar at the place of a 0, at the top, which framing moves to the middle: to the place of a 5.
    images = np.zeros((20, 28, 28))
    images[:, 4, 4:24] = 255
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(20) % 2 * 5)
    options = ["--model", str(network), "--data-dir", str(tmp_path)]
    for framed, read_as in ((False, 0), (True, 5)):
        evaluate.main([*options, "--json", *["--framed"] * framed])
        captured = capsys.readouterr()
        result = json.loads(captured.out)
        assert result["framed"] is framed
        assert np.array(result["confusion"])[:, read_as].sum() == 20
        assert ("test images, framed\n" in captured.err) is framed


def test_each_image_is_framed_on_its_own():
    rng = np.random.default_rng(0)
    images = np.zeros((3, 28, 28), np.float32)
    images[0, 3:9, 2:20] = rng.uniform(size=(6, 18))
    images[1, 10:28, 20:25] = rng.uniform(size=(18, 5))
    framed = evaluate.frame_each(images.reshape(3, 784))
    assert framed.shape == (3, 28, 28)
    assert framed.dtype == np.float32
    for image, one in zip(images, framed, strict=True):
        np.testing.assert_array_equal(one, frame(image))
    assert not framed[2].any()


def test_the_calibration_error_is_that_of_the_probabilities():
    sure = np.log([[0.91] + [0.01] * 9] * 2)
    assert metrics.evaluate_logits(sure, np.array([0, 1]))["calibration_error"] == pytest.approx(
        0.41
    )
    assert metrics.evaluate_logits(sure, np.array([0, 0]))["calibration_error"] == pytest.approx(
        0.09
    )


def test_the_networks_temperature_counts(network, small_mnist, tmp_path, capsys):
    cool = load_checkpoint(network)
    warm = tmp_path / "warm.npz"
    save_checkpoint(warm, replace(cool, temperature=20.0))
    results = []
    for path in (network, warm):
        evaluate.main(["--model", str(path), "--data-dir", str(small_mnist), "--json"])
        results.append(json.loads(capsys.readouterr().out))
    assert results[0]["confusion"] == results[1]["confusion"]
    test_set = load_mnist(small_mnist)[1]
    probabilities = load_classifier(warm).probabilities(test_set.images)
    expected = expected_calibration_error(probabilities, test_set.labels)
    assert results[1]["calibration_error"] == pytest.approx(expected, abs=1e-5)
    assert results[1]["calibration_error"] > 2 * results[0]["calibration_error"]
    of_the_label = probabilities[np.arange(100), test_set.labels]
    assert results[1]["loss"] == pytest.approx(-np.log(of_the_label).mean(), rel=1e-4)


def test_the_report_shows_the_matrix(network, small_mnist, capsys):
    evaluate.main(["--model", str(network), "--data-dir", str(small_mnist)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "linear (784-10, 7,850 parameters) on 100 test images"
    assert lines[-7].split()[0] == "3"
    assert lines[-7].endswith("0.0 %")
    assert lines[-1].endswith("100.0 %")


def test_a_digit_that_does_not_occur_has_no_accuracy():
    result = metrics.evaluate_logits(np.eye(10)[[1, 1]], np.array([1, 2]))
    assert result["per_class"][0]["accuracy"] is None
    assert "–" in metrics.report(result)


def test_worst_are_named_and_drawn(network, small_mnist, capsys, tmp_path):
    picture = tmp_path / "worst.png"
    evaluate.main(
        ["--model", str(network), "--data-dir", str(small_mnist), "--worst", "4",
         "--plot", str(picture)]
    )  # fmt: skip
    text = capsys.readouterr().out
    assert "most confidently wrong (10 wrong in all):" in text
    assert text.count("a 3, read as") == 4
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_nothing_wrong_can_be_shown_too(small_mnist, network, tmp_path):
    from nn.support.plots import plot_digits

    plot_digits(np.empty((0, 784)), [], tmp_path / "none.png", "nothing")
    assert (tmp_path / "none.png").exists()


def test_wrong_use(network, small_mnist):
    with pytest.raises(UsageError, match="say how many with --worst N"):
        evaluate.main(["--model", str(network), "--plot", "x.png"])
    with pytest.raises(CheckpointError, match="no network 'nothing'"):
        evaluate.main(["--model", "nothing", "--data-dir", str(small_mnist)])
    ended = run_command("nn.evaluate", "--model", "nothing")
    assert ended.returncode == 2
    assert ended.stderr.startswith("nn.evaluate: no network 'nothing'")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("name", "at_least"), [("linear", 0.92), ("tiny", 0.93), ("mlp", 0.975)])
def test_shipped_networks_read_mnist(name, at_least, mnist_folder, capsys):
    evaluate.main(["--model", name, "--data-dir", str(mnist_folder), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 10_000
    assert result["accuracy"] >= at_least


def write_rows(path, images, labels=None, heading=True):
    """A CSV file as Kaggle's train.csv or, without labels, its test.csv."""
    lines = [",".join([*["label"] * (labels is not None), *(f"pixel{i}" for i in range(784))])]
    for number, image in enumerate(images):
        first = [] if labels is None else [labels[number]]
        lines.append(",".join(map(str, [*first, *np.rint(255 * image).astype(int)])))
    path.write_text("\n".join(lines[0 if heading else 1 :]) + "\n")


@pytest.mark.parametrize("heading", [True, False])
def test_answers_are_written_as_kaggle_wants_them(network, small_mnist, tmp_path, capsys, heading):
    images = load_mnist(small_mnist)[1].images[:12]
    write_rows(tmp_path / "test.csv", images, heading=heading)
    target = tmp_path / "new" / "predictions.csv"
    evaluate.main(
        ["--model", str(network), "--images", str(tmp_path / "test.csv"), "--csv", str(target),
         "--json"]
    )  # fmt: skip
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 12
    assert result["csv"] == str(target)
    assert "accuracy" not in result
    rows = [line.split(",") for line in target.read_text().splitlines()]
    assert rows[0] == ["ImageId", "Label"]
    assert [int(number) for number, _ in rows[1:]] == list(range(1, 13))
    guesses = [int(label) for _, label in rows[1:]]
    assert guesses == load_classifier(network).logits(images).argmax(axis=1).tolist()
    assert guesses[:3] == [0, 1, 2]
    assert guesses[4:10] == [4, 5, 6, 7, 8, 9]


def test_images_with_labels_are_judged(network, small_mnist, tmp_path, capsys):
    test_set = load_mnist(small_mnist)[1]
    write_rows(tmp_path / "own.csv", test_set.images[:20], test_set.labels[:20])
    evaluate.main(["--model", str(network), "--images", str(tmp_path / "own.csv"), "--json"])
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["images"], result["accuracy"]) == (20, 0.9)
    assert f"on 20 images of {tmp_path / 'own.csv'}" in captured.err


def test_the_test_files_answers_can_be_written_too(network, small_mnist, tmp_path):
    target = tmp_path / "predictions.csv"
    evaluate.main(["--model", str(network), "--data-dir", str(small_mnist), "--csv", str(target)])
    assert len(target.read_text().splitlines()) == 101


def test_wrong_use_of_csv_files(network, small_mnist, tmp_path):
    unlabelled, folder = tmp_path / "test.csv", tmp_path / "folder"
    write_rows(unlabelled, np.zeros((2, 784)))
    folder.mkdir()
    model = ["--model", str(network), "--images", str(unlabelled)]
    answers = ["--csv", str(tmp_path / "out.csv")]
    with pytest.raises(
        UsageError, match="has no labels to judge by; write what is read with --csv"
    ):
        evaluate.main(model)
    with pytest.raises(UsageError, match="no labels to judge by; leave out --worst"):
        evaluate.main([*model, *answers, "--worst", "3"])
    with pytest.raises(UsageError, match="leave one of them out"):
        evaluate.main([*model, *answers, "--data-dir", str(small_mnist)])
    with pytest.raises(UsageError, match=r"cannot write .* choose another place with --csv"):
        evaluate.main([*model, "--csv", str(folder)])
    with unlabelled.open("a") as file:
        file.write("1,2,3\n")
    with pytest.raises(DataError, match="784 columns in line 4, as in the first, received 3"):
        evaluate.main([*model, *answers])
    (tmp_path / "empty.csv").write_text("pixel0,pixel1\n")
    with pytest.raises(DataError, match="expected 784 pixels a line, with or without a label"):
        evaluate.main(["--images", str(tmp_path / "empty.csv"), *answers])
    assert not (tmp_path / "out.csv").exists()
