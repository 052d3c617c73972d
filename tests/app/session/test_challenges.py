"""Each challenge is seen to be solved where it is, and only there; what is solved is remembered."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pygame
import pytest

from app.drawing.strokes import fit
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.my_digits.tuner import BackgroundTuner
from app.session import challenges as module
from app.session.challenges import CHALLENGES, FILE, remembered
from app.session.predictor import Answer, no_digit
from app.window.painter import state_of
from app.window.screen.trace import lines_of
from app.window.view import View
from nn.inference.classifier import load_classifier
from tests.helpers.screens import click, press, screen_of

ONE, SEVEN = [[(14, 5), (14, 23)]], [[(7, 5), (20, 5), (12, 23)]]


class Network:
    """Answers what it is told."""

    name = "stub"

    def __init__(self, **shares):
        self.answer = np.full(10, (1 - sum(shares.values())) / (10 - len(shares)), np.float32)
        for digit, share in shares.items():
            self.answer[int(digit[1:])] = share

    def probabilities(self, images):
        return np.tile(self.answer, (len(images), 1))


@pytest.fixture
def profile(tmp_path):
    return Profile(tmp_path / "profile")


@pytest.fixture
def start(profile, clock, monkeypatch, tmp_path):
    """A screen whose session has been polled once, with a network and the user's profile."""
    monkeypatch.setattr(BackgroundTuner, "start", lambda tuner: None)

    def start(network=None, has_profile=True, **more):
        shipped, data = load_classifier("linear"), tmp_path / "nowhere"
        my_digits = MyDigits(profile, shipped, data) if has_profile else None
        screen = screen_of(network or Network(), clock=clock, my_digits=my_digits, **more)
        wait(screen)
        return screen

    return start


def wait(screen):
    """Let the session do what is due."""
    screen.session.clock.now += 1
    screen.update()


def draw(screen, lines):
    screen.do("clear")
    screen.session.canvas.draw_strokes(lines)
    wait(screen)
    wait(screen)


def show(screen, name):
    challenges = screen.session.challenges
    while challenges.challenge.name != name:
        press(screen, pygame.K_c, pygame.KMOD_LSHIFT)
    assert challenges.is_shown


def is_solved(screen, name):
    return name in screen.session.challenges.solved


def small(lines, cells):
    return fit(lines, (cells - 2.2) / 28)


@pytest.mark.parametrize(
    ("cells", "shares", "is_right"),
    [
        (7, {"d3": 0.96}, True),
        (7, {"d3": 0.9}, False),
        (7, {"d8": 0.96}, False),
        (12, {"d3": 0.96}, False),
    ],
)
def test_a_tiny_three(start, cells, shares, is_right):
    screen = start(Network(**shares))
    show(screen, "tiny")
    draw(screen, small(lines_of(3), cells))
    assert is_solved(screen, "tiny") == is_right


@pytest.mark.parametrize(
    ("shares", "is_right"),
    [
        ({"d1": 0.4, "d7": 0.5}, True),
        ({"d1": 0.35001, "d7": 0.6}, True),
        ({"d1": 0.3, "d7": 0.6}, False),
        ({"d1": 0.99}, False),
    ],
)
def test_half_a_one_and_half_a_seven(start, shares, is_right):
    screen = start(Network(**shares))
    show(screen, "half")
    draw(screen, SEVEN)
    assert is_solved(screen, "half") == is_right


@pytest.mark.parametrize(("share", "is_refused"), [(0.97, True), (0.97, False), (0.9, True)])
def test_what_is_no_digit_though_the_network_is_sure(start, share, is_refused):
    network = Network(d8=share)
    screen = start(network, no_digit=lambda images: np.full(len(images), is_refused))
    show(screen, "no digit")
    draw(screen, [[(14, 14), (14.5, 14)]])  # a dot is not enough
    assert not is_solved(screen, "no digit")
    draw(screen, SEVEN)
    assert is_solved(screen, "no digit") == (is_refused and share > 0.95)


@pytest.mark.parametrize(
    ("linear", "cnn", "is_right"),
    [
        ({"d4": 0.6}, {"d9": 0.97}, True),
        ({"d4": 0.4, "d9": 0.3}, {"d9": 0.97}, False),  # not sure
        ({"d4": 0.6}, {"d9": 0.8}, False),
        ({"d9": 0.6}, {"d9": 0.97}, False),
    ],
)
def test_linear_is_fooled_but_cnn_is_not(start, linear, cnn, is_right):
    screen = start()
    for name, shares in (("linear", linear), ("cnn", cnn)):
        network = Network(**shares)
        network.name = name
        screen.session.networks.add(network)
    show(screen, "fool")
    draw(screen, SEVEN)
    assert is_solved(screen, "fool") == is_right


FOUR = [
    [(9.5, 5), (8, 13), (20, 13)],
    [(17, 4), (16, 24)],
]  # tiny reads a 4, and leans on two neurons


