"""Where the window's buttons stand: in their groups, those that there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.window.input.commands import GROUPS, LEAST_NEEDED, words_of
from app.window.style.geometry import Rect, around, split

LETTER, EDGES = 6, 8  # pixels of the smallest letters that can be read, and at both ends of a word

Words = dict[str, str]  # on the buttons of a group, by command


class ButtonRows(NamedTuple):
    """The place of each button, by its command, and of the names of their groups."""

    buttons: dict[str, Rect]
    captions: dict[str, Rect]


def lay_out_buttons(rows: Sequence[Rect], text: int, above: int) -> ButtonRows:
    """Buttons in rows, those of a group close together; `text` is a letter's height.

    Where all are in one row and the space `above` it is enough, the groups have names there.
    """
    buttons: dict[str, Rect] = {}
    captions: dict[str, Rect] = {}
    for row, groups in zip(rows, _fitting(rows[0].width, len(rows), text), strict=True):
        left = row.x
        shares = [len(word) + 4 for words in groups.values() for word in words.values()]
        close, apart = _gaps(text)
        room = row.width - _spaces(groups, text)
        widths = iter(split(0, room, shares))
        for group, words in groups.items():
            for name in words:
                width = next(widths)[1]
                buttons[name] = Rect(left, row.y, max(1, width), row.height)
                left += width + close
            left += apart - close
            whole = around(*(buttons[name] for name in words))
            height = round(text * 0.8)
            if len(rows) == 1 and 11 <= height <= above:
                captions[group] = whole._replace(y=whole.y - height, height=height)
    return ButtonRows(buttons, captions)


def _gaps(text: int) -> tuple[int, int]:
    """The space between two buttons of a group, and between two groups."""
    return max(2, text // 6), max(6, text)


def _spaces(groups: Mapping[str, Words], text: int) -> int:
    """How much of a row is space between buttons."""
    close, apart = _gaps(text)
    return sum(close * (len(words) - 1) for words in groups.values()) + apart * (len(groups) - 1)


def _needed(groups: Mapping[str, Words], text: int) -> int:
    """How wide a row must be for words that can be read."""
    words = [word for words in groups.values() for word in words.values()]
    return _spaces(groups, text) + sum(len(word) * LETTER + EDGES for word in words)


def _fitting(width: int, rows: int, text: int) -> list[dict[str, Words]]:
    """The groups of each row; what is needed least is left out until all others have room."""
    for count in range(len(LEAST_NEEDED) + 1):
        left_out = LEAST_NEEDED[:count]
        kept = {group: words_of(commands) for group, commands in GROUPS.items()}
        groups = [
            (group, {name: word for name, word in words.items() if name not in left_out})
            for group, words in kept.items()
        ]
        groups = [(group, words) for group, words in groups if words]
        # In two rows the upper one ends where both are about equally full.
        splits = range(1, len(groups)) if rows == 2 else [len(groups)]
        parted = [[dict(groups[:place]), dict(groups[place:])][:rows] for place in splits]
        best = min(parted, key=lambda lines: max(_needed(line, text) for line in lines))
        if max(_needed(line, text) for line in best) <= width:
            break
    return best
