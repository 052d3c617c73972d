import sys

import pytest

from app.animate import main, save_gif
from app.my_digits.my_digits import MyDigits
from app.session.predictor import no_digit
from app.window.input.commands import ALL_COMMANDS
from nn.support.errors import UsageError
from tests.helpers.paths import EXAMPLES

FAST = ["--replay", str(EXAMPLES), "--digits", "1", "--size", "480x320", "--rate", "5"]


def test_the_window_becomes_a_gif_that_moves(tmp_path, capsys, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    asked = []
    monkeypatch.setattr(
        "app.animate.no_digit", lambda images: (asked.append(images), no_digit(images))[1]
    )
    path = tmp_path / "new" / "a.gif"
    main([*FAST, "--model", "mlp", "--output", str(path)])
    assert asked  # "not sure" is said as in the window
    assert f"{path}: " in capsys.readouterr().out
    assert list(path.parent.iterdir()) == [path]
    with image.open(path) as gif:
        assert gif.size == (480, 320)
        assert gif.n_frames > 5
        seconds = 0.0
        for frame in range(gif.n_frames):
            gif.seek(frame)
            seconds += gif.info["duration"] / 1000
        assert 3 < seconds < 10  # in its own time: drawing, looking at the answer
        assert gif.info["loop"] == 0


def test_without_pillow_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match=r'pip install -e "\.\[plot\]"$'):
        main([*FAST, "--output", str(tmp_path / "a.gif")])
    assert not list(tmp_path.iterdir())


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.gif"):
        main([*FAST, "--output", str(tmp_path / "a.png")])
    assert not list(tmp_path.iterdir())


def test_a_gif_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    pytest.importorskip("PIL.Image")
    path = tmp_path / "a.gif"
    path.mkdir()  # since it was looked whether it can be written
    with pytest.raises(UsageError, match=r"cannot write .*a\.gif: .*another place with --output"):
        save_gif([bytes(12)], (2, 2), 10, path)


def test_the_tour_shows_why_the_inside_and_a_correction(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    done = []
    for name in ("why", "switch off", "restore"):
        monkeypatch.setitem(
            ALL_COMMANDS,
            name,
            ALL_COMMANDS[name]._replace(does=_noting(name, done, ALL_COMMANDS[name])),
        )
    path = tmp_path / "tour.gif"
    tour = ["--replay", str(EXAMPLES.parent / "tour-strokes.jsonl"), "--tour"]
    learned = []
    poll = MyDigits.poll
    monkeypatch.setattr(
        MyDigits, "poll", lambda my_digits: learned.append(said := poll(my_digits)) or said
    )
    main([*tour, "--size", "480x320", "--rate", "2", "--output", str(path)])
    assert done[:2] == ["why", "why"]
    assert done[2:-1] == ["switch off"] * len(done[2:-1]) != []
    assert done[-1] == "restore"
    assert any(learned)  # what the correction came to
    with image.open(path) as gif:
        assert gif.n_frames > 10


def _noting(name, done, command):
    (action, *_) = command.actions.values()
    return lambda screen: (done.append(name), action(screen))
