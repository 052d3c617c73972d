"""Commands in the tests' own process, which saves the second that a start takes."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from typing import NamedTuple
from unittest import mock

import pytest

from nn.support.commands import run


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
