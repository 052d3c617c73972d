"""Which units the panel of a network's inside shows, and which of them is at a place."""

from __future__ import annotations

from typing import NamedTuple

from app.session.inspection import Inspection
from app.window.layout.inside_layout import Detail, Row, lay_out_detail, lay_out_inside, shown_shape
from app.window.layout.layout import Layout
from app.window.screen.waterfall import Column, Waterfall, waterfall_of
from app.window.style.geometry import Rect
from nn.inference.ablation import Unit


class Shown(NamedTuple):
    """A row of the panel, and the unit on each of its tiles."""

    row: Row
    units: list[int]

    def rect(self, unit: int) -> Rect | None:
        """Where a unit is, if it is shown."""
        return self.row.tiles.rect(self.units.index(unit)) if unit in self.units else None


class InsidePanel:
    """The rows of the panel for an inspection; a click looks at the unit it meets."""

    def __init__(self, inspection: Inspection) -> None:
        self.inspection = inspection
        self._shown: list[Shown] = []
        self._shown_for: object = None
        self._stages: object = None  # those that `_shown` is of
        self._sum: Waterfall | None = None
        self._summed_for: object = None
        self._contributions: object = None  # those that `_sum` is of

    def rows(self, layout: Layout) -> list[Shown]:
        """What is shown of each stage, first to last."""
        stages, looked_at = self.inspection.stages, self.inspection.looked_at
        if looked_at is None:
            return []
        key = layout.above_buttons, layout.text, looked_at
        if key != self._shown_for or stages is not self._stages:
            shapes = [shown_shape(stage) for stage in stages]
            rows = lay_out_inside(layout.above_buttons, layout.text, shapes, looked_at[0])
            self._shown = [Shown(row, self._units(row, looked_at)) for row in rows]
            self._shown_for, self._stages = key, stages
        return self._shown

    def detail(self, layout: Layout) -> Detail | None:
        """Where the parts are that show the unit that is looked at."""
        inspection = self.inspection
        if inspection.looked_at is None:
            return None
        stage = inspection.stages[inspection.looked_at[0]]
        count = 2 if stage.weight_images() is not None else 0
        if stage.filters(0) is not None:
            count = 2 if stage.values.ndim == 3 else 1
        return lay_out_detail(layout.above_buttons, layout.text, count, stage.is_last)

    def waterfall(self, layout: Layout) -> list[tuple[Column, Rect]]:
        """The sum of the unit that is looked at, and where each of its columns is."""
        detail, found = self.detail(layout), self.sum(layout)
        if detail is None or found is None:
            return []
        count = len(found.columns)
        return [(column, detail.column(i, count)) for i, column in enumerate(found.columns)]

    def sum(self, layout: Layout) -> Waterfall | None:
        """The sum of the unit that is looked at, in as many columns as there is room for."""
        inspection, detail = self.inspection, self.detail(layout)
        contributions, looked_at = inspection.contributions, inspection.looked_at
        if detail is None or contributions is None or looked_at is None:
            return None
        if contributions is not self._contributions or detail != self._summed_for:
            stage, room = inspection.stages[looked_at[0]], detail.room(layout.text)
            steps = inspection.softmax_steps
            self._sum = waterfall_of(stage, looked_at[1], contributions, steps, room)
            self._contributions, self._summed_for = contributions, detail
        return self._sum

    def unit_at(self, layout: Layout, place: tuple[float, float] | None) -> Unit | None:
        """The unit that is shown at a place in the window, in its row or in a sum."""
        return self.pointed_at(layout, place)[0]

    def pointed_at(
        self, layout: Layout, place: tuple[float, float] | None
    ) -> tuple[Unit | None, Rect | None]:
        """The unit at a place in the window, and the rectangle it has there."""
        looked_at = self.inspection.looked_at
        if place is None or looked_at is None or not layout.above_buttons.contains(*place):
            return None, None
        for shown in self.rows(layout):
            tile = shown.row.tiles.at(*place)
            if tile is not None:
                return (shown.row.stage, shown.units[tile]), shown.row.tiles.rect(tile)
        for column, rect in self.waterfall(layout):
            if column.unit is not None and rect.contains(*place):
                return (looked_at[0] - 1, column.unit), rect
        return None, None

    def click(self, layout: Layout, x: float, y: float) -> bool:
        """Look at the unit at a place, or at the next ones of a stage; whether there is one."""
        unit = self.unit_at(layout, (x, y))
        for shown in self.rows(layout):
            if shown.row.more is not None and shown.row.more.contains(x, y):
                unit = shown.row.stage, self._next(shown)
        for digit, bar in enumerate(layout.bars):
            if bar.whole.contains(x, y) and self.inspection.stages:
                unit = len(self.inspection.stages) - 1, digit
        if unit is not None:
            self.inspection.unit = unit
        return unit is not None

    def _units(self, row: Row, looked_at: Unit) -> list[int]:
        """The units for a row's tiles: the strongest, and those that the strongest paths need.

        With the unit that is looked at come the others of about its strength.
        """
        order, count = self.inspection.shown_order(row.stage), row.tiles.count
        start = 0
        if looked_at[0] == row.stage:
            start = order.index(looked_at[1]) // count * count
        units = order[start : start + count]
        units = order[-count:] if len(units) < count else units
        needed = [link.source for link in self.inspection.paths if link.stage - 1 == row.stage]
        missing = [unit for unit in dict.fromkeys(needed) if unit not in units]
        for place in range(len(units) - 1, -1, -1):
            if missing and units[place] not in needed and (row.stage, units[place]) != looked_at:
                units[place] = missing.pop()
        return units

    def _next(self, shown: Shown) -> int:
        """The first unit after those that a row shows; after the last, the first of all."""
        order = self.inspection.shown_order(shown.row.stage)
        looked_at = self.inspection.looked_at
        place = 0
        if looked_at is not None and looked_at[0] == shown.row.stage:
            place = order.index(looked_at[1])
        count = shown.row.tiles.count
        following = (place // count + 1) * count
        return order[following if following < len(order) else 0]
