"""Pictures of the window that the tests compare it with; `python -m
tests.helpers.reference_pictures` makes them anew, to be looked at before they are committed.

Each scene at each of three sizes is a file in `tests/references`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

from app.drawing.drawings import save_surface
from app.drawing.strokes import fit, read_strokes
from app.session.session import Session
from app.window.screen.screen import Screen
from app.window.view import View
from nn.inference.classifier import PACKAGED_MODELS, load_classifier
from tests.helpers.paths import EXAMPLES

FOLDER = Path(__file__).parents[1] / "references"
SIZES = [(480, 320), (960, 640), (1920, 1080)]
NETWORKS = ("linear", "mlp", "tiny")  # not the large one: its weights may be trained anew


def empty(screen: Screen) -> None:
    """The window as it opens."""
    screen.do("clear")


def answered(screen: Screen) -> None:
    """A digit, its answer and the table."""


def explained(screen: Screen) -> None:
    """Which ink speaks for the digit and which against it, in light colours."""
    screen.do("theme")
    screen.do("why")
    screen.session.settle()


def inside(screen: Screen) -> None:
    """The stages of a network, and the inputs of a neuron."""
    screen.do("inside")
    screen.session.inspection.unit = 1, 7


def switched_off(screen: Screen) -> None:
    """A network without the neuron that adds most, and what it answers then."""
    screen.do("inside")
    screen.session.inspection.unit = 1, 14
    screen.do("switch off")


def projected(screen: Screen) -> None:
    """The answer, as large as for a class."""
    screen.do("projector")


def helped(screen: Screen) -> None:
    """All keys, in light colours."""
    screen.do("theme")
    screen.do("help")


SCENES: dict[str, Callable[[Screen], None]] = {
    scene.__name__: scene
    for scene in (empty, answered, explained, inside, switched_off, projected, helped)
}


def picture_of(scene: str, size: tuple[int, int]) -> pygame.Surface:
    """The window in a scene."""
    pygame.font.init()
    session = Session(load_classifier("mlp"), clock=lambda: 0.0)
    screen = Screen(session, size)
    for name in NETWORKS:
        session.networks.add(load_classifier(PACKAGED_MODELS / f"{name}.npz"))
    session.choose_network([entry.name for entry in session.networks.entries].index("mlp"))
    recorded = list(read_strokes(EXAMPLES))[4]
    session.canvas.draw_strokes(fit(recorded.strokes, 0.55, (0.1, -0.1)))
    session.settle()
    SCENES[scene](screen)
    screen.update()
    surface = pygame.Surface(size)
    View().draw(surface, screen)
    return surface


def path_of(scene: str, size: tuple[int, int]) -> Path:
    """The file of a scene at a size."""
    return FOLDER / f"{scene}-{size[0]}x{size[1]}.png"


def main() -> None:
    """Make them all anew."""
    for scene in SCENES:
        for size in SIZES:
            save_surface(picture_of(scene, size), path_of(scene, size))
            print(path_of(scene, size))


if __name__ == "__main__":
    main()
