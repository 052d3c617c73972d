"""Where everything is on the panel of a training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.window.style.geometry import Rect, around, button_row, split

ALWAYS = ("train", "keep", "discard")  # of the buttons, where there is room for one short row


class KnobPlace(NamedTuple):
    """A knob: what it is called, and below that its setting between − and +."""

    caption: Rect
    less: Rect
    setting: Rect
    more: Rect

    @property
    def lower(self) -> Rect:
        """Everything except the caption."""
        return around(self.less, self.more)

    def steps_at(self, x: float, y: float) -> int | None:
        """Which way a click at a place turns it, 0 on the knob itself; None beside it."""
        for rect, steps in ((self.less, -1), (self.more, 1), (self.setting, 0), (self.caption, 0)):
            if rect.contains(x, y):
                return steps
        return None


class TrainingPlaces(NamedTuple):
    """The rectangles of the panel; what there is no room for is None or empty."""

    bars: Rect | None  # in two columns
    words: Rect  # how it goes
    curves: Rect | None  # or the weights
    seen: Rect | None  # digits of the latest batch
    knobs: dict[str, KnobPlace]
    buttons: dict[str, Rect]


def lay_out_training(
    body: Rect, text: int, buttons: Mapping[str, str], knobs: Mapping[str, str], has_bars: bool
) -> TrainingPlaces:
    """Divide the body of a panel: `buttons` and `knobs` are the words on them, by name.

    Where there is little room, what keys can do as well is left out: first the knobs, then some of
    the buttons.
    """
    gap = max(2, text // 3)
    rows = _button_rows(body, text, buttons, gap)
    room = min(rect.y for rect in rows.values()) - gap - body.y
    # The state and what may be wrong with it, in two lines where there is room, or one that wraps.
    line = round(text * (2.5 if body.width < text * 20 else 2.1 if room >= text * 9 else 1.3))
    bars = None
    if has_bars and room - line > text * 2:
        share = 0.45 if room < text * 12 else 0.4
        bars = body._replace(height=min(round(text * 5.2), round(room * share)))
    top = body.y if bars is None else bars.bottom + gap
    words = Rect(body.x, top, body.width, max(1, min(line, body.y + room - top)))
    left = body.y + room - words.bottom - gap
    if left < text * 1.5:
        return TrainingPlaces(bars, words, None, None, {}, rows)
    curves = Rect(body.x, words.bottom + gap, body.width, left)
    if left < text * 7:
        return TrainingPlaces(bars, words, curves, None, {}, rows)
    height = round(text * 2.4)
    curves = curves._replace(height=left - height - gap)
    knob_places = _knobs(Rect(body.x, curves.bottom + gap, body.width, height), text, knobs)
    if curves.height < text * 9:
        return TrainingPlaces(bars, words, curves, None, knob_places, rows)
    seen = curves._replace(height=round(text * 1.8))
    top = seen.bottom + gap
    curves = curves._replace(y=top, height=curves.bottom - top)
    return TrainingPlaces(bars, words, curves, seen, knob_places, rows)


def _button_rows(body: Rect, text: int, words: Mapping[str, str], gap: int) -> dict[str, Rect]:
    """All buttons in a row, in two where it is narrow, or only some where it is low too."""
    height = round(text * 1.8)
    row = Rect(body.x, body.bottom - height, body.width, height)
    if body.width >= text * 20:
        return button_row(row, words, text)
    if body.height < text * 12:
        return button_row(row, {name: words[name] for name in ALWAYS}, text)
    names = list(words)
    upper, lower = ({name: words[name] for name in part} for part in (names[:3], names[3:]))
    above = row._replace(y=row.y - gap - height)
    return button_row(above, upper, text) | button_row(row, lower, text)


def _knobs(place: Rect, text: int, knobs: Mapping[str, str]) -> dict[str, KnobPlace]:
    """The knobs side by side."""
    caption, side = round(text * 0.95), round(text * 1.4)
    places = {}
    columns = split(place.x, place.width, [1] * len(knobs), max(4, text // 2))
    for name, (x, width) in zip(knobs, columns, strict=True):
        lower = Rect(x, place.y + caption, width, place.height - caption)
        places[name] = KnobPlace(
            caption=Rect(x, place.y, width, caption),
            less=lower._replace(width=side),
            setting=lower._replace(x=x + side, width=max(1, width - 2 * side)),
            more=lower._replace(x=lower.right - side, width=side),
        )
    return places
