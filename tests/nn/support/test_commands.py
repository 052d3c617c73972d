import argparse
import importlib
import io
import os
import re
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nn.support.commands import ArgumentParser, json_output, number_in, run
from nn.support.errors import DataError, UsageError
from nn.support.files import check_writable, current_umask, write_atomically
from tests.helpers.paths import ROOT

COMMANDS = sorted(
    f"{path.parent.name}.{path.stem}"
    for folder in ("app", "nn")
    for path in (ROOT / folder).glob("*.py")
    if "\ndef main(" in path.read_text(encoding="utf-8")  # not the former names of some
)


def status_of(command):
    with pytest.raises(SystemExit) as ended:
        run(command, "x")
    return ended.value.code


def test_statuses_and_one_line(capsys):
    def bad(_):
        raise DataError("first\nsecond")

    def interrupted(_):
        raise KeyboardInterrupt

    assert status_of(lambda _: None) == 0
    assert status_of(bad) == 2
    assert capsys.readouterr().err == "x: first second\n"
    assert status_of(interrupted) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left"), "x: cannot go on: No space left\n"),
        (OSError(24, "Too many open files", "f"), "x: cannot go on: Too many open files (f)\n"),
        (OSError("pygame's words"), "x: cannot go on: pygame's words\n"),
        (MemoryError("1 GB"), "x: not enough memory (1 GB); close other programs and try again\n"),
    ],
)
def test_what_the_surroundings_refuse_is_one_line(capsys, error, line):
    def refused(_):
        raise error

    assert status_of(refused) == 2
    assert capsys.readouterr().err == line


def test_a_bug_is_not_dressed_up_as_bad_input():
    def bug(_):
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        run(bug, "x")


def test_a_reader_that_leaves_early_is_no_error():
    code = (
        "from nn.support.commands import run\n"
        "def main(_):\n"
        "    for _ in range(100000): print('line')\n"
        "run(main, 'x')"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    writer.stdout.readline()
    writer.stdout.close()
    assert writer.stderr.read() == b""
    writer.stderr.close()
    assert writer.wait(300) == 1


def test_help_shows_defaults_and_errors_are_one_line(capsys):
    parser = ArgumentParser(prog="x")
    parser.add_argument("--size", type=number_in(int, 1, 9), default=4, help="how large")
    assert "how large (default: 4)" in parser.format_help()
    for text in ("0", "10", "x", "1.5", "nan"):
        with pytest.raises(SystemExit) as ended:
            parser.parse_args(["--size", text])
        assert ended.value.code == 2
        assert capsys.readouterr().err == (
            f"x: argument --size: expected a whole number from 1 to 9, received {text!r}; "
            "see x --help\n"
        )


def parser_of(module, monkeypatch):
    """The parser of a command, which is not run."""
    parsers = []

    def parse(self, *_):
        parsers.append(self)
        raise SystemExit

    monkeypatch.setattr(ArgumentParser, "parse_args", parse)
    with pytest.raises(SystemExit):
        importlib.import_module(module).main([])
    return parsers[0]


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_says_what_each_option_does_and_its_default(module, monkeypatch):
    parser = parser_of(module, monkeypatch)
    for action in parser._actions:
        assert action.help, action.option_strings
        # It is shown as one would write it, not as Python does.
        assert not isinstance(action.default, tuple | list), action.option_strings
        if action.default not in (None, argparse.SUPPRESS) and action.default is not False:
            shown = parser.formatter_class("x")._get_help_string(action)
            assert "%(default)s" in shown, action.option_strings


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_has_one_name(module, monkeypatch, capsys):
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert re.findall(r'run\(main, "(\w+\.\w+)"\)', source) == [module]
    parser = parser_of(module, monkeypatch)
    assert parser.format_usage().startswith(f"usage: python -m {module} ")
    with pytest.raises(SystemExit):
        parser.error("wrong")
    assert capsys.readouterr().err == f"{module}: wrong; see python -m {module} --help\n"


def test_an_installed_command_has_its_own_name(capsys):
    def command(_):
        ArgumentParser(prog="app.draw").parse_args(["--what"])

    with pytest.raises(SystemExit):
        run(command, "digitpad")
    said = "digitpad: unrecognized arguments: --what; see digitpad --help\n"
    assert capsys.readouterr().err == said
    assert ArgumentParser(prog="app.draw").name == "app.draw"


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "-1", ""])
def test_numbers_are_finite(text):
    with pytest.raises(Exception, match="expected a number from 0, received"):
        number_in(float, 0)(text)
    assert number_in(float, 0)("2.5") == 2.5


def test_json_output_moves_the_rest_to_standard_error(capsys):
    for wanted in (True, False):
        with json_output(wanted) as emit:
            print("talk")
            emit({"a": 1})
        out, err = capsys.readouterr()
        assert (out, err) == (('{"a": 1}\n', "talk\n") if wanted else ("talk\n", ""))
    with pytest.raises(ValueError, match="JSON"), json_output(True) as emit:
        emit({"a": float("nan")})


def test_threads_that_ask_for_the_umask_at_once_leave_it_as_it_was(monkeypatch):
    umask = os.umask
    before = umask(0o027)

    def slow(mask):
        former = umask(mask)
        time.sleep(0.001)
        return former

    try:
        monkeypatch.setattr("os.umask", slow)
        with ThreadPoolExecutor(4) as pool:
            masks = list(pool.map(lambda _: current_umask(), range(20)))
    finally:
        left = umask(before)
    assert {*masks, left} == {0o027}


def test_atomic_writing_makes_folders_and_follows_the_umask(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    old = os.umask(0o027)
    try:
        write_atomically(path, lambda file: file.write(b"one"))
    finally:
        os.umask(old)
    assert path.read_bytes() == b"one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_check_writable_names_the_option(tmp_path):
    check_writable(tmp_path / "new" / "newer" / "x.npz", "--output")
    assert not list(tmp_path.iterdir())  # it only looks
    (tmp_path / "nowhere").symlink_to(tmp_path / "lost")
    (tmp_path / "file").write_text("")
    for name in ("", "file/x.npz", "file/new/x.npz", "nowhere/x.npz"):
        path = tmp_path / name
        with pytest.raises(UsageError, match=r"cannot write .* choose another place"):
            check_writable(path, "--output")


def test_what_cannot_be_encoded_does_not_end_a_command(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", errors="strict"))
    assert status_of(lambda _: print("saved \udcff é")) == 0
    assert written.getvalue() == b"saved ? ?\n"


def test_messages_are_one_line_of_limited_length(capsys):
    parser = ArgumentParser(prog="x")
    with pytest.raises(SystemExit):
        parser.parse_args(["two\nlines", "\x1b[2J", "\udcff", "n" * 10_000])
    said = capsys.readouterr().err
    assert said.startswith("x: unrecognized arguments: two lines \\x1b[2J \\udcff nnn")
    assert said.endswith("nnn; see x --help\n")
    assert len(said) < 1100
    error = DataError("wrong:\n\x07" + "n" * 10_000 + "\r\n; try another")
    assert str(error).startswith("wrong: \\x07nnn")
    assert str(error).endswith("nnn ; try another")
    assert len(str(error)) == 1000


@pytest.mark.parametrize(
    "name", ["n" * 256, "new/" + "n" * 1000, "n" * 256 + "/x", "a\0b", "a\0b/x"]
)
def test_a_name_that_cannot_be_written_is_found_before_the_work(tmp_path, name):
    with pytest.raises(UsageError, match="choose another place with --output"):
        check_writable(tmp_path / name, "--output")
    assert not list(tmp_path.iterdir())
