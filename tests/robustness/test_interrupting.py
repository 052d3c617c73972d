"""Ctrl-C at any moment, also while modules load: a short round of `interrupting.py`."""

import pytest

from tests.robustness.interrupting import COMMANDS, faults


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split()[0])
def test_ctrl_c_ends_a_command_without_a_word(command):
    assert faults(command, 2) == []
