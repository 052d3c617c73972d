"""Whatever a panel, a command or a background part meets, the window goes on."""

from importlib.util import find_spec

import numpy as np
import pygame
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.my_digits import tuner
from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.window import loop, view
from app.window.painter import Painter
from nn.inference.checkpoint import MAX_WEIGHT, Checkpoint, load_checkpoint, save_checkpoint
from nn.inference.classifier import load_classifier
from nn.inference.onnx_model import to_onnx
from nn.network.architectures import build
from tests.helpers.architectures import architectures
from tests.helpers.screens import click, draw, follow, press, send, start
from tests.robustness.killing import AMOUNTS

CONVOLUTIONS = [["Conv2d", 1 if place == 0 else 4, 4, 3, 1] for place in range(5)]
EVERY_PANEL = [pygame.K_i, pygame.K_n, pygame.K_v, pygame.K_t, pygame.K_e, pygame.K_h]
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def quick(monkeypatch):
    """Tunings of a moment."""
    kind = tuner.Tuner
    monkeypatch.setattr(tuner, "Tuner", lambda *a: kind(*a[:4], AMOUNTS))


def windowed(screen, monkeypatch, *events):
    """Run the window itself, with these events, one a turn, until it is closed."""
    turns = [[event] for event in events] + [[]] * 3 + [[pygame.event.Event(pygame.QUIT)]]

    def get():
        screen.session.clock.now += 0.05
        return turns.pop(0)

    monkeypatch.setattr(pygame.event, "get", get)
    loop.run_window(screen, screen.size)


def keys(*pressed):
    kinds = (pygame.KEYDOWN, pygame.KEYUP)
    made = ((kind, {"key": key, "mod": 0, "scancode": 0}) for key in pressed for kind in kinds)
    return [pygame.event.Event(kind, **more) for kind, more in made]


def broken(*_, **__):
    raise KeyError("nobody has foreseen this")


@pytest.mark.parametrize(
    "place",
    [
        "canvas",
        "head",
        "foot",
        "help",
        "window.painter.dialog_state",
        "session.predictor.Predictor.update",
        "session.challenges.Challenges.poll",
        "session.training_course.TrainingCourse.poll",
        "session.session.Session.change_brush",
        "session.session.Session.seconds_until_due",
        "window.screen.screen.Screen.open_panel",
    ],
)
def test_an_error_anywhere_leaves_the_window_and_the_drawing(
    clock, tmp_path, monkeypatch, place, capsys
):
    screen = start(clock, tmp_path)
    draw(screen.session)
    ink = screen.session.canvas.ink.copy()
    clock.now += 10
    told, say = [], screen.session.messages.say
    monkeypatch.setattr(screen.session.messages, "say", lambda *a: (told.append(a[0]), say(*a)))
    if place in view.PARTS:
        monkeypatch.setitem(view.PARTS, place, broken)
    elif place in view.DIALOGS:
        monkeypatch.setitem(view.DIALOGS, place, broken)
    else:
        monkeypatch.setattr(f"app.{place}", broken)
    windowed(screen, monkeypatch, *keys(pygame.K_RIGHTBRACKET, pygame.K_i, pygame.K_h))
    assert screen.quit_wanted  # by the last event, not by the error
    assert np.array_equal(screen.session.canvas.ink, ink)
    assert any("nobody has foreseen this" in text for text in told)
    assert capsys.readouterr().err.count("Traceback") == 1


def test_the_window_goes_on_where_no_thread_can_be_started(
    clock, tmp_path, small_mnist, refuse_threads, quick
):
    refuse_threads()
    my_digits = MyDigits(Profile(tmp_path / "me"), load_classifier("linear"), small_mnist)
    screen = start(clock, tmp_path, data_dir=small_mnist, my_digits=my_digits)
    draw(screen.session)
    press(screen, pygame.K_3)
    said = set()
    for key in [*EVERY_PANEL, pygame.K_b, pygame.K_n, pygame.K_w, pygame.K_m, pygame.K_x]:
        press(screen, key)
        for _ in range(5):
            clock.now += 0.2
            screen.update()
            Painter().paint(pygame.Surface(screen.size), screen)
            said.add(screen.session.message)
        press(screen, pygame.K_ESCAPE)
    assert screen.guard.error == ""
    assert any("can't start new thread" in text for text in said), said
    assert [own.digit.label for own in Profile(tmp_path / "me").load().digits] == [3]
    screen.session.close()


