"""What the pointer is on is explained in the line at the bottom."""

import pygame
import pytest

from app.session.predictor import Answer
from app.window.painter import state_of
from app.window.style.geometry import Rect
from app.window.view import View
from nn.inference.classifier import load_classifier
from tests.helpers.clock import Clock
from tests.helpers.screens import PROBABILITIES, Network, point, screen_of, send

SIZES = [(320, 480), (480, 320), (960, 640), (1920, 1080), (3840, 2160)]


@pytest.fixture(params=SIZES)
def screen(request):
    screen = screen_of(load_classifier("mlp"), size=request.param, clock=Clock())
    screen.session.networks.add(load_classifier("linear"))
    return screen


def hint_at(screen, rect):
    point(screen, rect)
    return screen.hint()


def draw(screen):
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    screen.session.settle()


def test_on_blank_paper_it_says_what_may_be_traced_until_there_is_ink(screen):
    assert hint_at(screen, screen.layout.canvas) == "trace the faint 3, or draw any other digit"
    draw(screen)
    assert "trace" not in hint_at(screen, screen.layout.canvas)


def test_a_bar_is_explained_as_it_stands(screen):
    layout = screen.layout
    assert hint_at(screen, layout.bars[8].whole).endswith("that you drew an 8")
    draw(screen)
    screen.session.predictor.answer = Answer(PROBABILITIES)
    assert hint_at(screen, layout.bars[4].whole) == "25 % sure that it is a 4 · a click asks why"
    screen.session.predictor.answer = Answer(PROBABILITIES, is_digit=False)
    assert "%" not in hint_at(screen, layout.bars[4].whole)


def test_answer_framed_image_table_and_name_are_explained(screen):
    layout, said = screen.layout, set()
    for rect in (layout.answer, layout.network_input, layout.name):
        said.add(hint_at(screen, rect))
    screen.open_panel("networks")
    said.add(hint_at(screen, screen.layout.table[0]))
    line = hint_at(screen, screen.layout.table[-1])
    assert line.startswith("mlp has learned 40,785 numbers")
    assert "97.9 % of unseen digits right" in line
    send(screen, pygame.WINDOWLEAVE)
    assert len(said | {screen.hint()}) == 5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(PROBABILITIES), "how sure"),
        (Answer((0.4, 0.3, 0.3, *[0.0] * 7)), "though"),
        (Answer(PROBABILITIES, is_digit=False), "no digit"),
    ],
)
def test_the_answer_is_explained_as_it_stands(screen, answer, words):
    draw(screen)
    screen.session.predictor.answer = answer
    assert words in hint_at(screen, screen.layout.answer)


@pytest.mark.parametrize("panel", ["inside", "training", "weights"])
def test_panels_are_explained(screen, panel):
    screen.open_panel(panel)
    before = screen.hint()
    body = screen.layout.curves or screen.layout.body
    assert hint_at(screen, body) != before


def test_inside_a_linear_network_the_tiles_are_said_to_be_weights(screen):
    draw(screen)
    screen.open_panel("inside")
    x, y, *_ = screen.layout.body
    names = [entry.name for entry in screen.session.networks.entries]
    for name, words in (("mlp", "a tile for each part"), ("linear", "the weights of each digit")):
        screen.choose_network(names.index(name))
        assert hint_at(screen, Rect(x, y, 20, 20)).startswith(words)


def test_buttons_and_messages_come_first(screen):
    assert hint_at(screen, screen.layout.buttons["clear"]).startswith("blank paper")
    hint_at(screen, screen.layout.answer)
    screen.session.say("a message")
    assert screen.hint() == "a message"


def test_what_is_said_is_painted_whole(screen, monkeypatch):
    draw(screen)
    written = []
    view = View()
    picture = type(view.renderer)._picture

    def noted(self, text, *more):
        written.append(text)
        return picture(self, text, *more)

    monkeypatch.setattr(type(view.renderer), "_picture", noted)
    layout = screen.layout
    places = [layout.answer, layout.network_input, layout.name, layout.bars[0].whole, *layout.table]
    states = set()
    for rect in places:
        said = hint_at(screen, rect)
        written.clear()
        view.draw(pygame.Surface(screen.size), screen)
        assert not [text for text in written if "…" in text]
        assert said.split()[-1] in " ".join(written)
        states.add(state_of(screen)["foot"])
    assert len(states) == len(places)


def test_a_network_that_nothing_is_known_of_is_named():
    screen = screen_of(Network(), clock=Clock())
    screen.open_panel("networks")
    assert hint_at(screen, screen.layout.table[1]) == "stub · a click chooses it"


def test_inside_it_says_what_the_rows_are_and_what_the_sum(screen):
    screen.session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    screen.session.settle()
    screen.open_panel("inside")
    layout = screen.layout
    assert "the weights of each digit" in hint_at(
        screen, screen.inside.rows(layout)[0].row.tiles.rect(0)
    )
    _, column = screen.inside.waterfall(layout)[0]
    assert "orange adds, blue takes away" in hint_at(screen, column)
