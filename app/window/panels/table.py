"""Draws the table: what each network makes of the same drawing, a row each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from app.session.networks import NetworkInfo
from app.session.predictor import Answer
from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.text import BOLD, MIN_TEXT, REGULAR, percentage

HEADINGS = ("network", "reads", "sure", "weights", "MNIST")
ALIGN = (0.0, 0.5, 1.0, 1.0, 1.0)


def draw_table(frame: Frame, screen: Screen) -> None:
    """Draw the table, in letters of one size."""
    layout, palette = frame.layout, frame.palette
    if not layout.table:
        return
    heading, *rows = layout.table
    shown = screen.rows()
    entries = screen.session.networks.entries
    answers = [screen.session.predictor.answer_of(entries[i].network) for i in shown]
    words = [_words(entries[i], answer) for i, answer in zip(shown, answers, strict=True)]
    if screen.session.ablation.off and not screen.session.is_training_shown:
        chosen = shown.index(screen.session.networks.chosen)  # it predicts, but not as it is here
        words[chosen] = (f"{words[chosen][0]}, whole", *words[chosen][1:])
    # Whatever the answers are, the columns stay where they are.
    widest = [(name, "0", ">99 %", count, accuracy) for name, _, _, count, accuracy in words]
    columns, size = _columns(frame, widest)
    small = _small(size)
    for text, (x, width), align in zip(HEADINGS, columns, ALIGN, strict=True):
        place = heading._replace(x=x, width=width)
        frame.write(text, place, small, palette.quiet, align)
    frame.fill((heading.x, heading.bottom - 1, heading.width, 1), palette.frame)
    for index, row, line, answer in zip(shown, rows, words, answers, strict=True):
        chosen = index == screen.session.networks.chosen
        if chosen:
            frame.fill(row, palette.button)
        for number, (text, (x, width), align) in enumerate(zip(line, columns, ALIGN, strict=True)):
            colour, face = (palette.text, BOLD) if chosen else (palette.quiet, REGULAR)
            if number == 1 and answer is not None and answer.is_sure:
                colour, face = palette.best, BOLD
            elif number == 1 and answer is not None and not answer.is_digit:
                colour, face = palette.quiet, REGULAR
            frame.write(text, row._replace(x=x, width=width), size, colour, align, face)
    if layout.more is not None:
        place = layout.more._replace(x=columns[0][0])
        frame.write(f"and {len(entries) - len(rows)} more", place, small, palette.quiet)


def _words(entry: NetworkInfo, answer: Answer | None) -> tuple[str, ...]:
    """What is in a network's row."""
    return (
        entry.name,
        "–" if answer is None else str(answer.digit),
        percentage(answer.confidence) if answer is not None and answer.is_digit else "",
        "" if entry.parameters is None else short_count(entry.parameters),
        "–" if entry.accuracy is None else percentage(entry.accuracy, 1),
    )


def _columns(frame: Frame, lines: Sequence[tuple[str, ...]]) -> tuple[list[tuple[int, int]], int]:
    """Where each column is, as (x, width), and the size of the letters with which all words fit.

    A column is as wide as its words need; the names get what is left, and are shortened if need be.
    """
    row, text, width_of = frame.layout.table[0], frame.layout.text, frame.renderer.width
    inset = max(2, row.height // 7)
    gap = max(5, text // 2)  # the words of two columns do not run together
    for size in range(max(MIN_TEXT, round(text * 0.95)), MIN_TEXT - 1, -1):
        needs = [
            max(width_of(heading, _small(size)), *(width_of(word, size, BOLD) for word in column))
            for heading, column in zip(HEADINGS, zip(*lines, strict=True), strict=True)
        ]
        left = row.width - 2 * inset - sum(needs[1:]) - 4 * gap
        if left >= needs[0]:
            break
    spare = max(0, left - needs[0]) // 5
    widths = [max(1, left - 4 * spare), *(need + spare for need in needs[1:])]
    edges = itertools.accumulate((width + gap for width in widths[:-1]), initial=row.x + inset)
    return list(zip(edges, widths, strict=True)), size


def _small(size: int) -> int:
    """The size of the letters of the heading, beside rows of this size."""
    return max(MIN_TEXT, size * 9 // 10)


def short_count(count: int) -> str:
    """A number of parameters in few characters: `413k`."""
    return str(count) if count < 1000 else f"{count / 1000:.0f}k"
