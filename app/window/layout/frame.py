"""What the parts of the window are painted with, and on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pygame

from app.window.layout.layout import Layout
from app.window.style.geometry import Rect
from app.window.style.palette import Colour, Palette
from app.window.style.text import REGULAR, TextRenderer
from nn.support.types import Array


class Frame(NamedTuple):
    """One painting of the window: its surface, and the places, colours and letters on it."""

    surface: pygame.Surface
    layout: Layout
    palette: Palette
    renderer: TextRenderer
    stills: dict[object, pygame.Surface]  # the last picture that `still` kept

    @property
    def line(self) -> int:
        """How wide the frames are, in pixels."""
        return max(1, self.layout.text // 14)

    @property
    def bold_line(self) -> int:
        """How wide the frames are of what is chosen, in pixels."""
        return max(1, self.layout.text // 9)

    def write(
        self,
        text: str,
        rect: Rect,
        size: float,
        colour: Colour,
        align: float = 0.0,
        face: str = REGULAR,
    ) -> None:
        """`TextRenderer.write` on this surface."""
        self.renderer.write(self.surface, text, rect, size, colour, align, face)

    def write_wrapped(
        self, text: str, rect: Rect, size: float, colour: Colour, align: float = 0.0
    ) -> None:
        """`TextRenderer.write_wrapped` on this surface."""
        self.renderer.write_wrapped(self.surface, text, rect, size, colour, align)

    def fill(self, rect: Rect | tuple[int, int, int, int], colour: Colour) -> None:
        """Fill a rectangle."""
        self.surface.fill(colour, rect)

    def outline(self, rect: Rect, colour: Colour, width: int = 1, radius: int = -1) -> None:
        """A frame just inside a rectangle; with a `radius` its corners are round."""
        pygame.draw.rect(self.surface, colour, rect, width, border_radius=radius)

    def thick_line(
        self, start: tuple[float, float], end: tuple[float, float], width: float, colour: Colour
    ) -> None:
        """A line of some width with smooth edges."""
        import pygame.gfxdraw  # only now: the first frame does without

        (x, y), (to_x, to_y) = start, end
        length = math.hypot(to_x - x, to_y - y) or 1.0
        across, down = (y - to_y) / length * width / 2, (to_x - x) / length * width / 2
        corners = [(x + across, y + down), (x - across, y - down)]
        corners += [(to_x - across, to_y - down), (to_x + across, to_y + down)]
        pygame.gfxdraw.aapolygon(self.surface, corners, colour)
        pygame.gfxdraw.filled_polygon(self.surface, corners, colour)

    def show(self, cells: Array, rect: Rect) -> None:
        """Cells of colour (H, W, 3), as bytes, scaled to fill a rectangle."""
        height, width = cells.shape[:2]
        picture = pygame.image.frombuffer(cells.tobytes(), (width, height), "RGB")
        self.surface.blit(pygame.transform.scale(picture, rect[2:]), rect[:2])

    def still(self, key: object, rect: Rect, draw: Callable[[], None]) -> None:
        """Draw a part of the panel, or show again what was last drawn for the same `key`."""
        area = self.surface.get_rect().clip(rect)
        if key in self.stills:
            self.surface.blit(self.stills[key], area)
            return
        draw()
        self.stills.clear()
        if area:
            self.stills[key] = self.surface.subsurface(area).copy()

    @contextmanager
    def clipped(self, rect: Rect) -> Iterator[None]:
        """Within this, nothing is painted outside a rectangle."""
        before = self.surface.get_clip()
        self.surface.set_clip(before.clip(rect))
        try:
            yield
        finally:
            self.surface.set_clip(before)

    def fade(self, rect: Rect, opacity: float) -> None:
        """Fade what is in a rectangle towards the background, with an opacity in 0…1."""
        veil = pygame.Surface(rect[2:])
        veil.fill(self.palette.background)
        veil.set_alpha(round(255 * opacity))
        self.surface.blit(veil, rect[:2])
