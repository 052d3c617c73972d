"""Commands in the tests' own process, which saves the second that a start takes, and the
surroundings of those in another."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from nn.support.commands import run
from tests.helpers.paths import ROOT


class Ended(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_command(module: str, *arguments: object) -> Ended:
    """Run a command to its end, as `python -m module arguments` would."""
    main = importlib.import_module(module).main
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", [module, *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        run(main, module)
    return Ended(ended.value.code or 0, out.getvalue(), err.getvalue())


def environment(**changes: object) -> dict[str, str]:
    """This process's surroundings with these variables, or without those that are None."""
    import matplotlib

    # matplotlib looks for fonts for seconds where it finds no cache; that is not ours to test.
    fonts = {"MPLCONFIGDIR": matplotlib.get_cachedir()}
    changed = {**os.environ, **fonts, "PYTHONPATH": ROOT, **changes}
    return {key: str(value) for key, value in changed.items() if value is not None}


def kept_in(folder: Path) -> dict[str, Path]:
    """The variables of a command that keeps in a folder what it keeps."""
    return {"HOME": folder} | {f"XDG_{kind}_HOME": folder / kind for kind in ("DATA", "CACHE")}


def is_one_line(result: tuple[int, str, str], *words: str) -> bool:
    """Whether a result is status 2 with one line on standard error that has all these words."""
    status, _, err = result
    return status == 2 and err.count("\n") == 1 and all(word in err for word in words)
