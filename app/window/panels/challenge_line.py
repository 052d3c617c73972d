"""Draws the challenge that is set, in one line above everything."""

from __future__ import annotations

import pygame

from app.session.challenges import CHALLENGES
from app.window.layout.frame import Frame
from app.window.screen.screen import Screen
from app.window.style.geometry import Rect
from app.window.style.text import BOLD, MIN_TEXT

HEADING, SOLVED = "Challenge", "Solved"


def draw_challenge(frame: Frame, screen: Screen) -> Rect:
    """Draw it, with a dot for each challenge and a cross to put them away; returns its place."""
    line, challenges = frame.layout.challenge, screen.session.challenges
    frame.fill(line, frame.palette.background)
    if challenges.is_shown:
        with frame.clipped(line):  # letters may be higher than their line
            _draw_line(frame, screen, line)
    return line


def _draw_line(frame: Frame, screen: Screen, line: Rect) -> None:
    challenges, text, palette = screen.session.challenges, frame.layout.text, frame.palette
    challenge, width_of = challenges.challenge, frame.renderer.width
    _draw_cross(frame, cross_of(line), screen.hover == "challenges")
    place = line._replace(width=line.width - line.height)
    heading = SOLVED if challenge.name in challenges.solved else HEADING
    before = width_of(heading, max(MIN_TEXT, round(text * 0.9)), BOLD) + text // 2
    dots = len(CHALLENGES) * text * 3 // 4 + text
    size, least = max(MIN_TEXT, text * 4 // 5), MIN_TEXT
    # What there is room for, the best first: words, size of their letters, heading, dots.
    wanted = (challenge.words, size, before, dots), (challenge.words, size, before, 0)
    narrow = (challenge.words, least, before, 0), (challenge.short, least, before, 0)
    for words, letters, left, right in (*wanted, *narrow, (challenge.short, least, 0, 0)):
        if width_of(words, letters) <= place.width - left - right:
            break
    if left:
        frame.write(heading, place, text * 0.9, palette.best, face=BOLD)
    if right:
        ending = place._replace(x=place.right - dots + text, width=dots - text)
        _draw_dots(frame, ending, challenges.solved)
    place = place._replace(x=place.x + left, width=place.width - left - right)
    colour = palette.best if screen.hover == "next challenge" else palette.text
    frame.write(words, place, text * 0.9, colour)


def _draw_dots(frame: Frame, place: Rect, solved: set[str]) -> None:
    """A dot for each challenge, full once it is solved."""
    radius, step = max(2, frame.layout.text // 5), place.width // len(CHALLENGES)
    for number, challenge in enumerate(CHALLENGES):
        middle = place.x + number * step + step // 2, place.y + place.height // 2
        if challenge.name in solved:
            pygame.draw.circle(frame.surface, frame.palette.best, middle, radius)
        else:
            pygame.draw.circle(frame.surface, frame.palette.quiet, middle, radius, frame.line)


def _draw_cross(frame: Frame, place: Rect, is_hovered: bool) -> None:
    colour = frame.palette.text if is_hovered else frame.palette.quiet
    inner = place.shrunk(place.height * 3 // 10)
    for start, end in (
        ((inner.x, inner.y), (inner.right - 1, inner.bottom - 1)),
        ((inner.x, inner.bottom - 1), (inner.right - 1, inner.y)),
    ):
        pygame.draw.line(frame.surface, colour, start, end, frame.bold_line)


def cross_of(line: Rect) -> Rect:
    """Where the cross is that puts the challenges away."""
    return Rect(line.right - line.height, line.y, line.height, line.height)


def challenge_button_at(screen: Screen, x: float, y: float) -> str | None:
    """The command of what is at a place in that line."""
    line = screen.layout.challenge
    if not screen.session.challenges.is_shown or not line.contains(x, y):
        return None
    return "challenges" if cross_of(line).contains(x, y) else "next challenge"


def challenge_state(screen: Screen) -> object:
    """What the line shows."""
    challenges = screen.session.challenges
    hovered = screen.hover if screen.hover in ("challenges", "next challenge") else None
    return challenges.is_shown and (challenges.challenge.name, len(challenges.solved), hovered)
