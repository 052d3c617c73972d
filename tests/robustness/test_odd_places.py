"""What stands in the current folder, in names and in the environment, and what it must not do."""

import fcntl
import shutil
import subprocess
import sys
import time

import pygame
import pytest

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.networks import MOST_LISTED, network_files
from nn.inference.checkpoint import PACKAGED_MODELS
from nn.inference.classifier import load_classifier
from tests.helpers.commands import environment
from tests.helpers.screens import draw, screen_of
from tests.robustness.interrupting import COMMANDS

LINEAR = PACKAGED_MODELS / "linear.npz"


def run(*words, cwd, options=(), **changes):
    return subprocess.run(
        [sys.executable, *options, "-m", *map(str, words)],
        cwd=cwd, env=environment(**changes), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_a_files_name_gives_the_terminal_no_orders(tmp_path):
    odd = "a\x1b[31m\x9b2J\x07.npz"
    shutil.copy(LINEAR, tmp_path / odd)
    for model in (odd, "none\x1b[31m"):
        done = run("nn.export", "--model", f"./{model}", "--torch-state-dict", odd, cwd=tmp_path)
        said = done.stdout + done.stderr
        assert "\\x1b[31m" in said
        assert not {"\x1b", "\x9b", "\x07"} & set(said)


def test_a_backend_that_matplotlib_does_not_know(small_mnist, tmp_path):
    plot = tmp_path / "worst.png"
    words = ["--model", "linear", "--data-dir", small_mnist, "--worst", "2", "--plot", plot]
    done = run("nn.evaluate", *words, cwd=tmp_path, MPLBACKEND="nope")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert plot.stat().st_size > 1000


@pytest.mark.parametrize("command", [command.split()[0] for command in COMMANDS])
def test_commands_need_no_docstrings(command, tmp_path):
    done = run(command, "--help", cwd=tmp_path, options=["-OO"])
    assert (done.returncode, done.stderr) == (0, "")
    assert f"python -m {command}" in done.stdout


def test_a_file_that_is_called_as_a_network_is_not_taken_for_it(tmp_path):
    (tmp_path / "cnn").write_text("notes on the news")
    done = run("app.draw", "--screenshot", "window.png", cwd=tmp_path, HOME=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_network_of_the_folder_in_place_of_a_shipped_one_is_named(tmp_path):
    (tmp_path / "models").mkdir()
    shutil.copy(LINEAR, tmp_path / "models" / "cnn.npz")
    done = run("app.draw", "--screenshot", "window.png", cwd=tmp_path, HOME=tmp_path)
    said = f"reading models/cnn.npz of this folder, not {PACKAGED_MODELS / 'cnn.npz'}\n"
    assert (done.returncode, done.stderr) == (0, said * done.stderr.count("\n"))
    assert said in done.stderr


def test_a_folder_of_very_many_networks_holds_no_frame_up(tmp_path):
    for number in range(20_000):
        (tmp_path / f"{number:05}.npz").touch()
    begun = time.perf_counter()
    assert len(network_files(tmp_path)) == MOST_LISTED
    assert time.perf_counter() - begun < 0.05


def test_a_lock_that_another_window_holds_keeps_no_correction_waiting(tmp_path):
    pygame.font.init()
    profile = Profile(tmp_path)
    my_digits = MyDigits(profile, load_classifier("linear"), tmp_path)
    screen = screen_of(load_classifier("linear"), my_digits=my_digits)
    screen.session.load_my_digits()
    draw(screen.session)
    with open(tmp_path / "lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        begun = time.perf_counter()
        screen.session.correct(3)
        assert time.perf_counter() - begun < 0.5
    assert "another window holds" in screen.session.message
    assert not screen.session.canvas.is_blank
    screen.session.correct(3)  # and again, once it is free
    assert [own.digit.label for own in profile.load().digits] == [3]
    screen.session.close()
