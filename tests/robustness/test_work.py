"""How much work a file can make: by the commands that read it, and in the window."""

import shutil
import subprocess
import sys
import time

import pytest

pytest.importorskip("resource", reason="memory is counted in another way")
import pygame

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.networks import users_networks
from app.window.painter import Painter
from nn.inference.classifier import load_classifier
from nn.support import deadline
from tests.helpers import bombs
from tests.helpers.commands import environment, kept_in
from tests.helpers.paths import ROOT
from tests.helpers.screens import screen_of

SECONDS = 5.0  # of the processors' work, so that a busy machine makes no difference
if "coverage" in sys.modules:  # which follows every line, in the commands as well
    SECONDS *= 4
MEMORY = 512 << 20
FRAME = 0.2  # seconds of work in a frame; it is to be 0.05, on a machine of today
WAIT = 20.0  # seconds of a frame, on a machine that does other things too
# A small process between: the memory of one that this large one forks would begin with its own.
MEASURED = """
import os, resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""
LINEAR = ["--model", "linear"]
PREDICT = ["app.predict", *LINEAR, "{}"]
IMAGES = ["nn.evaluate", *LINEAR, "--images", "{}"]
REPLAY = ["app.replay", *LINEAR, "{}"]


def perform(words, folder):
    """Perform a command; returns its status, what it said, seconds of work and bytes."""
    with open(folder / "said", "w+") as said:
        process = subprocess.run(
            [sys.executable, "-c", MEASURED, *map(str, words)],
            cwd=folder, env=environment(**kept_in(folder)),
            stdout=subprocess.PIPE, stderr=said, timeout=200,
        )  # fmt: skip
        said.seek(0)
        status, seconds, memory = process.stdout.split()
        return int(status), said.read(), float(seconds), int(memory) << 10


HOSTILE = {
    "scans": (lambda: bombs.jpeg_of_scans(1000, 3000), PREDICT, "scans or more"),
    "large in scans": (lambda: bombs.jpeg_of_scans(1, 6500), PREDICT, "scans or more"),
    "segments": (lambda: bombs.jpeg_of_segments(4_000_000), PREDICT, "50,000 segments"),
    "filling": (lambda: bombs.jpeg_of_segments(20_000_000, b"\xff"), PREDICT, "say nothing"),
    "exif": (
        lambda: bombs.jpeg_of_segments(60_000, bombs.exif_of_entries(65_535)),
        PREDICT,
        "50,000 segments",
    ),
    "wide": (lambda: bombs.png(1_000_000, 50), PREDICT, "65,535 a side"),
    "long": (lambda: bombs.png(60_000, 200), PREDICT, "no digit"),
    "chunks": (lambda: bombs.png(28, 28, bombs.EMPTY_CHUNK * 2_000_000), PREDICT, "50,000 parts"),
    "lines of csv": (lambda: bombs.blank_lines(900), IMAGES, "at most 160,000 lines"),
    "lines of strokes": (lambda: bombs.blank_lines(90), REPLAY, "at most 30,000 lines"),
    "points": (lambda: bombs.digit(20_000), REPLAY, "at most 5,000 points"),
    "path": (lambda: bombs.digit(4_900), REPLAY, "at most 400 times"),
    "points in all": (lambda: bombs.digit(4_900, 1) * 400, REPLAY, "at most 1,500,000 points"),
    "archive": (
        lambda: bombs.archive_bomb(300),
        ["nn.export", "--onnx", "x.onnx", "--model", "{}"],
        "more than 47 MiB",
    ),
    "state": (lambda: bombs.archive_bomb(400), ["nn.train", "--resume", "{}"], "more than "),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_asks_for_much_work_gets_one_line_soon(name, tmp_path):
    make, words, says = HOSTILE[name]
    path = tmp_path / "x.training.npz"
    path.write_bytes(make())
    words = [str(word).replace("{}", str(path)) for word in words]
    if "points in all" in name:
        words[0] = "app.draw"
        words[-1:] = ["--replay", str(path), "--screenshot", "x.png"]
    status, said, seconds, memory = perform(words, tmp_path)
    assert (status, said.count("\n")) == (2, 1), said
    assert says in said
    assert seconds < SECONDS
    assert memory < MEMORY


@pytest.mark.parametrize("digits", [10_000_000, 1_300_000])
def test_packed_digits_that_fill_the_memory(digits, tmp_path):
    for part in ("train", "t10k"):
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(bombs.idx_bomb(digits))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(bombs.idx_bomb(1000))
    words = ["nn.evaluate", *LINEAR, "--data-dir", tmp_path]
    status, said, seconds, memory = perform(words, tmp_path)
    assert (status, said.count("\n")) == (2, 1), said
    assert "expected at most 80,000 digits" in said
    assert seconds < SECONDS
    assert memory < MEMORY


@pytest.mark.parametrize("seconds", [0.01])
def test_a_decoder_that_takes_too_long_is_given_up(seconds, tmp_path, monkeypatch):
    from app.drawing import pictures
    from nn.support.errors import DataError

    monkeypatch.setattr(pictures, "DECODING_SECONDS", seconds)
    path = tmp_path / "large.png"
    path.write_bytes(bombs.png(7000, 1000))
    with pytest.raises(DataError, match=r"decoded within 0\.01 seconds"):
        pictures.framed_picture(path)


# --- In the window -----------------------------------------------------------------------------

MANY = {
    "of many points": lambda key: bombs.digit(4_900 - key % 40, 1.2, key),
    "of long lines": lambda key: bombs.digit(390, 19.0, key),
    "of few points": lambda key: bombs.digit(12, 3.0, key),
    "copied": lambda key: bombs.digit(30, 3.0),
    "bad": lambda key: b"%d bad\n" % key,
}


class Frames:
    """Runs a screen's frames; none may take long, in this thread's work or by the clock."""

    def __init__(self, screen):
        self.screen = screen

    def measure(self, work):
        before, begun = time.thread_time(), time.monotonic()
        work()
        assert time.thread_time() - before < FRAME
        assert time.monotonic() - begun < WAIT

    def until(self, is_so):
        end = time.monotonic() + 100
        while not is_so():
            assert time.monotonic() < end
            self.measure(self.screen.update)
            time.sleep(0.005)


@pytest.mark.parametrize("kind", MANY)
def test_a_large_profile_does_not_stop_the_window(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "PATIENCE", 0.02)
    monkeypatch.setattr("app.my_digits.tuner.BackgroundTuner.start", lambda tuner: None)
    pygame.font.init()
    network = load_classifier("linear")
    profile = Profile(tmp_path / "someone")
    profile.folder.mkdir()
    lines: list[bytes] = []
    size = 0
    while len(lines) < 8000 and size < 4 << 20:
        lines.append(MANY[kind](len(lines)))
        size += len(lines[-1])
    profile.path.write_bytes(b"".join(lines))
    screen = screen_of(network, my_digits=MyDigits(profile, network, tmp_path))
    my_digits = screen.session.my_digits
    frames = Frames(screen)
    frames.measure(screen.show_my_digits)
    frames.until(lambda: my_digits.is_loaded and not my_digits.is_looking)
    frames.measure(screen.show_my_digits)
    frames.measure(screen.show_my_digits)
    painter, surface = Painter(), pygame.Surface(screen.size)
    for _ in range(60):
        frames.measure(screen.update)
        frames.measure(lambda: painter.paint(surface, screen))
        time.sleep(0.002)
    assert len(my_digits.digits) == (0 if kind == "bad" else len(lines))
    assert len({own.key for own in my_digits.digits}) == len(my_digits.digits)


@pytest.mark.parametrize("kind", ["large.png", "long.jsonl", "large.npz"])
def test_a_file_that_is_read_long_does_not_stop_the_window(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "PATIENCE", 0.02)
    pygame.font.init()
    path = tmp_path / kind
    path.write_bytes({
        "large.png": lambda: bombs.png(7000, 5000),
        "long.jsonl": lambda: bombs.digit(4_900, 1.2),
        "large.npz": lambda: bombs.archive_bomb(40),
    }[kind]())  # fmt: skip
    screen = screen_of(load_classifier("linear"), drawings=tmp_path)
    frames = Frames(screen)
    frames.measure(lambda: screen.open_file(path))
    frames.until(lambda: not screen.session.files.is_opening)
    assert screen.session.message


def test_a_large_network_in_the_folder_does_not_stop_the_window(tmp_path, monkeypatch):
    monkeypatch.setattr(deadline, "PATIENCE", 0.02)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    pygame.font.init()
    users_networks().mkdir(parents=True)
    (users_networks() / "large.npz").write_bytes(bombs.archive_bomb(40))
    shutil.copy(ROOT / "models" / "tiny.npz", users_networks() / "z.npz")
    screen = screen_of(load_classifier("linear"), folders=[users_networks])
    frames = Frames(screen)
    frames.until(lambda: screen.session.networks.is_complete)
    assert [entry.name for entry in screen.session.networks.entries] == ["linear", "tiny"]
