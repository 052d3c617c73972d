"""What the line at the bottom says of the ink under the pointer while why is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.session.session import Session
from app.window.layout.layout import Layout
from app.window.style.text import percentage
from nn.handwriting.framing import SIZE
from nn.inference.discount import discounted

if TYPE_CHECKING:
    from nn.inference.occlusion import Change, OcclusionMap

NEAR_INK, NEAR_DOT = 0.8, 1.3  # cells from the pointer
LEGEND = (
    "the colours say how many times the odds of {} would change without one cell's ink; "
    "hollow: with a dot added"
)


def why_words(session: Session, layout: Layout, x: float, y: float) -> str:
    """What would be read without the ink at a place in the window, or with a dot there; else ""."""
    found, framing = session.explanation.map, session.predictor.framing
    answer = session.predictor.answer
    if found is None or framing is None or answer is None:
        return ""
    if layout.canvas.contains(x, y):
        column, row = layout.to_cells(x, y)
        column, row = (
            place * framing.scale + shift
            for place, shift in zip((column, row), framing.shift, strict=True)
        )
    elif layout.network_input.contains(x, y):
        side = layout.network_input.width / SIZE
        column, row = (x - layout.network_input.x) / side, (y - layout.network_input.y) / side
    else:
        return LEGEND.format(found.digit) if layout.caption.contains(x, y) else ""
    change = _nearest(found.without, row - 0.5, column - 0.5, NEAR_INK)
    if change is not None:
        return f"without this: {change_words(found, change, answer.no_digit)}"
    change = _nearest(found.missing, row - 0.5, column - 0.5, NEAR_DOT)
    if change is None:
        return ""
    return f"with ink here: {change_words(found, change, answer.no_digit)}"


def _nearest(changes: Sequence[Change], y: float, x: float, within: float) -> Change | None:
    def distance(change: Change) -> float:
        return float((change.place[0] - y) ** 2 + (change.place[1] - x) ** 2)

    nearest = min(changes, key=distance, default=None)
    return nearest if nearest is not None and distance(nearest) <= within**2 else None


def change_words(found: OcclusionMap, change: Change, no_digit: float = 0.0) -> str:
    """`4 falls from 99 % to 61 %`, and what is read instead, where that is another digit.

    The percentages are those of the bars, for a drawing that is `no_digit` so likely, 0…1.
    """
    before, after = (discounted(p, no_digit) for p in (found.before, change.probabilities))
    words = [
        _rise_or_fall(digit, float(before[digit]), float(after[digit]))
        for digit in (found.digit, found.rival)
        if digit is not None
    ]
    read, instead = int(before.argmax()), int(after.argmax())
    if instead != read:
        words.append(f"the answer is {instead} instead of {read}")
    return ", ".join(words)


def _rise_or_fall(digit: int, before: float, after: float) -> str:
    for digits in (0, 1, 2):  # as many as tell them apart
        first, second = _share(before, digits), _share(after, digits)
        if first != second:
            return f"{digit} {'falls' if after < before else 'rises'} from {first} to {second}"
    return f"{digit} stays at {percentage(before)}"


def _share(probability: float, digits: int) -> str:
    """A percentage with so many decimals; only a certainty is called one."""
    if digits and probability < 1 and round(100 * probability, digits) == 100:
        return f">{100 - 10**-digits:.{digits}f} %"
    return percentage(probability, digits)
