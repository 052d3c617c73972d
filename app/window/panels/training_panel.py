"""Draws how a training goes: a line of words, its curves, its knobs and its buttons."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING

from app.session.knobs import KNOBS, setting_words
from app.session.session import Session
from app.window.input.commands import TRAINING_COMMANDS, words_of
from app.window.layout.frame import Frame
from app.window.panels.bars import draw_bars, draw_progress
from app.window.panels.buttons import draw_face, draw_row
from app.window.panels.curves_view import draw_curves
from app.window.screen.screen import Screen
from app.window.style.cells import cell_colours
from app.window.style.geometry import Rect
from app.window.style.text import MIN_TEXT, percentage
from nn.support.commands import duration

if TYPE_CHECKING:
    from app.session.training import Training

SEEN = "learned from"


def draw_training(frame: Frame, screen: Screen) -> None:
    """Draw how the training goes, its curves, knobs and buttons; or what is needed to begin."""
    draw_bars(frame, screen)
    layout, session = frame.layout, screen.session
    course, mnist = session.course, session.mnist
    assert layout.words is not None
    place = layout.words
    if layout.curves is not None:
        inner = layout.curves.shrunk(max(2, layout.text // 2))
        curves = None if course.training is None else course.training.curves
        if course.training is None and mnist.state == "failed":
            place = inner  # where the data cannot be had, it is free for a long message
        elif mnist.state == "downloading":
            bar = Rect(inner.x, inner.y + inner.height // 3, inner.width, max(3, layout.text // 2))
            draw_progress(frame, bar, mnist.progress)
        else:
            draw_curves(frame, layout.curves, curves, course.former, screen.pointed)
    is_slow = course.training is not None and course.training.is_slow
    active = ["slow"] * is_slow + ["remedy"] * (course.diagnosis is not None)
    draw_controls(frame, screen, place, active)


def draw_controls(frame: Frame, screen: Screen, words: Rect, active: Collection[str] = ()) -> None:
    """Draw what the panel shares with that of the weights: words, digits, knobs and buttons."""
    session = screen.session
    _draw_words(frame, session, words)
    _draw_seen(frame, session)
    _draw_knobs(frame, screen)
    buttons, faint = training_button_words(session), faint_buttons(session)
    draw_row(frame, screen, frame.layout.panel_buttons, buttons, active, faint)


def _draw_words(frame: Frame, session: Session, place: Rect) -> None:
    """How the training goes: as many parts of that, from the first on, as there is room for."""
    parts = training_words(session).split(" · ")
    lines = max(1, place.height // round(MIN_TEXT * 1.3))
    while len(parts) > 1:
        if len(frame.renderer.wrapped(" · ".join(parts), place.width, MIN_TEXT)) <= lines:
            break
        parts.pop()
    is_ill = session.course.diagnosis is not None
    colour = frame.palette.best if is_ill else frame.palette.text
    frame.write_wrapped(" · ".join(parts), place, frame.layout.text * 0.92, colour)


def _draw_seen(frame: Frame, session: Session) -> None:
    """As many digits of the latest batch as there is room for, varied as they were."""
    place, training = frame.layout.seen, session.course.training
    if place is None or training is None or not len(training.seen):
        return
    palette, text = frame.palette, frame.layout.text
    gap = max(2, text // 6)
    label = max(text * 9 // 2, frame.renderer.width(SEEN, MIN_TEXT) + 2 * gap)
    frame.write(SEEN, place._replace(width=label - gap), text * 0.75, palette.quiet)
    columns = (place.width - label + gap) // (place.height + gap)
    for number, image in enumerate(training.seen[:columns]):
        x = place.x + label + number * (place.height + gap)
        frame.show(cell_colours(palette, image), Rect(x, place.y, place.height, place.height))


def training_state(screen: Screen) -> object:
    """What the panel shows besides the answer."""
    course, mnist = screen.session.course, screen.session.mnist
    training = course.training
    progress = training and (training.shown, training.is_slow, len(training.curves.marks))
    knobs = course.knobs, screen.steering.knob, course.diagnosis, course.former
    # What the pointer is on here; elsewhere it may move without this being painted again.
    places = [screen.layout.curves, *(knob.lower for knob in screen.layout.knobs.values())]
    is_here = screen.pointed and any(p and p.contains(*screen.pointed) for p in places)
    pointed = screen.pointed if is_here else None
    return progress, mnist.state, mnist.progress, knobs, pointed


def training_words(session: Session) -> str:
    """How the training goes, in a line or two, and what is wrong with it if anything is."""
    course, mnist = session.course, session.mnist
    training, diagnosis = course.training, course.diagnosis
    if training is None:
        return {
            "unknown": "Start trains a fresh network like the chosen one",
            "ready": "Start trains a fresh network like the chosen one",
            "loading": "Loading MNIST …",
            "downloading": f"Downloading MNIST: {100 * mnist.progress:.0f} %",
            "missing": "Training needs MNIST's 70,000 digits: download 12 MB?",
            "failed": mnist.message,
        }[mnist.state]
    if diagnosis is not None:
        finding = diagnosis.finding[0].upper() + diagnosis.finding[1:]
        return f"{finding} · D: {diagnosis.remedy}"
    if training.state == "failed":
        return training.message
    return _progress_words(training)


def _progress_words(training: Training) -> str:
    point = training.curves.points[-1] if training.curves.points else None
    if point is None:
        return f"{training.name}: random weights, nothing learned yet"
    so_far = f" · {percentage(point.accuracy, 1)} of its digits right"
    if validation := training.curves.validation:
        so_far = f" · {percentage(validation[-1].accuracy, 1)} of unseen digits right"
    verb = {"stopped": " paused", "finished": " finished"}.get(training.state, "")
    where = f"epoch {point.epoch:.1f} of {training.epochs}"
    if training.state == "finished":
        where = f"{training.epochs} epochs"
    elif not training.is_running or training.is_slow:
        verb = verb or " in slow motion"
        batch, batches = training.batch
        where = f"epoch {math.ceil(point.epoch)}, batch {batch:,} of {batches:,}"
    elif training.seconds_left is not None:
        so_far += f" · {duration(training.seconds_left)} left"
    return f"{training.name}{verb}: {where}{so_far}"


def training_button_words(session: Session) -> dict[str, str]:
    """What is on the buttons now."""
    training = session.course.training
    if training is None:
        first = "Download" if session.mnist.is_missing else "Start"
    else:
        first = {"running": "Pause", "stopped": "Continue"}.get(training.state, "Again")
    return {**words_of(TRAINING_COMMANDS), "train": first}


def faint_buttons(session: Session) -> list[str]:
    """The buttons that would do nothing now."""
    course = session.course
    is_over = course.training is not None and course.training.has_ended
    useless = {
        "keep": course.training is None,
        "discard": course.training is None and course.former is None,
        "remedy": course.diagnosis is None,
        "batch": is_over,
        "slow": is_over,
    }
    return [name for name, is_useless in useless.items() if is_useless]


def _draw_knobs(frame: Frame, screen: Screen) -> None:
    """Each knob with its setting between − and +; the chosen one has a frame."""
    palette, text = frame.palette, frame.layout.text
    knobs = screen.session.course.knobs
    for name, place in frame.layout.knobs.items():
        frame.write(KNOBS[name].words, place.caption, text * 0.75, palette.quiet, 0.5)
        for rect, sign in ((place.less, "−"), (place.more, "+")):
            is_pointed = screen.pointed is not None and rect.contains(*screen.pointed)
            is_pointed = is_pointed and screen.dialog is None
            draw_face(frame, rect, palette.hover if is_pointed else palette.button)
            frame.write(sign, rect, text, palette.text, 0.5)
        frame.write(setting_words(knobs, name), place.setting, text * 0.9, palette.text, 0.5)
        if name == screen.steering.knob:
            frame.outline(place.lower, palette.frame, frame.line, max(2, text // 4))
