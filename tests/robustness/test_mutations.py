"""The mutations of `python tests/robustness/mutations.py` still mean what they say."""

import ast

import pytest

from tests.helpers.paths import ROOT
from tests.robustness.mutations import MUTATIONS, functions, mutated, places


@pytest.mark.parametrize(("function", "old", "new", "tests"), MUTATIONS)
def test_each_is_found_once_and_its_tests_are_there(function, old, new, tests):
    assert len(places(function, old)) == 1
    assert ast.parse(mutated(function, old, new)[1])
    assert all(list(ROOT.glob(f"tests/**/test_{test}.py")) for test in tests.split())


def test_every_folder_has_one():
    broken = {path.parent for function, old, *_ in MUTATIONS for path, _ in places(function, old)}
    assert broken == {path.parent for _, path, _ in functions()}


def test_only_the_expression_changes():
    path, text = mutated("he_normal", "2.0 / fan_in", "2.0 / fan_out")
    before = (ROOT / path).read_text(encoding="utf-8")
    assert text == before.replace("sqrt(2.0 / fan_in)", "sqrt((2.0 / fan_out))")
    assert text != before


def test_what_is_there_twice_is_not_taken_for_one_place():
    assert len(places("write_atomically", "path.parent")) > 1
    assert places("write_atomically", "path.no_such_name") == []
