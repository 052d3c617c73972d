"""Draws why: ink that speaks for a digit and against it, missing ink, and what the colours mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.cells import on_canvas
from app.window.style.geometry import Rect
from app.window.style.palette import Palette, diverging, mixed
from app.window.style.text import MIN_TEXT
from nn.handwriting.framing import SIZE, Framing
from nn.support.types import Array

if TYPE_CHECKING:
    from nn.inference.occlusion import OcclusionMap

MUTED = 0.3  # how much ink shows of ink that is not coloured
PALEST = 0.3  # how much colour the weakest effect has that is coloured at all
IN_FRAME = Framing(np.zeros((SIZE, SIZE), np.float32))
NOTHING = "no ink matters much here"


def why_state(screen: Screen) -> object:
    """What is shown of why."""
    explanation = screen.session.explanation
    return screen.is_why and (explanation.explained, explanation.rival, explanation.map)


def why_colours(
    palette: Palette, ink: Array, found: OcclusionMap, framing: Framing = IN_FRAME
) -> Array:
    """Cells of ink (28, 28), framed or on the canvas, in the colours of what they do."""
    effects = np.where(found.painted, found.effects, 0)
    if framing is not IN_FRAME:
        effects = on_canvas(effects, framing)
    return _colours(palette, ink, effects / greatest(found))


def greatest(found: OcclusionMap) -> float:
    """The strongest effect that is painted, in nats."""
    return float(np.abs(found.effects[found.painted]).max(initial=0)) or 1.0


def _colours(palette: Palette, ink: Array, strength: Array) -> Array:
    """Ink in 0…1 with effects in −1…1; faint ones are not coloured, and paper never is."""
    from nn.inference.occlusion import FAINT  # only now: the first frame can do without

    muted = mixed(palette.paper, palette.ink, np.array(MUTED))
    size = np.minimum(np.abs(strength), 1)
    value = np.sign(strength) * np.where(size < FAINT, 0, PALEST + (1 - PALEST) * size)
    tint = tuple(int(part) for part in muted)
    colour = diverging(palette.against, (tint[0], tint[1], tint[2]), palette.best, value)
    paper = np.array(palette.paper, np.float32)
    return np.rint(paper + ink[..., None] * (colour - paper)).astype(np.uint8)


def draw_missing(
    frame: Frame, found: OcclusionMap, place: Rect, framing: Framing = IN_FRAME
) -> None:
    """Hollow cells where added ink would change the answer, over cells drawn in `place`."""
    cell = place.width / SIZE / framing.scale
    side, line = round(cell * 1.1), max(1, round(cell / 5))
    strongest = max((abs(change.effect) for change in found.missing), default=1.0)
    with frame.clipped(place):
        for change in found.missing:
            y, x = change.place
            left = place.x + (x + 0.5 - framing.shift[0]) * cell
            top = place.y + (y + 0.5 - framing.shift[1]) * cell
            hue = frame.palette.best if change.effect > 0 else frame.palette.against
            share = np.array(0.35 + 0.65 * abs(change.effect) / strongest)
            red, green, blue = mixed(frame.palette.paper, hue, share).tolist()
            rect = Rect(round(left - side / 2), round(top - side / 2), side, side)
            frame.outline(rect, (red, green, blue), line)


def draw_legend(frame: Frame, found: OcclusionMap, place: Rect) -> None:
    """What the colours mean, with their scale, as far as there is room for words."""
    palette, size = frame.palette, max(MIN_TEXT, round(frame.layout.text * 0.8))
    if not (found.painted.any() or found.missing):
        frame.write(NOTHING, place, size, palette.quiet)
        return
    gap, width_of = frame.layout.text // 2, frame.renderer.width
    least = frame.layout.text * 2  # for the colours themselves
    for words in _legends(found):
        widths = [width_of(part, size) + gap if part else 0 for part in words]
        spoken = sum(widths) + (size + gap if words[-1] else 0)
        if spoken + least <= place.width:
            break
    colours = palette.quiet, palette.against, palette.best, palette.quiet
    ramp = Rect(place.x + sum(widths[:2]), place.y, 0, max(4, place.height // 2))
    ramp = ramp._replace(
        y=place.y + (place.height - ramp.height) // 2,
        width=max(1, min(place.width - spoken, frame.layout.text * 7)),
    )
    hollow = Rect(ramp.right + gap + widths[2], place.y + (place.height - size) // 2, size, size)
    lefts = place.x, place.x + widths[0], ramp.right + gap, hollow.right + gap
    for part, left, width, colour in zip(words, lefts, widths, colours, strict=True):
        if part:
            frame.write(part, place._replace(x=left, width=width), size, colour)
    steps = np.linspace(-1, 1, 25)[None]
    frame.show(_colours(palette, np.ones_like(steps), steps), ramp)
    if words[-1]:
        frame.outline(hollow, palette.quiet, max(1, size // 6))


def _legends(found: OcclusionMap) -> list[tuple[str, str, str, str]]:
    """Words before the colours, at their two ends, and for hollow cells; the longest first."""
    factor = times(greatest(found))
    if found.rival is None:
        before, after = ("without this:", "without:"), "with ink"
        less, more, low = f"less {found.digit}", f"more {found.digit}", f"÷{factor}"
    else:
        before, after = ("this speaks", "speaks"), "no ink"
        less, more, low = f"for {found.digit}", f"for {found.rival}", f"×{factor}"
    hollow = after if found.missing else ""
    high, low = f"{more} ×{factor}", f"{low} {less}"
    return [
        *((words, high, low, hollow) for words in before),
        ("", high, low, hollow),
        ("", high, low, ""),
        ("", more, less, ""),
        ("", f"×{factor}", low.split()[0], ""),
        ("", "", "", ""),
    ]


def times(effect: float) -> str:
    """By how much an effect in nats multiplies the odds: `1.8`, `12`."""
    factor = math.exp(min(abs(effect), 20.0))
    return f"{factor:.1f}" if factor < 9.95 else f"{factor:,.0f}"
