"""Words on a surface, in the font that is shipped with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pygame

from app.window.style.geometry import Rect
from app.window.style.palette import Colour

ASSETS = Path(__file__).resolve().parents[3] / "assets"
REGULAR, BOLD = "Inter-Regular.otf", "Inter-SemiBold.otf"
MIN_TEXT = 10  # pixels of the font; smaller letters cannot be read
MAX_TEXT = 300  # characters; a line has room for fewer
MAX_FONTS, MAX_PICTURES = 64, 600  # kept; a window dragged through many sizes needs more
MAX_WIDTHS = 5000  # of words, kept
KEPT = re.compile(r" (?=·)|(?<=\d) (?=%|(?:s|min|MB|off)\b)")  # spaces where no line is broken
MAX_PIXELS = 8_000_000  # of all pictures that are kept, 32 MB: on a large screen they are large


class TextRenderer:
    """Writes text; keeps fonts and the pictures of words. `pygame.font` must be initialised."""

    def __init__(self) -> None:
        self._fonts: dict[tuple[str, int], pygame.font.Font] = {}
        self._pictures: dict[tuple[str, str, int, Colour], pygame.Surface] = {}
        self._pixels = 0  # of all these pictures
        self._widths: dict[tuple[str, int, str], int] = {}

    def write(
        self,
        surface: pygame.Surface,
        text: str,
        rect: Rect,
        size: float,
        colour: Colour,
        align: float = 0.0,
        face: str = REGULAR,
    ) -> None:
        """One line of text in a rectangle, smaller if it is too large; `align` 0 left … 1 right.

        Where it would be too small to be read, its middle is left out, or all of it.
        """
        text = writable(text)
        height = self.fitting(text, rect, size, face)
        if rect.height < 0.7 * height:  # lower than a capital letter
            return
        text = self._shortened(text, rect.width, height, face)
        if not text:
            return
        picture = self._picture(text, face, height, colour)
        x = rect.x + max(0, round((rect.width - picture.get_width()) * align))
        y = rect.y + (rect.height - picture.get_height()) // 2
        surface.blit(picture, (x, y))

    def fitting(self, text: str, rect: Rect, size: float, face: str = REGULAR) -> int:
        """The size that `write` gives the letters of a text: `size`, or less where it must."""
        height = max(MIN_TEXT, min(round(size), round(rect.height * 1.05)))
        width = self.width(text, height, face)
        if width > rect.width:
            height = max(MIN_TEXT, int(height * rect.width / width))
            # Letters are not narrowed in quite the same proportion.
            while height > MIN_TEXT and self.width(text, height, face) > rect.width:
                height -= 1
        return height

    def width(self, text: str, size: int, face: str = REGULAR) -> int:
        """How wide a text is."""
        key = (text, size, face)
        if key not in self._widths:
            if len(self._widths) >= MAX_WIDTHS:
                self._widths.clear()
            self._widths[key] = self._font(face, size).size(writable(text))[0]
        return self._widths[key]

    def wrapped(self, text: str, width: int, size: int, face: str = REGULAR) -> list[str]:
        """The lines of a text that is wrapped at its spaces; a number stays with its unit."""
        lines, about = [""], 0  # the last line's width, by its words: measured only near the edge
        space = self.width(" ", size, face)
        for word in re.findall(r"[\S\u00a0]+", KEPT.sub("\u00a0", writable(text))):
            longer, wider = (
                f"{lines[-1]} {word}".strip(),
                about + space + self.width(word, size, face),
            )
            fits = wider < 0.9 * width or self.width(longer, size, face) <= width
            if not lines[-1] or fits:
                lines[-1], about = longer, wider
            else:
                lines.append(word)
                about = wider - about - space
        return [line.replace("\u00a0", " ") for line in lines]

    def write_wrapped(
        self,
        surface: pygame.Surface,
        text: str,
        rect: Rect,
        size: float,
        colour: Colour,
        align: float = 0.0,
    ) -> None:
        """Text in as many lines as it needs at this size, from the top of a rectangle.

        Where they do not all fit, the letters are smaller, and if need be the text is shortened.
        """
        for height in range(max(MIN_TEXT, round(size)), MIN_TEXT - 1, -1):
            size, line_height = height, self._font(REGULAR, height).get_linesize()
            lines, most = self.wrapped(text, rect.width, size), max(1, rect.height // line_height)
            is_narrow = all(self.width(line, size) <= rect.width for line in lines)
            if len(lines) <= most and is_narrow:
                break
        lines[most - 1 :] = [" ".join(lines[most - 1 :])]
        for number, line in enumerate(lines):
            place = Rect(rect.x, rect.y + number * line_height, rect.width, line_height)
            self.write(surface, line, place, size, colour, align)

    def fits(self, text: str, rect: Rect, size: int = MIN_TEXT) -> bool:
        """Whether `write_wrapped` can write all of a text in letters of this size."""
        lines = self.wrapped(text, rect.width, size)
        height = len(lines) * self._font(REGULAR, size).get_linesize()
        return height <= rect.height and all(self.width(line, size) <= rect.width for line in lines)

    def glyph(self, digit: str, height: int, colour: Colour) -> pygame.Surface:
        """A digit that is about `height` pixels tall, and no taller, without space around it."""
        tallest = 0.765  # of the font's size, in Inter: a round digit with its overshoot
        size = max(MIN_TEXT, round(height / tallest))
        picture = self._picture(digit, BOLD, size, colour)
        return picture.subsurface(picture.get_bounding_rect())

    def _shortened(self, text: str, width: int, size: int, face: str) -> str:
        """A text without so much of its middle that the rest fits; empty where nothing does."""
        if self.width(text, size, face) <= width:
            return text
        for kept in range(min(len(text) - 1, 2 * width // size * 2), 0, -1):
            shorter = (
                f"{text[: kept - kept // 2].rstrip()}…{text[len(text) - kept // 2 :].lstrip()}"
            )
            if self.width(shorter, size, face) <= width:
                return shorter
        return ""

    def _picture(self, text: str, face: str, size: int, colour: Colour) -> pygame.Surface:
        key = (text, face, size, colour)
        if key not in self._pictures:
            if len(self._pictures) >= MAX_PICTURES or self._pixels >= MAX_PIXELS:
                self._pictures.clear()
                self._pixels = 0
            picture = self._font(face, size).render(text, True, colour)
            self._pictures[key] = picture
            self._pixels += picture.get_width() * picture.get_height()
        return self._pictures[key]

    def _font(self, face: str, size: int) -> pygame.font.Font:
        key = (face, size)
        if key not in self._fonts:
            if len(self._fonts) >= MAX_FONTS:
                self._fonts.clear()
            self._fonts[key] = pygame.font.Font(str(ASSETS / "fonts" / face), size)
        return self._fonts[key]


def decimal(value: float, signed: bool = False) -> str:
    """A number with two decimals and a true minus sign; `signed` shows a plus sign as well."""
    rounded = round(value, 2) + 0.0  # no minus before a zero
    sign = "−" if rounded < 0 else "+" if signed and rounded else ""
    return f"{sign}{abs(rounded):.2f}"


def percentage(probability: float, digits: int = 0) -> str:
    """A probability for people: `98 %`; only a certainty is called `100 %`."""
    if 0.995 <= probability < 1.0 and not digits:
        return ">99 %"
    return f"{100 * probability:.{digits}f} %"


def writable(text: str) -> str:
    """Text as a font can write it; names of files and networks may hold anything."""
    return text[:MAX_TEXT].encode(errors="replace").decode().replace("\0", "?")
