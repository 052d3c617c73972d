"""The program in hostile surroundings, by its commands: each failure is one line, and no loss.

What a module does by itself when a disk is full is tested with that module.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pygame
import pytest

from app.drawing import drawings
from app.drawing.canvas import Canvas
from app.drawing.drawings import save_drawing, save_picture, saved_drawings, users_drawings
from app.drawing.strokes import RecordedDigit, read_strokes
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile, open_profile
from app.session.networks import users_networks
from app.session.session import Session
from app.window.loop import serve
from app.window.painter import Painter
from nn.data.dataset import cached_mnist
from nn.inference.checkpoint import load_checkpoint
from nn.inference.classifier import load_classifier
from nn.support.errors import CheckpointError, DataError, DigitpadError
from nn.support.files import TEMPORARY
from nn.training.resume import load_state
from tests.helpers.commands import environment, is_one_line
from tests.helpers.paths import EXAMPLES, ROOT
from tests.helpers.screens import screen_of

LINES = [[(14.0, 4.0), (14.0, 24.0)]]
ODD = os.fsdecode(b"b\xe4d n\xffme \xc3\xa9")  # no UTF-8, as from a disk of another system

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
# Elsewhere a file's name is always Unicode, and memory is counted in another way.
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux does this so")


def perform(*commands, cwd, **changes):
    """Perform commands, each a list of words or a dict as `tests/helpers/performing.py` has
    them."""
    asked = [{"words": command} if isinstance(command, list) else command for command in commands]
    for command in asked:
        command["words"] = list(map(str, command["words"]))
    performed = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "helpers" / "performing.py")],
        input=json.dumps(asked),
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert performed.returncode == 0, performed.stderr
    return [tuple(result) for result in json.loads(performed.stdout)]


def run(*words, **options):
    """One command in an interpreter of its own."""
    command = [sys.executable, "-m", *map(str, words)]
    options = {"stderr": subprocess.PIPE, "cwd": ROOT, **options}
    return subprocess.run(command, env=environment(), text=True, timeout=300, **options)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    canvas = Canvas()
    canvas.draw_strokes(LINES)
    return save_drawing(canvas, tmp_path_factory.mktemp("picture"), 1)[0]


@pytest.fixture
def screen(tmp_path):
    pygame.font.init()
    screen = screen_of(load_classifier("linear"), drawings=tmp_path / "drawings")
    session = screen.session
    session.canvas.draw_strokes(LINES)
    session.predict_now()
    return screen


def fill(disk):
    """Write on a disk until nothing more goes there."""
    with contextlib.suppress(OSError), open(disk / "rest", "wb", 0) as file:
        while True:
            file.write(bytes(4096))


def writers(data, out):
    """A command for each kind of file that is written, with the file."""
    linear = ["--model", "linear"]
    small = ["--data-dir", data, *linear]
    return {
        out / "net.npz": ["nn.train", *small, "--epochs", 1, "--output", out / "net.npz"],
        out / "curve.png": [
            "nn.train", *small, "--epochs", 1, "--output", out.parent / "other.npz",
            "--plot", out / "curve.png",
        ],
        out / "sheet.png": [
            "nn.evaluate", *small, "--worst", 9, "--plot", out / "sheet.png",
        ],
        out / "read.csv": ["nn.evaluate", *small, "--csv", out / "read.csv"],
        out / "misread.png": [
            "app.replay", EXAMPLES, *linear, "--framing", "none", "--shift", "2,2",
            "--errors", out / "misread.png",
        ],
        out / "torch.npz": ["nn.export", *linear, "--torch-state-dict", out / "torch.npz"],
        out / "window.png": [
            "app.draw", *linear, "--replay", EXAMPLES, "--screenshot", out / "window.png",
        ],
        out / "window.gif": [
            "app.animate", *linear, "--replay", EXAMPLES, "--digits", 1, "--rate", 2,
            "--output", out / "window.gif",
        ],
    }  # fmt: skip


# --- Names -------------------------------------------------------------------------------------


@only_linux
def test_names_that_are_no_utf_8_and_have_spaces(small_mnist, tmp_path, picture):
    place = tmp_path / ODD
    place.mkdir()
    data, strokes, network = place / "d ä", place / f"{ODD}.jsonl", place / f"{ODD}.npz"
    shutil.copytree(small_mnist, data)
    shutil.copy(EXAMPLES, strokes)
    shutil.copy(picture, place / ODD)
    shutil.copy(ROOT / "models" / "linear.npz", network)
    made = writers(data, place)
    results = perform(
        *made.values(),
        ["app.predict", "--model", network, "--json", ODD],  # from here
        ["app.replay", strokes, "--model", network, "--json"],
        ["app.predict", place / "none"],
        cwd=place,
    )
    for status, _, err in results[:-1]:
        assert (status, err.count("Traceback")) == (0, 0), err
    assert all(path.stat().st_size for path in made)
    assert json.loads(results[-3][1])["images"][0]["file"] == ODD
    assert json.loads(results[-2][1])["digits"] == 10
    assert is_one_line(results[-1], "cannot read", "No such file")
    assert not list(place.glob(f"{TEMPORARY}*"))


@only_linux
def test_the_window_shows_such_names_and_lists_such_drawings(screen, picture):
    session = screen.session
    surface = pygame.Surface(screen.size)
    folder = session.files.folder
    folder.mkdir()
    shutil.copy(picture, folder / f"{ODD}.png")
    (folder / "gone.png").symlink_to("nowhere")
    screen.list_drawings()
    assert {path.name for path in session.files.saved} == {f"{ODD}.png", "gone.png"}
    Painter().paint(surface, screen)
    screen.open_row(0)  # the newest first, and a link that leads nowhere last
    assert session.message == f"Opened {ODD}.png"
    Painter().paint(surface, screen)
    for name in (f"{ODD}.npz", f"{ODD}.jsonl", "gone.png", "two\nlines\0"):
        screen.open_file(folder / name)
        assert session.message
        Painter().paint(surface, screen)


def test_windows_line_ends_in_strokes_and_profiles(tmp_path):
    strokes = tmp_path / "strokes.jsonl"
    strokes.write_bytes(EXAMPLES.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_strokes(strokes)) == list(read_strokes(EXAMPLES))
    profile = Profile(tmp_path / "someone")
    profile.folder.mkdir()
    shutil.copy(strokes, profile.path)
    before = profile.load()
    assert before.notices == ()
    profile.relabel(before.digits[0].key, 7)
    own = profile.add(3, LINES)
    after = profile.load()
    assert after.notices == ()
    assert [digit.key for digit in after.digits] == [*(d.key for d in before.digits), own.key]
    assert after.digits[0].digit.label == 7


# --- Language ----------------------------------------------------------------------------------


def test_an_encoding_without_the_letters_that_are_printed(small_mnist, tmp_path, picture):
    """In a locale without UTF-8 every command says what it has to say, and JSON is the same."""
    shutil.copy(picture, tmp_path / "é–×.png")
    small = ["--data-dir", small_mnist, "--model", "linear"]
    everything = [
        *([command, "--help"] for command in COMMANDS),
        ["nn.evaluate", *small, "--worst", 3],
        ["nn.lessons", "tables", "--data-dir", small_mnist],
        ["nn.compare", "--profile", "--networks", "mlp", "--data-dir", small_mnist],
        ["nn.train", *small, "--epochs", 1, "--output", tmp_path / "é.npz"],
        ["app.replay", EXAMPLES, "--model", "linear"],
        ["app.predict", "é–×.png", "--model", "linear"],
        ["app.rejections", EXAMPLES, "--each", 1],
        ["nn.evaluate", *small, "--json"],
        ["app.predict", "é–×.png", "--model", "linear", "--json"],
        ["app.replay", "é–×.png", "--model", "linear"],
    ]
    here = perform(*everything[-3:], cwd=tmp_path, LC_ALL="C.UTF-8", PYTHONUTF8="1")
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    there = perform(*everything, cwd=tmp_path, PYTHONUTF8="0", **ascii_only)
    for (status, out, err), command in zip(there[:-1], everything, strict=False):
        assert (status, err.count("Traceback")) == (0, 0), (command, err)
        assert out.isascii()
        assert out
    assert " % ? " in there[len(COMMANDS)][1]  # for ±
    for one, other in zip(here[:2], there[-3:-1], strict=True):
        one, other = json.loads(one[1]), json.loads(other[1])
        for image in [*one.get("images", []), *other.get("images", [])] if "errors" in one else []:
            image["file"] = image["file"].encode("utf-8", "surrogateescape").decode()
        assert one == other
    assert is_one_line(here[-1], "é–×.png")
    assert is_one_line(there[-1], "png")


COMMANDS = [
    f"{path.parent.name}.{path.stem}"
    for folder in ("app", "nn")
    for path in sorted((ROOT / folder).glob("*.py"))
    if "\nif __name__ ==" in path.read_text(encoding="utf-8")
]


def test_numbers_and_letters_in_another_language(tmp_path, small_mnist):
    """In Turkish a comma stands for the point, and the small I has no dot."""
    language = "tr_TR"
    made = subprocess.run(
        ["localedef", "-i", language, "-f", "UTF-8", str(tmp_path / f"{language}.UTF-8")],
        capture_output=True,
    ) if shutil.which("localedef") else None  # fmt: skip
    if made is None or made.returncode:
        pytest.skip(f"the locale {language} cannot be made here")
    code = (
        "import locale, sys\n"
        "locale.setlocale(locale.LC_ALL, '')\n"
        "print(locale.localeconv()['decimal_point'], file=sys.stderr)\n"
        "from nn.support.commands import run\n"
        "from nn.train import main\n"
        "run(main, 'nn.train')\n"
    )
    words = ["--model", "linear", "--learning-rate", "0.25", "--epochs", "1", "--json"]
    trained = subprocess.run(
        [sys.executable, "-c", code, *words, "--data-dir", str(small_mnist), "--output", "n.npz"],
        cwd=tmp_path,
        env=environment(LOCPATH=str(tmp_path), LC_ALL=f"{language}.UTF-8"),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert trained.returncode == 0, trained.stderr
    assert trained.stderr.splitlines()[0] == ","
    assert 0 < json.loads(trained.stdout)["test_accuracy"] <= 1
    assert load_checkpoint(tmp_path / "n.npz").record["settings"]["learning_rate"] == 0.25


# --- Home --------------------------------------------------------------------------------------


def test_no_home_or_one_that_is_none(small_mnist, tmp_path, picture):
    (tmp_path / "file").write_text("in the way")
    for home in (None, tmp_path / "file", tmp_path / "missing" / "home"):
        out = tmp_path / f"out of {home}".replace("/", "-")
        out.mkdir()
        commands = [
            *writers(small_mnist, out).values(),
            ["app.predict", picture, "--model", "linear"],
            ["app.rejections", EXAMPLES, "--each", 1],
        ]
        variables = {f"XDG_{name}": None for name in ("DATA_HOME", "CACHE_HOME", "CONFIG_HOME")} | {
            "HOME": None if home is None else str(home)
        }
        for status, _, err in perform(*commands[:: 1 if home is None else 3], cwd=out, **variables):
            assert status == 0, err
            assert err.count("Traceback") == 0
    assert not (tmp_path / "missing" / "home" / ".local").exists()  # nothing was to be kept


def test_where_nobody_knows_the_home_folder(monkeypatch, tmp_path):
    """A number without a name and without HOME, as in some containers."""
    for name in list(os.environ):
        if name.startswith("XDG_") or name in ("HOME", "USERPROFILE"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # KeyError, for any number
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    for folder in (cached_mnist, users_networks, users_drawings, open_profile):
        with pytest.raises(DataError, match=r"no home folder is known .* HOME"):
            folder()
    assert list(tmp_path.iterdir()) == []  # above all no folder called "~"


# --- Disks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_disk_that_refuses(trouble, mount, small_mnist):
    """Whatever a command writes: one line, and the file that was there before stays as it was."""
    disk = mount("size=64k")
    commands = writers(small_mnist, disk)
    for path in commands:
        path.write_bytes(b"old")
    if trouble == "full":
        fill(disk)
        reason = "No space left on device"
    else:
        mount("remount,ro")
        reason = "Read-only file system"
    results = perform(*commands.values(), cwd=disk)
    for path, result in zip(commands, results, strict=True):
        assert is_one_line(result, str(path.with_suffix("")), reason), result
        assert path.read_bytes() == b"old"
    assert {path.name for path in disk.iterdir()} - {"rest"} == {path.name for path in commands}
    if trouble == "full":  # seen only after the training, whose figures are told all the same
        _, said, _ = results[list(commands).index(disk / "curve.png")]
        assert "test accuracy" in said


def test_a_training_goes_on_after_the_disk_was_full(mount, small_mnist):
    """Full between two epochs: the state of the last one is whole, and --resume goes on."""
    disk = mount("size=512k")
    common = ["nn.train", "--data-dir", small_mnist, "--output", disk / "net.npz"]
    (first,) = perform([*common, "--model", "linear", "--epochs", 2], cwd=disk)
    assert first[0] == 0
    before = (disk / "net.npz").read_bytes()
    fill(disk)
    resume = [*common, "--resume", disk / "net.npz", "--epochs", 4]
    (full,) = perform(resume, cwd=disk)
    assert is_one_line(full, "net.training.npz", "No space left on device")
    assert (disk / "net.npz").read_bytes() == before
    assert len(load_state(disk / "net.npz").history) == 2
    (disk / "rest").unlink()
    (freed,) = perform(resume, cwd=disk)
    assert freed[0] == 0
    assert load_checkpoint(disk / "net.npz").record["figures"]["epochs"] == 4


def test_commands_work_where_nothing_can_be_written(mount, small_mnist, picture, tmp_path):
    """Reading needs no disk to write on: not here, not at home, not for a cache."""
    disk = mount("size=1m")
    (disk / "models").mkdir()
    shutil.copy(ROOT / "models" / "linear.npz", disk / "models" / "mine.npz")
    shutil.copy(EXAMPLES, disk / "strokes.jsonl")
    Profile(disk / "home" / ".local/share/digitpad/profiles/default").add(1, LINES)
    mount("remount,ro")
    home = {"XDG_DATA_HOME": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None}
    window = ["app.draw", "--screenshot", tmp_path / "window.png", "--replay", "strokes.jsonl"]
    *good, train, fetch = perform(
        ["app.replay", "strokes.jsonl", "--model", "mine", "--json"],
        ["app.predict", picture, "--model", "mine", "--json"],
        ["nn.evaluate", "--model", "mine", "--data-dir", small_mnist, "--json"],
        [*window, "--model", "mine"],
        ["nn.train", "--model", "linear", "--data-dir", small_mnist],
        ["nn.evaluate", "--model", "mine"],
        cwd=disk,
        HOME=str(disk / "home"),
        **home,
    )
    for status, _, err in good:
        assert (status, err.count("Traceback")) == (0, 0), err
    assert (tmp_path / "window.png").stat().st_size
    assert is_one_line(train, "cannot write models/linear.npz", "Read-only", "--output")
    said, line = fetch[2].splitlines(keepends=True)
    assert said.endswith("is not there yet; downloading it\n")
    assert is_one_line((*fetch[:2], line), "cannot read or write", "Read-only", "--data-dir")


@pytest.mark.parametrize("trouble", ["full", "read-only", "in the way"])
def test_the_window_where_nothing_can_be_saved(trouble, mount, tmp_path, monkeypatch):
    """S, F12 and a correction say so in one line, and what was kept before is still there."""
    pygame.font.init()
    disk = mount("size=64k")
    profile = Profile(disk / "someone")
    profile.add(4, LINES)
    kept = profile.path.read_bytes()
    folder = disk / "drawings"
    if trouble == "full":
        fill(disk)
    elif trouble == "read-only":
        mount("remount,ro")
    else:
        folder.write_text("")
    classifier = load_classifier("linear")
    screen = screen_of(
        classifier, drawings=folder, my_digits=MyDigits(profile, classifier, tmp_path / "nowhere")
    )
    session = screen.session
    session.canvas.draw_strokes([[(i % 28, i // 28 % 28) for i in range(2000)]])
    session.predict_now()
    reason = {"full": "No space", "read-only": "Read-only", "in the way": "Not a directory"}
    session.save()
    assert session.message.startswith("cannot write into ")
    assert reason[trouble] in session.message
    session.say("")
    screen.requests = ["screenshot"]
    serve(screen, Painter())
    assert reason[trouble] in session.message
    if trouble != "in the way":
        monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner.start", lambda tuner: None)
        session.correct(7)
        assert reason[trouble] in session.message
    session.close()
    assert profile.path.read_bytes() == kept
    assert not list(disk.rglob("*.part"))
    assert not list(disk.rglob("*.png"))


# --- Time --------------------------------------------------------------------------------------


def test_two_windows_that_save_in_the_same_second_keep_all(monkeypatch, tmp_path):
    """Also if the clock is set back, or an hour comes twice."""
    monkeypatch.setattr(drawings.time, "strftime", lambda form: "2026-10-25 02.30.00")
    saved, failures = [], []

    def save(number):
        canvas = Canvas()
        canvas.draw_strokes([[(14.0, 4.0), (14.0, 10.0 + number)]])
        picture = drawings.picture_of(canvas.ink)
        try:
            for _ in range(5):
                saved.extend(save_drawing(canvas, tmp_path, number))
                saved.append(save_picture(picture, tmp_path))
        except DigitpadError as error:
            failures.append(error)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(saved) == len(set(saved)) == 4 * 5 * 3
    assert set(saved) == set(tmp_path.iterdir())
    for path in tmp_path.glob("*.jsonl"):  # each picture has its own strokes beside it
        (digit,) = read_strokes(path)
        canvas = Canvas()
        canvas.draw_strokes([[(14.0, 4.0), (14.0, 10.0 + digit.label)]])
        shown = pygame.surfarray.array3d(pygame.image.load(path.with_suffix(".png")))
        expected = pygame.surfarray.array3d(drawings.picture_of(canvas.ink))
        np.testing.assert_array_equal(shown, expected)
    assert len(saved_drawings(tmp_path)) == 40


def test_nothing_hangs_on_the_clock_on_the_wall():
    """Which may jump: it names drawings and dates digits, and measures nothing."""
    on_the_wall = ("time.time(", "datetime", "time.localtime", "time.ctime")
    for path in [*(ROOT / "app").rglob("*.py"), *(ROOT / "nn").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in on_the_wall if word in text], path


@pytest.mark.parametrize("jump", [86_400.0, 365 * 86_400.0])
def test_a_computer_that_slept_for_long_goes_on(jump, tmp_path):
    pygame.font.init()
    now = [1000.0]
    digits = [RecordedDigit(1, LINES), RecordedDigit(7, [[(0.0, 0.0), (9.0, 0.0), (3.0, 9.0)]])]
    screen = screen_of(
        load_classifier("linear"), digits=digits, clock=lambda: now[0], drawings=tmp_path
    )
    session = screen.session
    now[0] += 0.4
    session.update()
    session.say("a message")
    for _ in range(200):
        now[0] += jump
        session.update()
        if session.demonstration is None and session.seconds_until_due() is None:
            break
    assert session.demonstration is None
    assert session.seconds_until_due() is None
    assert session.message == ""
    assert session.predictor.answer is not None


# --- Several at once ---------------------------------------------------------------------------


def test_two_trainings_to_the_same_file(small_mnist, tmp_path):
    words = ["--data-dir", str(small_mnist), "--epochs", "15", "--output", "net.npz"]
    begun = [
        subprocess.Popen(
            [sys.executable, "-m", "nn.train", *words, "--model", "linear", "--seed", seed],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for seed in "12"
    ]
    for process in begun:
        _, err = process.communicate(timeout=300)
        assert (process.returncode, err) == (0, b"")
    assert load_checkpoint(tmp_path / "net.npz").record["seed"] in (1, 2)
    assert load_state(tmp_path / "net.npz").settings.seed in (1, 2)
    assert {path.name for path in tmp_path.iterdir()} == {"net.npz", "net.training.npz"}


def test_two_windows_with_one_profile(monkeypatch, tmp_path):
    pygame.font.init()
    profile, classifier = Profile(tmp_path / "someone"), load_classifier("linear")
    # What comes of the learning is tested with the teacher; here it only must not be in the way.
    monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner.start", lambda tuner: None)
    windows = [
        Session(classifier, my_digits=MyDigits(profile, classifier, tmp_path)) for _ in range(2)
    ]
    for label in (3, 5):
        for window in windows:
            window.canvas.draw_strokes(LINES)
            window.predict_now()
            window.correct(label)
            window.canvas.clear()
    for window in windows:
        window.close()
    assert [own.digit.label for own in profile.load().digits] == [3, 3, 5, 5]


# --- Streams and limits ------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_standard_output_that_is_full(small_mnist, tmp_path):
    words = ["nn.train", "--model", "linear", "--epochs", 1, "--data-dir", small_mnist]
    with open("/dev/full", "w") as full:
        trained = run(*words, "--output", tmp_path / "n.npz", stdout=full)
        judged = run("nn.evaluate", "--model", "linear", "--data-dir", small_mnist, "--json",
                     stdout=full, stderr=subprocess.PIPE)  # fmt: skip
        both = run("app.replay", tmp_path / "none", stdout=full, stderr=full)
    assert is_one_line((trained.returncode, "", trained.stderr), "nn.train", "No space left")
    assert judged.returncode == 2
    assert judged.stderr.endswith("nn.evaluate: cannot go on: No space left on device\n")
    assert both.returncode == 2
    assert not list(tmp_path.glob(f"{TEMPORARY}*"))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(closed, small_mnist, tmp_path):
    """What is said is lost, and what is written is not mixed with it."""
    command = (
        f'"{sys.executable}" -m nn.train --model linear --epochs 5 --learning-rate 0.01 '
        f'--data-dir "{small_mnist}" --output n.npz {closed}'
    )
    trained = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environment(), capture_output=True, timeout=300
    )
    assert (trained.returncode, trained.stderr) == (0, b"")
    assert load_checkpoint(tmp_path / "n.npz").record["seed"] == 42
    assert len(load_state(tmp_path / "n.npz").history) == 5


@only_linux
def test_few_files_and_little_memory(small_mnist, picture, tmp_path):
    linear = ["--model", "linear"]
    small = ["--data-dir", small_mnist, "--epochs", 1, "--output", tmp_path / "n.npz"]
    results = perform(
        {"words": ["nn.evaluate", *linear, "--data-dir", small_mnist], "files": 4},
        {"words": ["app.predict", picture, *linear], "files": 4},
        {"words": ["app.draw", *linear, "--screenshot", tmp_path / "w.png"], "files": 4},
        {"words": ["nn.train", "--model", "cnn", *small], "memory": 4 << 20},
        {"words": ["nn.evaluate", "--model", "cnn", "--data-dir", small_mnist], "memory": 4 << 20},
        cwd=tmp_path,
    )
    for result in results[:3]:
        assert is_one_line(result, "Too many open files"), result
    for result in results[3:]:
        assert is_one_line(result, "not enough memory", "close other programs"), result
    assert not list(tmp_path.iterdir())


def test_a_network_that_does_not_fit_into_memory_is_not_called_broken(monkeypatch):
    def no_memory(*given):
        raise MemoryError

    monkeypatch.setattr("nn.inference.checkpoint.read_npz", no_memory)
    with pytest.raises(CheckpointError, match="not enough memory"):
        load_checkpoint(ROOT / "models" / "linear.npz")
