"""Draws how a training goes: a line of words, its curves, and its buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygame

from app.session.session import Session
from app.window.bars import draw_bars
from app.window.buttons import draw_row
from app.window.commands import PANEL_COMMANDS, words_of
from app.window.frame import Frame
from app.window.geometry import Rect
from app.window.screen import Screen
from app.window.text import percentage

if TYPE_CHECKING:
    from app.session.training import Training


def draw_training(frame: Frame, screen: Screen) -> None:
    """Draw how the training goes, its curves, and its buttons; or what is needed to begin."""
    draw_bars(frame, screen)
    layout, palette = frame.layout, frame.palette
    training, mnist = screen.session.course.training, screen.session.mnist
    assert layout.words is not None
    assert layout.curves is not None
    frame.outline(layout.curves, palette.frame)
    inner = layout.curves.shrunk(max(2, layout.text // 2))
    # Where the data cannot be had, the curves' place is free for a long message.
    place = inner if training is None and mnist.state == "failed" else layout.words
    frame.write_wrapped(training_words(screen.session), place, layout.text * 0.92, palette.text)
    if training is not None:
        _draw_curves(frame, layout.curves.shrunk(max(2, layout.text // 3)), training)
    elif mnist.state == "downloading":
        bar = Rect(inner.x, inner.y + inner.height // 3, inner.width, max(3, layout.text // 2))
        frame.fill(bar, palette.track)
        frame.fill(bar._replace(width=round(bar.width * mnist.progress)), palette.best)
    faint = ("keep", "discard") if training is None else ()
    words = training_button_words(screen.session)
    draw_row(frame, screen, layout.panel_buttons, words, faint=faint)


def training_state(screen: Screen) -> object:
    """What the panel shows besides the answer."""
    session = screen.session
    training, mnist = session.course.training, session.mnist
    progress = None if training is None else training.shown
    return progress, mnist.state, mnist.progress, screen.hover, screen.focus


def training_words(session: Session) -> str:
    """How the training goes, in a line."""
    training, mnist = session.course.training, session.mnist
    if training is None:
        return {
            "unknown": "Start trains a fresh network like the chosen one",
            "ready": "Start trains a fresh network like the chosen one",
            "loading": "Loading MNIST …",
            "downloading": f"Downloading MNIST: {100 * mnist.progress:.0f} %",
            "missing": "Training needs MNIST's 70,000 digits: download 12 MB?",
            "failed": mnist.message,
        }[mnist.state]
    if training.state == "failed":
        return training.message
    point = training.points[-1] if training.points else None
    so_far = "" if point is None else f" · {percentage(point.accuracy, 1)} of its digits right"
    if training.validation:
        so_far = f" · {percentage(training.validation[-1].accuracy, 1)} of unseen digits right"
    epoch = 0.0 if point is None else point.epoch
    verb = {"running": "learning", "stopped": "stopped", "finished": "finished"}[training.state]
    return f"{training.name} {verb}: epoch {epoch:.1f} of {training.epochs}{so_far}"


def training_button_words(session: Session) -> dict[str, str]:
    """What is on the three buttons now."""
    training = session.course.training
    if training is None:
        needs_data = session.mnist.state in ("missing", "failed")
        first = "Download" if needs_data else "Start"
    else:
        first = {"running": "Stop", "stopped": "Continue"}.get(training.state, "Again")
    return {**words_of(PANEL_COMMANDS["training"]), "train": first}


def _draw_curves(frame: Frame, inner: Rect, training: Training) -> None:
    """The loss on the training digits falls, the accuracy rises; dots for the digits kept aside."""
    palette, text = frame.palette, frame.layout.text
    half = inner.width // 2
    left = inner._replace(width=half - text // 2)
    right = left._replace(x=inner.x + half + text // 2)
    highest = max([2.4, *(point.loss for point in training.points)])
    width = max(1, text // 10)
    for words, area, top, colour in (
        ("loss", left, highest, palette.against),
        ("accuracy", right, 1.0, palette.best),
    ):
        line, dots = (
            [
                _place(area, point.epoch / training.epochs, getattr(point, words) / top)
                for point in points
            ]
            for points in (training.points, training.validation)
        )
        frame.fill((area.x, area.bottom - 1, area.width, 1), palette.grid)
        if len(line) > 1:
            pygame.draw.lines(frame.surface, colour, False, line, width)
        for spot in dots:
            pygame.draw.circle(frame.surface, palette.text, spot, width + 1)
        if area.height > text * 2:
            y = area.y if words == "loss" else area.bottom - round(text * 1.4)
            frame.write(words, Rect(area.x, y, area.width, text), text * 0.8, colour, 1.0)


def _place(area: Rect, x: float, y: float) -> tuple[int, int]:
    """Where a point is, both of whose coordinates are shares of the area; up is larger."""
    return (
        area.x + round(min(1.0, x) * (area.width - 1)),
        area.bottom - 1 - round(min(1.0, max(0.0, y)) * (area.height - 1)),
    )