@pytest.mark.parametrize(("off", "is_right"), [((0, 0), True), ((0, 5), True), ((0, 1), False)])
def test_the_neuron_without_which_a_four_is_a_nine(start, off, is_right):
    screen = start(load_classifier("tiny"), no_digit=no_digit)
    show(screen, "neuron")
    draw(screen, FOUR)
    press(screen, pygame.K_i)
    screen.session.inspection.unit = off
    press(screen, pygame.K_x)
    wait(screen)
    assert screen.session.predictor.answer.digit == (9 if is_right else 4)
    assert is_solved(screen, "neuron") == is_right


def test_switching_off_the_digit_itself_or_two_neurons_is_too_easy(start):
    screen = start(load_classifier("tiny"), no_digit=no_digit)
    show(screen, "neuron")
    draw(screen, FOUR)
    press(screen, pygame.K_i)
    for unit in ((1, 4), (0, 0)):
        screen.session.inspection.unit = unit
        press(screen, pygame.K_x)
        wait(screen)
        assert screen.session.predictor.answer.digit == 9
        assert not is_solved(screen, "neuron")


def test_a_test_digit_or_a_picture_fools_nobody(start):
    screen = start(Network(d1=0.4, d7=0.5))
    show(screen, "half")
    screen.session.canvas.show_picture(np.eye(28, dtype=np.float32))
    wait(screen)
    assert screen.session.predictor.answer is not None
    assert not is_solved(screen, "half")


def test_what_is_learned_from_the_users_digits_is_a_challenge_solved(start):
    screen = start()
    show(screen, "teach")
    draw(screen, SEVEN)
    press(screen, pygame.K_7)
    wait(screen)
    assert not is_solved(screen, "teach")  # kept, but not learned yet
    screen.session.my_digits.classifier = load_classifier("linear")
    wait(screen)
    assert is_solved(screen, "teach")


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn"])
def test_the_first_challenge_can_be_solved_with_the_shipped_networks(start, name):
    screen = start(load_classifier(name), no_digit=no_digit)
    show(screen, "tiny")
    draw(screen, small(lines_of(3), 7))
    assert is_solved(screen, "tiny")


def test_half_and_half_can_be_drawn_for_the_shipped_network(start):
    screen = start(load_classifier("cnn"), no_digit=no_digit)
    show(screen, "half")
    draw(screen, ONE)
    assert not is_solved(screen, "half")
    draw(screen, [[(14 - 5.75, 6.5), (14, 5), (13, 23)]])
    assert is_solved(screen, "half")


def test_the_program_says_so_once_and_sets_the_next(start):
    screen = start(Network(d1=0.4, d7=0.5))
    show(screen, "half")
    draw(screen, SEVEN)
    assert screen.session.message.startswith("Solved: ")
    assert screen.session.challenges.challenge.name != "half"
    screen.session.clock.now += 20
    draw(screen, SEVEN)
    assert screen.session.message == ""


def test_an_unfinished_stroke_solves_nothing(start):
    screen = start(Network(d1=0.4, d7=0.5))
    show(screen, "half")
    screen.session.canvas.begin("draw", 7, 5)
    screen.session.canvas.extend(20, 5)
    wait(screen)
    wait(screen)
    assert screen.session.predictor.answer is not None
    assert not is_solved(screen, "half")
    screen.session.canvas.end()
    wait(screen)
    wait(screen)
    assert is_solved(screen, "half")


def test_an_answer_is_looked_at_without_another_event(start):
    """While there is something new to look at, the window does not sleep."""
    screen = start(Network(d1=0.4, d7=0.5))
    show(screen, "half")
    screen.session.canvas.draw_strokes(SEVEN)
    for _ in range(20):
        due = screen.session.seconds_until_due()
        if due is None or is_solved(screen, "half"):
            break
        screen.session.clock.now += due
        screen.update()
    assert is_solved(screen, "half")


def test_one_key_puts_them_away_for_good(start, profile):
    screen = start()
    assert screen.session.challenges.is_shown  # to somebody new
    press(screen, pygame.K_c)
    assert not screen.session.challenges.is_shown
    assert not start().session.challenges.is_shown
    assert "C brings them back" in screen.hint()
    press(screen, pygame.K_c)
    assert "put away" not in screen.hint()
    assert start().session.challenges.is_shown


