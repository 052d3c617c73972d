"""Words on a surface, in the font that is shipped with the program."""

from __future__ import annotations

from pathlib import Path

import pygame

from app.layout import Rect
from app.palette import Colour

ASSETS = Path(__file__).resolve().parent.parent / "assets"
REGULAR, BOLD = "Inter-Regular.otf", "Inter-SemiBold.otf"
SMALLEST_TEXT = 6
LONGEST_TEXT = 300  # characters; a line has room for fewer
MOST_FONTS, MOST_PICTURES = 64, 600  # kept; a window dragged through many sizes needs more
MOST_PIXELS = 8_000_000  # of all pictures that are kept, 32 MB: on a large screen they are large


class Writer:
    """Writes text; keeps fonts and the pictures of words. `pygame.font` must be initialised."""

    def __init__(self) -> None:
        self._fonts: dict[tuple[str, int], pygame.font.Font] = {}
        self._pictures: dict[tuple[str, str, int, Colour], pygame.Surface] = {}
        self._pixels = 0  # of all these pictures

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
        """One line of text in a rectangle, smaller if it is too large; `align` 0 left … 1 right."""
        text = writable(text)
        if not text or rect.width < 1 or rect.height < 1:
            return
        height = max(SMALLEST_TEXT, min(round(size), round(rect.height * 1.05)))
        width = self._font(face, height).size(text)[0]
        if width > rect.width:
            height = max(SMALLEST_TEXT, int(height * rect.width / width))
            # Letters are not narrowed in quite the same proportion.
            while height > SMALLEST_TEXT and self._font(face, height).size(text)[0] > rect.width:
                height -= 1
        picture = self._picture(text, face, height, colour)
        x = rect.x + max(0, round((rect.width - picture.get_width()) * align))
        y = rect.y + (rect.height - picture.get_height()) // 2
        # What is too long even so is cut off at the end of the rectangle.
        surface.blit(picture, (x, y), (0, 0, rect.width, picture.get_height()))

    def write_wrapped(
        self, surface: pygame.Surface, text: str, rect: Rect, size: float, colour: Colour
    ) -> None:
        """Text in as many lines as it needs at this size, from the top of a rectangle."""
        lines = [""]
        font = self._font(REGULAR, max(SMALLEST_TEXT, round(size)))
        for word in writable(text).split():
            longer = f"{lines[-1]} {word}".strip()
            if font.size(longer)[0] <= rect.width:
                lines[-1] = longer
            else:
                lines.append(word)
        height = font.get_linesize()
        for number, line in enumerate(filter(None, lines)):
            place = Rect(rect.x, rect.y + number * height, rect.width, height)
            if place.bottom <= rect.bottom:
                self.write(surface, line, place, size, colour)

    def glyph(self, digit: str, height: int, colour: Colour) -> pygame.Surface:
        """A digit that is about `height` pixels tall, and no taller, without space around it."""
        tallest = 0.765  # of the font's size, in Inter: a round digit with its overshoot
        size = max(SMALLEST_TEXT, round(height / tallest))
        picture = self._picture(digit, BOLD, size, colour)
        return picture.subsurface(picture.get_bounding_rect())

    def _picture(self, text: str, face: str, size: int, colour: Colour) -> pygame.Surface:
        key = (text, face, size, colour)
        if key not in self._pictures:
            if len(self._pictures) >= MOST_PICTURES or self._pixels >= MOST_PIXELS:
                self._pictures.clear()
                self._pixels = 0
            picture = self._font(face, size).render(text, True, colour)
            self._pictures[key] = picture
            self._pixels += picture.get_width() * picture.get_height()
        return self._pictures[key]

    def _font(self, face: str, size: int) -> pygame.font.Font:
        key = (face, size)
        if key not in self._fonts:
            if len(self._fonts) >= MOST_FONTS:
                self._fonts.clear()
            self._fonts[key] = pygame.font.Font(str(ASSETS / "fonts" / face), size)
        return self._fonts[key]


def writable(text: str) -> str:
    """Text as a font can write it; names of files and networks may hold anything."""
    return text[:LONGEST_TEXT].encode(errors="replace").decode().replace("\0", "?")
