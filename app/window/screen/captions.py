"""What the line at the bottom says, in plain words, of what the pointer is on."""

from __future__ import annotations

from app.my_digits.my_digits import with_article
from app.session.knobs import KNOBS, knob_words, setting_words
from app.session.networks import NetworkInfo
from app.session.predictor import Answer
from app.session.session import Session
from app.window.input.commands import Panel
from app.window.layout.inside_layout import inside_detail, is_shown_by_weights
from app.window.layout.layout import Layout
from app.window.screen.trace import traced_digit
from app.window.screen.why_words import why_words
from app.window.style.text import percentage

FRAMED = "the drawing, framed like MNIST's digits: 20 cells large, centred, with an even pen"
TABLE = "what each reads, how sure it is, numbers it has learned, unseen digits it reads right"
NAME = "the network that reads now · Tab chooses another"
SUM = "what makes the framed part: orange adds, blue takes away · click an input to go down to it"
SMOOTHED = "the loss on its own digits is higher: it is taught to be only {} sure of them"
WEIGHTS = "the weights of each digit: ink on orange adds, ink on blue takes away · click one"
PANELS: dict[Panel, str] = {
    "inside": "a tile for each part of the network, the brighter the stronger · click one",
    "weights": "the weights of each neuron: ink on orange makes it stronger, ink on blue weaker",
    "mistakes": "a row for what digits are, a column for what they are read as · click a cell",
    "training": "loss is how wrong the answers are, accuracy how many are right",
}


def caption_at(session: Session, layout: Layout, rows: range, x: float, y: float) -> str:
    """What is at a place in the window, besides buttons; "" where there is nothing to explain.

    The table shows these `rows` of the list of networks.
    """
    answer = session.predictor.answer
    if words := why_words(session, layout, x, y):
        return words
    if layout.canvas.contains(x, y):
        digit = traced_digit(session)
        return "" if digit is None else f"trace the faint {digit}, or draw any other digit"
    if layout.network_input.contains(x, y) or layout.caption.contains(x, y):
        return FRAMED
    if layout.answer.contains(x, y):
        return _of_answer(answer)
    for digit, bar in enumerate(layout.bars):
        if bar.whole.contains(x, y):
            return _of_bar(answer, digit)
    if layout.table and layout.table[0].contains(x, y):
        return TABLE
    for index, row in zip(rows, layout.table[1:], strict=False):
        if row.contains(x, y):
            return _of_network(session.networks.entries[index])
    if layout.name.contains(x, y):
        return NAME
    for name, knob in layout.knobs.items():
        if knob.steps_at(x, y) is not None:
            usual = setting_words(session.course.usual_knobs, name)
            return f"{KNOBS[name].meaning}, usually {usual} · the arrow keys turn it too"
    if layout.seen is not None and layout.seen.contains(x, y):
        return "some digits of the batch that it learned from last, varied as it saw them"
    former, training = session.course.former, session.course.training
    curves = layout.curves if layout.panel == "training" else None
    loss = None if curves is None else curves._replace(width=curves.width // 2)
    if loss is not None and loss.contains(x, y) and training and training.label_smoothing:
        return SMOOTHED.format(percentage(1 - training.label_smoothing))
    if former is not None and curves is not None and curves.contains(x, y):
        return f"grey: the run before, {former.name} with {knob_words(former.begun_with)}"
    if layout.panel == "inside" and inside_detail(layout.above_buttons, layout.text).contains(x, y):
        return SUM
    stages = session.inspection.stages if layout.panel == "inside" else []
    if stages and is_shown_by_weights(stages[-1]) and layout.body.contains(x, y):
        return WEIGHTS
    return PANELS.get(layout.panel, "") if layout.body.contains(x, y) else ""


def _of_answer(answer: Answer | None) -> str:
    if answer is None:
        return "the digit that is read will stand here, and how sure the network is"
    if not answer.is_digit:
        return "a second network finds that this looks like no digit at all"
    if answer.is_provisional:
        return "the pen is still down: what digits that begin so most often become, and how often"
    if not answer.is_sure:
        return "the likeliest digit, though the others together are likelier"
    return "the likeliest digit, and how sure the network is of it"


def _of_bar(answer: Answer | None, digit: int) -> str:
    if answer is None:
        return f"how sure the network will be that you drew {with_article(digit)}"
    if not answer.is_digit:
        return f"how likely {with_article(digit)} would be, if this were a digit"
    share = percentage(answer.probabilities[digit])
    if answer.is_provisional:
        return f"of digits that begin so, {share} become {with_article(digit)}"
    return f"{share} sure that it is {with_article(digit)} · a click asks why"


def _of_network(entry: NetworkInfo) -> str:
    learned = "" if entry.parameters is None else f" has learned {entry.parameters:,} numbers"
    right = (
        "" if entry.accuracy is None else f"{percentage(entry.accuracy, 1)} of unseen digits right"
    )
    parts = [entry.name + learned, right, "a click chooses it"]
    return " · ".join(part for part in parts if part)
