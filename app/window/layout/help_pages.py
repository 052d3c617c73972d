"""The help as it is open: which page is shown, and what a click on it presses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.window.input.commands import Command, Panel
from app.window.layout.dialog_layout import DialogLayout

if TYPE_CHECKING:
    from app.window.layout.help_layout import Choice, HelpSheet, Page

HIGHEST = 50  # lines of text that the sheet is high at most


class HelpPages:
    """The help as it is open.

    `window` tells the window's size, its text's height, its panel, and whether a class is to read
    it from afar: then it has more pages rather than small letters.
    """

    def __init__(self, window: Callable[[], tuple[tuple[int, int], int, Panel, bool]]) -> None:
        self.number = 0  # of the page that is shown
        self._window = window

    @property
    def sheet(self) -> HelpSheet:
        """Where everything is."""
        # Only now: the first frame does without.
        from app.window.layout.help_layout import lay_out_help

        size, text, panel, is_large = self._window()
        least = round(text * 0.65) if is_large else 0
        return lay_out_help(DialogLayout(size, text, HIGHEST), panel, least)

    @property
    def page(self) -> Page:
        """What stands on the page that is shown."""
        pages = self.sheet.pages
        return pages[self.number % len(pages)]  # a larger window has fewer

    def turn(self, pages: int) -> None:
        """Go on to another page."""
        self.number = (self.number + pages) % len(self.sheet.pages)

    def at(self, x: float, y: float) -> tuple[Command, Choice] | None:
        """What is said at a place: a command, and the key that a click presses there."""
        return self.page.at(x, y) or self.sheet.turning_at(x, y)
