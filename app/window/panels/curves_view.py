"""Draws the curves of a training: loss and accuracy, what was changed, and the former run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import pygame

from app.window.layout.frame import Frame
from app.window.style.geometry import Rect
from app.window.style.palette import Colour, Palette
from app.window.style.text import MIN_TEXT

if TYPE_CHECKING:
    from app.session.curves import CurvePoint, Curves

Point = tuple[int, int]
SPANS = (0.02, 0.05, 0.1, 0.2, 0.5)  # of the first epoch, in epochs; then whole ones
FLOORS = (0.98, 0.95, 0.9, 0.8, 0.5)  # where an axis of accuracy may begin, besides at 0
LEGEND = 6  # heights of text that the place has at least where there is a legend
NEAR = 6  # pixels from a mark at which the pointer is on it


class Axis(NamedTuple):
    """From which value to which, where the ticks are, and what is written at each."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float] = float  # so that equal steps along it are equally long

    def share(self, value: float) -> float:
        """How far along the axis a value is, 0…1; beyond its ends, less or more."""
        low, high = self.place(self.low), self.place(self.high)
        return (self.place(max(value, 1e-12)) - low) / (high - low)  # 0 has no logarithm


class Plot(NamedTuple):
    """One of the two diagrams: where it is, and its axes."""

    area: Rect
    x: Axis
    y: Axis

    def spot(self, x: float, y: float) -> Point:
        """The pixel of a point; one far above or below the area is moved closer to it."""
        across, up = self.x.share(x), min(2.0, max(-1.0, self.y.share(y)))
        area = self.area
        return area.x + round(across * (area.width - 1)), area.bottom - 1 - round(
            up * (area.height - 1)
        )


def draw_curves(
    frame: Frame,
    place: Rect,
    curves: Curves | None,
    former: Curves | None,
    pointed: tuple[float, float] | None,
) -> None:
    """Loss and accuracy side by side; a line for the digits learned from, dots for those kept
    aside, and in grey the same of the former run."""
    palette, text = frame.palette, frame.layout.text
    shown = [run for run in (curves, former) if run is not None]
    if not shown:
        return
    ghost = ghost_colour(palette)
    x_axis = epoch_axis(max(shown[0].epoch, 1e-9), shown[0].epochs, shown[0].size)
    plots = _plots(place, text, x_axis, shown)
    for words, colour, plot in zip(
        ("loss", "accuracy"), (palette.against, palette.best), plots, strict=True
    ):
        _draw_axes(frame, plot, words, colour if curves else palette.quiet)
        with frame.clipped(plot.area):
            if former is not None:
                _draw_run(frame, plot, words, former, ghost, ghost)
            if curves is not None:
                _draw_run(frame, plot, words, curves, colour, palette.text)
    _draw_marks(frame, plots, shown[0], pointed)
    if place.height >= LEGEND * text:
        _draw_legend(frame, place, curves, former)


