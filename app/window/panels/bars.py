"""Draws bars: the ten of the answer, and how much of something is done."""

from __future__ import annotations

from app.session.predictor import Answer
from app.window.layout.frame import Frame
from app.window.layout.layout import BarRow
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.text import BOLD, REGULAR, percentage


def draw_bars(frame: Frame, screen: Screen) -> None:
    """Draw the ten bars; the one that is explained has a frame, and so has its rival.

    With units of the network off, an outline shows where each bar is with all of them.
    """
    answer, ablation = screen.session.predictor.answer, screen.session.ablation
    whole = ablation.whole_answer if ablation.off else None
    for digit, row in enumerate(frame.layout.bars):
        _draw_bar(frame, row, digit, answer)
        if whole is not None:
            width = round(whole.probabilities[digit] * row.track.width)
            if width > 0:
                frame.outline(row.track._replace(width=width), frame.palette.text, frame.line)
        explanation = screen.session.explanation
        if screen.is_why and digit in (explanation.explained, explanation.rival):
            width, is_rival = frame.bold_line, digit == explanation.rival
            colour = frame.palette.against if is_rival else frame.palette.text
            frame.outline(row.track.grown(width), colour, width)


def draw_progress(frame: Frame, track: Rect, share: float) -> None:
    """Draw a track that is filled up to a share in 0…1."""
    frame.fill(track, frame.palette.track)
    frame.fill(track._replace(width=round(track.width * share)), frame.palette.best)


def _draw_bar(frame: Frame, row: BarRow, digit: int, answer: Answer | None) -> None:
    palette = frame.palette
    best = answer is not None and answer.is_sure and digit == answer.digit
    is_read = answer is not None and answer.is_digit
    text = min(frame.layout.text, round(row.label.height * 0.85))
    face = BOLD if best else REGULAR
    colour = palette.best if best else palette.text if is_read else palette.quiet
    inset = max(2, row.label.width // 4)
    label = row.label._replace(x=row.label.x + inset, width=row.label.width - inset)
    frame.write(str(digit), label, text, colour, face=face)
    frame.fill(row.track, palette.track)
    if answer is None:
        return
    probability = answer.probabilities[digit]
    fill = palette.best if best else palette.bar if is_read else palette.frame
    frame.fill(row.track._replace(width=round(probability * row.track.width)), fill)
    if is_read:  # how sure the network would be of a digit says nothing of what is none
        colour = palette.best if best else palette.text if probability >= 0.005 else palette.quiet
        frame.write(percentage(probability), row.percent, text, colour, 1.0, face)
