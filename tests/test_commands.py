import os
import stat
import subprocess
import sys

import pytest

from nn.commands import ArgumentParser, json_output, number_in, run
from nn.errors import DataError, UsageError
from nn.files import check_writable, write_atomically


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


def test_a_bug_is_not_dressed_up_as_bad_input():
    def bug(_):
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        run(bug, "x")


def test_a_reader_that_leaves_early_is_no_error():
    code = (
        "from nn.commands import run\n"
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
    assert writer.wait(30) == 1


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
    check_writable(tmp_path / "new" / "x.npz", "--output")
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "x.npz"):
        with pytest.raises(UsageError, match=r"cannot write .* choose another place"):
            check_writable(path, "--output")