def ghost_colour(palette: Palette) -> Colour:
    """The colour of the former run: between the paper and the quiet words."""
    red, green, blue = ((a + b) // 2 for a, b in zip(palette.quiet, palette.frame, strict=True))
    return red, green, blue


def epoch_axis(epoch: float, epochs: int, size: int) -> Axis:
    """The axis that just holds the curve so far: in digits at first, after an epoch in epochs."""
    end = next((span for span in SPANS if epoch <= span), None)
    if end is not None:
        return Axis(0, end, [(0.0, "0"), (end, f"{end * size:,.0f} digits")])
    high = min(float(math.ceil(epoch)), float(max(1, epochs)))
    step = next(s * 10**p for p in range(9) for s in (1, 2, 5) if high / (s * 10**p) <= 5)
    ticks = [(float(tick), str(tick)) for tick in range(0, int(high), step)]
    return Axis(0, high, [*ticks, (high, f"{high:g} epoch" + "s" * (high != 1))])


def loss_axis(points: Sequence[CurvePoint]) -> Axis:
    """Logarithmic, from a 1, 2 or 5 to another: a loss that is halved falls by the same length."""
    losses = [point.loss for point in points if point.loss > 0] or [1.0]
    steps = [digit * 10.0**power for power in range(-9, 31) for digit in (1, 2, 5)]
    low = max((step for step in steps if step <= min(losses)), default=steps[0])
    high = min((step for step in steps if step >= max(losses)), default=steps[-1])
    low, high = (low / 2, high * 2) if low == high else (low, high)
    ticks = [step for step in steps if low <= step <= high]
    ticks = ticks if len(ticks) <= 5 else [low, *(t for t in ticks if f"{t:e}"[0] == "1"), high]
    ticks = ticks if len(ticks) <= 6 else [low, high]
    return Axis(low, high, [(tick, f"{tick:g}") for tick in ticks], math.log)


def accuracy_axis(points: Sequence[CurvePoint]) -> Axis:
    """Up to 100 %, from a floor that nine tenths of the points are above."""
    values = sorted(point.accuracy for point in points) or [0.0]
    lowest = values[len(values) // 10]
    low = next((floor for floor in FLOORS if floor <= lowest), 0.0)
    ticks = (low, (low + 1) / 2, 1.0)
    return Axis(low, 1.0, [(tick, f"{100 * tick:g} %") for tick in ticks])


def _plots(place: Rect, text: int, x_axis: Axis, runs: Sequence[Curves]) -> list[Plot]:
    """Two diagrams side by side, with room for ticks where there is some."""
    points = [
        point
        for run in runs
        for point in (*run.points, *run.validation)
        if point.epoch <= x_axis.high
    ]
    half = (place.width - text) // 2
    has_ticks = place.height >= text * 4 and half >= text * 6
    left, bottom = (round(text * 2.3), round(text * 0.95)) if has_ticks else (0, 0)
    top = text if has_ticks else 0
    legend = text if place.height >= LEGEND * text else 0
    plots = []
    for number, axis in enumerate((loss_axis(points), accuracy_axis(points))):
        x = place.x + number * (half + text) + left
        height = max(4, place.height - top - bottom - legend)
        area = Rect(x, place.y + top, max(4, half - left), height)
        plots.append(Plot(area, x_axis, axis if has_ticks else axis._replace(ticks=())))
    return plots


def _draw_axes(frame: Frame, plot: Plot, words: str, colour: Colour) -> None:
    """The lines of the ticks with what they stand for, and what the diagram shows."""
    palette, text, area = frame.palette, frame.layout.text, plot.area
    size = text * 0.7
    frame.fill((area.x, area.bottom - 1, area.width, 1), palette.frame)
    if not plot.y.ticks:
        if area.height > text * 2:
            y = area.y if words == "loss" else area.bottom - round(text * 1.4)
            frame.write(words, area._replace(y=y, height=text), text * 0.8, colour, 1.0)
        return
    title = "loss, logarithmic" if words == "loss" else "accuracy"
    title = title if frame.renderer.width(title, MIN_TEXT) <= area.width else words
    frame.write(title, Rect(area.x, area.y - text, area.width, text), text * 0.75, colour)
    last = area.bottom + text
    for value, label in sorted(plot.y.ticks):
        y = plot.spot(plot.x.low, value)[1]
        frame.fill(
            (area.x, y, area.width, 1), palette.grid if value > plot.y.low else palette.frame
        )
        if y <= last - text * 0.8:  # else it would touch the one below
            last = y
            place = Rect(area.x - text * 5 // 2, y - text // 2, text * 9 // 4, text)
            frame.write(label, place, size, palette.quiet, 1.0)
    end = -1
    for value, label in (plot.x.ticks[-1], *plot.x.ticks[:-1]):
        x, width = (
            plot.spot(value, plot.y.low)[0],
            frame.renderer.width(label, max(MIN_TEXT, round(size))),
        )
        left = min(max(area.x - text // 2, x - width // 2), area.right - width)
        frame.fill((x, area.bottom, 1, max(2, text // 5)), palette.frame)
        if end < 0 or left + width + text // 3 < end:
            end = left if end < 0 else end
            place = Rect(left, area.bottom, width + 2, text)
            frame.write(label, place, size, palette.quiet)


def _draw_run(
    frame: Frame, plot: Plot, words: str, run: Curves, colour: Colour, dots: Colour
) -> None:
    """The line for the digits learned from, and the dots for the held-out ones."""
    width = max(1, frame.layout.text // 9)
    line = [
        plot.spot(p.epoch, getattr(p, words)) for p in run.points if p.epoch <= plot.x.high * 1.2
    ]
    if len(line) > 1:
        pygame.draw.lines(frame.surface, colour, False, line, width)
    elif line:
        pygame.draw.circle(frame.surface, colour, line[0], width)
    for point in run.validation:
        if point.epoch <= plot.x.high:
            spot = plot.spot(point.epoch, getattr(point, words))
            pygame.draw.circle(frame.surface, dots, spot, width + 1)


def mark_at(
    plots: Sequence[Plot], curves: Curves, pointed: tuple[float, float] | None
) -> int | None:
    """The mark that the pointer is on, by its number."""
    for plot in plots:
        if pointed is not None and plot.area.grown(NEAR).contains(*pointed):
            near = [
                (abs(plot.spot(mark.epoch, plot.y.low)[0] - pointed[0]), number)
                for number, mark in enumerate(curves.marks)
            ]
            distance, number = min(near, default=(NEAR + 1, 0))
            return number if distance <= NEAR else None
    return None


def _draw_marks(
    frame: Frame, plots: Sequence[Plot], curves: Curves, pointed: tuple[float, float] | None
) -> None:
    """A small tick where a knob was turned, with its new setting where there is room."""
    text, palette = frame.layout.text, frame.palette
    chosen = mark_at(plots, curves, pointed)
    order = list(range(len(curves.marks)))[::-1]
    if chosen is not None:
        order.sort(key=lambda number: number != chosen)
    for plot in plots:
        area = plot.area
        taken: list[Rect] = []
        for number in order:
            mark = curves.marks[number]
            x = plot.spot(mark.epoch, plot.y.low)[0]
            if not area.x - 1 <= x <= area.right:
                continue
            height = area.height if number == chosen else max(3, text // 2)
            frame.fill((x, area.bottom - height, max(1, text // 12), height), palette.text)
            if not plot.y.ticks:
                continue
            words = mark.words if number == chosen else mark.label
            width = min(area.width, frame.renderer.width(words, max(MIN_TEXT, round(text * 0.7))))
            left = min(max(area.x, x - width // 2), area.right - width)
            # Where the curve is not: the loss falls, the accuracy rises.
            top = area.y if plot is plots[0] else area.bottom - text * 3 // 2
            place = Rect(left, top, width + 2, text)
            if all(place.right + text // 2 < p.x or p.right + text // 2 < place.x for p in taken):
                taken.append(place)
                frame.fill(place, palette.background)
                frame.write(words, place, text * 0.7, palette.text)


def _draw_legend(frame: Frame, place: Rect, curves: Curves | None, former: Curves | None) -> None:
    """What lines and dots stand for."""
    palette, text = frame.palette, frame.layout.text
    row = Rect(place.x, place.bottom - text, place.width, text)
    entries: list[tuple[str, str, tuple[Colour, ...]]] = []
    if curves is not None:
        entries.append(("its own digits", "its own", (palette.against, palette.best)))
        entries.append(("unseen digits", "unseen", ()))
    if former is not None:
        entries.append((f"before: {former.name}", "before", (ghost_colour(palette),) * 2))
    share = row.width // len(entries)
    room = share - text * 3 // 2
    is_short = any(frame.renderer.width(words, MIN_TEXT) > room for words, _, _ in entries)
    for number, (words, short, line) in enumerate(entries):
        x, y = row.x + number * share, row.y + text // 2
        for half, colour in enumerate(line):
            frame.fill((x + half * text // 2, y, text // 2, max(1, text // 9)), colour)
        if not line:
            pygame.draw.circle(frame.surface, palette.text, (x + text // 2, y), max(2, text // 6))
        label = Rect(x + text * 5 // 4, row.y, room, text)
        frame.write(short if is_short else words, label, text * 0.75, palette.quiet)
