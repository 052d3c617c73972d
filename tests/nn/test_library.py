"""`nn` as a library: its names, the README's example, and the examples in docstrings."""

import ast
import doctest
import importlib
import re
import subprocess
import sys

import pytest

import nn
from nn.data.dataset import load_mnist
from tests.helpers.paths import ROOT

WITH_EXAMPLES = {
    "nn": 1,
    "nn.network.architectures": 2,
    "nn.network.convolution": 2,
    "nn.data.dataset": 2,
    "nn.network.activations": 1,
    "nn.network.layers": 3,
    "nn.network.sequential": 1,
    "nn.training.learner": 2,
    "nn.network.losses": 2,
    "nn.training.optimizers": 3,
    "nn.inference.classifier": 1,
}


def test_every_name_can_be_had_and_is_the_modules_own():
    assert sorted(nn.__all__) == sorted(nn._HOMES)
    for name, home in nn._HOMES.items():
        assert getattr(nn, name) is getattr(importlib.import_module(home), name)
    assert set(nn.__all__) <= set(dir(nn))
    with pytest.raises(AttributeError, match="no attribute 'Perceptron'"):
        _ = nn.Perceptron


def test_type_checkers_are_told_the_same():
    tree = ast.parse((ROOT / "nn" / "__init__.py").read_text(encoding="utf-8"))
    told = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("nn.")
        for alias in node.names
    }
    assert told == nn._HOMES


def test_importing_it_imports_nothing_else():
    code = "import sys; before = set(sys.modules); import nn; print(*set(sys.modules) - before)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    own = {name for name in loaded if name.startswith(("nn.", "numpy"))}
    assert own == {"nn.support", "nn.support.interrupts"}  # the latter imports nothing itself


def test_the_readmes_example_works_as_pasted(small_mnist, monkeypatch, capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    monkeypatch.setattr("nn.data.dataset.load_mnist", lambda: load_mnist(small_mnist))
    exec(compile(example, "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines
    accuracy = float(re.findall(r"[\d.]+(?= ?%)", lines[-1])[0])
    assert accuracy > 50  # of 100 made-up digits, after a few dozen steps


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    found = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(found) >= WITH_EXAMPLES[name]
    failures, _ = doctest.testmod(module)
    assert failures == 0
