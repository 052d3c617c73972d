"""How well colours can be told apart, after WCAG 2.2."""

import numpy as np


def luminance(colour):
    """Relative luminance, 0 black … 1 white."""
    shares = np.array(colour) / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """How well two colours can be told apart by lightness, 1 … 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
