"""Figures in words."""

from app.window.style.text import decimal


def test_a_minus_is_no_hyphen():
    assert decimal(-1.5).startswith("−1.5")
    assert "-" not in decimal(-1.5) + decimal(-1e-9) + decimal(-1e9)