@settings(deadline=None, max_examples=10, suppress_health_check=SLOW)
@given(architectures(), st.integers(0, 99))
@example([["Unflatten", 16, 7, 7], ["Conv2d", 16, 10, 7, 0], ["Flatten"]], 0)  # nothing to tune
def test_any_network_that_loads_can_be_used_in_every_way(
    clock, tmp_path_factory, small_mnist, quick, architecture, seed
):
    folder = tmp_path_factory.mktemp("any")
    model = build(architecture, np.random.default_rng(seed))
    save_checkpoint(folder / "any.npz", Checkpoint("any", architecture, model, {}))
    own = load_classifier(folder / "any.npz")
    my_digits = MyDigits(Profile(folder / "me"), own, small_mnist)
    screen = start(clock, folder, networks=False, data_dir=small_mnist, my_digits=my_digits)
    session = screen.session
    draw(session)

    def look():
        screen.update()
        Painter().paint(pygame.Surface(screen.size), screen)
        assert screen.guard.error == ""

    send(screen, pygame.DROPFILE, file=str(folder / "any.npz"))  # chosen
    follow(screen, lambda: not session.files.is_opening)
    assert session.network.name == "any"
    draw(session)
    look()
    press(screen, pygame.K_w)  # explained
    follow(screen, lambda: not session.explanation.is_at_work)
    look()
    press(screen, pygame.K_i)  # looked into, and a part switched off
    look()
    for shown in screen.inside.rows(screen.layout):
        click(screen, shown.row.tiles.rect(0))
        press(screen, pygame.K_x)
        look()
        press(screen, pygame.K_x, pygame.KMOD_SHIFT)
    press(screen, pygame.K_e)  # counted
    end = lambda: session.mistakes.count is not None and session.mistakes.count.is_over  # noqa: E731
    follow(screen, end)
    look()
    press(screen, pygame.K_ESCAPE)
    press(screen, pygame.K_3)  # tuned
    follow(screen, lambda: my_digits.is_loaded and not my_digits.is_busy)
    assert "Error" not in session.message
    look()
    if find_spec("onnx") is not None:
        assert to_onnx(load_checkpoint(folder / "any.npz"))  # exported
    session.close()


@settings(deadline=None, max_examples=25, suppress_health_check=SLOW)
@given(architectures(), st.integers(0, 99))
@example([["Linear", 784, 40], *[["ReLU"], ["Linear", 40, 40]] * 5, ["Linear", 40, 10]], -1)
@example([["Unflatten", 1, 28, 28], *CONVOLUTIONS, ["Flatten"], ["Linear", 28 * 28 * 4, 10]], -1)
def test_weights_at_the_limit_are_no_trouble_inside(clock, tmp_path_factory, architecture, seed):
    rng = np.random.default_rng(max(0, seed))
    model = build(architecture, rng)
    signs = 1 if seed < 0 else rng.choice([-1, 1], model.parameters.shape)
    model.parameters[:] = MAX_WEIGHT * signs
    path = tmp_path_factory.mktemp("large") / "large.npz"
    save_checkpoint(path, Checkpoint("large", architecture, model, {}))
    screen = start(clock, path.parent, path, networks=False)
    draw(screen.session)
    for key in (pygame.K_i, pygame.K_PAGEUP, pygame.K_PERIOD, pygame.K_x, pygame.K_w, pygame.K_v):
        press(screen, key)
        screen.update()
        Painter().paint(pygame.Surface(screen.size), screen)
        assert screen.guard.error == ""
    follow(screen, lambda: not screen.session.explanation.is_at_work)
    screen.session.close()