def test_the_cross_puts_them_away_too_and_a_click_on_the_line_sets_the_next(start):
    screen = start()
    line, first = screen.layout.challenge, screen.session.challenges.challenge
    click(screen, (line.x + 5, line.y + line.height // 2))
    assert screen.session.challenges.challenge is not first
    assert screen.session.canvas.is_blank
    click(screen, (line.right - line.height // 2, line.y + line.height // 2))
    assert not screen.session.challenges.is_shown
    click(screen, (line.x + 5, line.y + line.height // 2))  # nothing is there now
    assert not screen.session.challenges.is_shown


def test_what_is_solved_is_remembered_and_the_last_one_ends_them(start, profile, monkeypatch):
    always = tuple(each._replace(is_solved=lambda state: True) for each in CHALLENGES)
    monkeypatch.setattr(module, "CHALLENGES", always)
    screen = start()
    solved = len(screen.session.challenges.solved)
    while solved < len(always):
        assert screen.session.challenges.is_shown
        wait(screen)
        solved += 1
        assert len(screen.session.challenges.solved) == solved
        assert screen.session.challenges.solved == remembered(profile.folder / FILE)[0]
    assert not screen.session.challenges.is_shown
    again = start().session.challenges
    assert not again.is_shown
    assert again.solved == {each.name for each in always}


def test_two_windows_forget_nothing_of_each_other(start, profile):
    one, other = start(Network(d1=0.4, d7=0.5)), start(Network(d3=0.97))
    show(one, "half")
    draw(one, SEVEN)
    show(other, "tiny")
    draw(other, small(lines_of(3), 7))
    assert remembered(profile.folder / FILE) == ({"half", "tiny"}, False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"solved": 3, "put_away": "yes"}',
        b'{"solved": [[], "?"]}',
        b"\xff",
        b"[" * 9999,
    ],
)
def test_a_file_that_says_nothing_is_as_none(start, profile, content):
    profile.folder.mkdir()
    (profile.folder / FILE).write_bytes(content)
    screen = start()
    assert screen.session.challenges.is_shown
    assert screen.session.challenges.solved == set()
    press(screen, pygame.K_c)
    assert json.loads((profile.folder / FILE).read_bytes())["put_away"] is True


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_the_file_is_not_waited_for(start, profile):
    profile.folder.mkdir()
    os.mkfifo(profile.folder / FILE)
    assert start().session.challenges.is_shown


def test_where_nothing_can_be_written_one_line_says_so(start, profile):
    profile.folder.parent.mkdir(exist_ok=True)
    profile.folder.write_bytes(b"")  # a file where the folder should be
    screen = start()
    press(screen, pygame.K_c)
    assert not screen.session.challenges.is_shown
    assert screen.session.message.startswith("This will be forgotten: cannot write")


def test_without_a_profile_they_come_when_asked_for_and_nothing_is_written(start, profile):
    screen = start(has_profile=False)
    assert not screen.session.challenges.is_shown
    assert screen.session.seconds_until_due() is None
    press(screen, pygame.K_c)
    assert screen.session.challenges.is_shown
    assert not profile.folder.exists()


def test_nothing_is_read_or_written_before_the_first_frame(profile, clock, tmp_path):
    my_digits = MyDigits(profile, load_classifier("linear"), tmp_path)
    screen = screen_of(Network(), clock=clock, my_digits=my_digits)
    screen.session.settle()  # as `--screenshot` does
    assert not screen.session.challenges.is_shown
    assert not profile.folder.exists()


@pytest.mark.parametrize(
    "size", [(240, 240), (320, 480), (480, 320), (600, 900), (960, 640), (1920, 1080), (3840, 2160)]
)
@pytest.mark.parametrize("has_solved", [False, True])
def test_the_line_is_seen_whole_and_costs_the_canvas_nothing(start, size, has_solved, monkeypatch):
    written = []
    screen = start(size=size)
    view = View()
    picture = type(view.renderer)._picture

    def noted(self, text, *more):
        written.append(text)
        return picture(self, text, *more)

    monkeypatch.setattr(type(view.renderer), "_picture", noted)
    if has_solved:
        screen.session.challenges.solved = {each.name for each in CHALLENGES}
    shown = set()
    for _ in CHALLENGES:
        written.clear()
        view.draw(pygame.Surface(size), screen)
        challenge = screen.session.challenges.challenge
        assert {challenge.words, challenge.short} & set(written)
        assert state_of(screen)["challenge"] not in shown
        shown.add(state_of(screen)["challenge"])
        press(screen, pygame.K_c, pygame.KMOD_LSHIFT)
    line, layout = screen.layout.challenge, screen.layout
    assert line.y >= 0
    assert line.bottom < layout.canvas.y
    assert line.height >= layout.text * 0.9


def test_a_nine_that_was_no_four_before_shows_no_neuron(start):
    screen = start(load_classifier("tiny"), no_digit=no_digit)
    show(screen, "neuron")
    draw(screen, FOUR)
    press(screen, pygame.K_i)
    screen.session.inspection.unit = 0, 0
    press(screen, pygame.K_x)
    predictor = screen.session.predictor
    state = SimpleNamespace(predictor=predictor, answer=predictor.answer)
    assert module.is_neuron_found(state)
    predictor.answer_of = lambda network: Answer(tuple(np.eye(10)[5].tolist()))
    assert not module.is_neuron_found(state)
