import dataclasses
import re

import numpy as np
import pygame
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.window.layout.inside_layout import inside_detail
from app.window.painter import Painter, state_of
from app.window.style.palette import DARK, LIGHT
from nn.inference.checkpoint import Checkpoint, save_checkpoint
from nn.inference.classifier import Classifier
from nn.network.architectures import build
from tests.helpers.architectures import architectures
from tests.helpers.paths import CASES
from tests.helpers.screens import (
    click,
    draw,
    painted,
    point,
    press,
    screen_of,
    send,
    start,
    written_by,
)


def opened(clock, tmp_path, model="cnn", size=None, networks=False, **more):
    """A screen with a digit read, and Inside open."""
    screen = start(clock, tmp_path, model, networks, **more)
    if size:
        screen.resize(size)
    press(screen, pygame.K_i)
    draw(screen.session)
    return screen


def rows_of(screen):
    return screen.inside.rows(screen.layout)


@pytest.mark.parametrize(("model", "count"), [("linear", 1), ("mlp", 3), ("cnn", 6)])
def test_every_stage_is_shown_and_a_click_on_a_unit_looks_at_it(clock, tmp_path, model, count):
    screen = opened(clock, tmp_path, model, networks=True)
    inspection = screen.session.inspection
    assert len(inspection.stages) == len(rows_of(screen)) == count
    answer = screen.session.predictor.answer.digit
    assert inspection.looked_at == (count - 1, answer)  # to begin with
    for index in range(count):
        for tile in (0, rows_of(screen)[index].row.tiles.count - 1):
            shown = rows_of(screen)[index]
            unit = shown.units[tile]
            click(screen, shown.row.tiles.rect(tile))
            assert inspection.looked_at == (index, unit)
            assert (
                inspection.contributions.total
                == pytest.approx(float(inspection.stages[index].sums[unit].max()), rel=1e-4)
                or model == "cnn"
            )  # of a map, before a pooling that leaves an edge out
    before = inspection.stages[-1].values.copy()
    draw(screen.session, 7)  # and with the next reading all of it is new
    assert not np.array_equal(inspection.stages[-1].values, before)
    press(screen, pygame.K_TAB)
    assert screen.panel == "inside"
    press(screen, pygame.K_i)
    assert screen.panel == "answer"


def test_a_click_beside_the_units_draws_nothing_into_the_panel(clock, tmp_path):
    screen = opened(clock, tmp_path)
    before = screen.session.inspection.looked_at
    click(screen, rows_of(screen)[0].row.title)
    assert screen.session.inspection.looked_at == before


def test_a_click_on_a_bar_looks_at_its_logit(clock, tmp_path):
    screen = opened(clock, tmp_path)
    click(screen, screen.layout.bars[3].whole)
    assert screen.session.inspection.looked_at == (5, 3)
    assert not screen.is_why


def test_the_strongest_maps_are_shown_and_the_keys_walk_through_all(clock, tmp_path):
    screen = opened(clock, tmp_path)
    inspection = screen.session.inspection
    strengths = inspection.stages[3].strengths
    shown = rows_of(screen)[3].units
    needed = [link.source for link in inspection.paths if link.stage == 4]
    count = len(shown)
    strongest = set(np.argsort(-strengths)[:count].tolist())
    assert set(needed) <= set(shown) <= strongest | set(needed)
    inspection.unit = 3, int(np.argmax(strengths))
    seen = []
    for _ in range(96):
        stage, unit = inspection.looked_at
        assert stage == 3
        assert unit in rows_of(screen)[3].units
        seen.append(unit)
        press(screen, pygame.K_PERIOD)
    assert sorted(seen) == list(range(96))
    assert strengths[seen].tolist() == sorted(strengths, reverse=True)
    assert inspection.looked_at == (3, seen[0])  # and round again
    press(screen, pygame.K_COMMA)
    assert inspection.looked_at == (3, seen[-1])


def test_a_click_on_how_many_more_there_are_shows_the_next_ones(clock, tmp_path):
    screen = opened(clock, tmp_path)
    looked_at, seen = [], set()
    for _ in range(96 // rows_of(screen)[3].row.tiles.count + 2):
        shown = rows_of(screen)[3]
        seen |= set(shown.units)
        assert f"and {96 - len(shown.units)} more" in " ".join(written_by(screen))
        click(screen, shown.row.more)
        looked_at.append(screen.session.inspection.looked_at[1])
    assert seen == set(range(96))
    assert len(set(looked_at)) > 6


def test_page_keys_follow_the_strongest_path(clock, tmp_path):
    screen = opened(clock, tmp_path)
    inspection = screen.session.inspection
    for stage in range(4, -1, -1):
        best = max(
            (link for link in inspection.paths if link.stage == stage + 1),
            key=lambda link: abs(link.strength),
        )
        press(screen, pygame.K_PAGEUP)
        assert inspection.looked_at == (stage, best.source)
    press(screen, pygame.K_PAGEUP)
    assert inspection.looked_at[0] == 0
    for stage in range(1, 6):
        press(screen, pygame.K_PAGEDOWN)
        assert inspection.looked_at[0] == stage


def test_the_paths_are_drawn_in_the_colours_of_for_and_against(clock, tmp_path):
    screen = opened(clock, tmp_path)
    paths = screen.session.inspection.paths
    assert {link.strength > 0 for link in paths} == {True, False}
    surface, rows = painted(screen), rows_of(screen)
    for upper in range(1, 6):
        top = rows[upper - 1].row.tiles.whole.bottom + 2
        gap = pygame.Rect(0, top, screen.size[0], rows[upper].row.tiles.whole.y - top - 2)
        gap = gap.clip(pygame.Rect(screen.layout.body))
        found = {tuple(c) for c in pygame.surfarray.array3d(surface.subsurface(gap)).reshape(-1, 3)}
        here = [link for link in paths if link.stage == upper]
        assert (DARK.best in found) == any(link.strength > 0 for link in here)
        assert (DARK.against in found) == any(link.strength < 0 for link in here)


def test_what_is_inside_tiny_is_its_neurons_and_not_weights_under_another_name(clock, tmp_path):
    screen = opened(clock, tmp_path, "tiny")
    first = screen.session.inspection.stages[0]
    said = " ".join(written_by(screen))
    assert "10 neurons, each on the image" in said
    assert "weights" not in said
    surface = painted(screen)
    for unit in np.flatnonzero(first.values):  # one shade each
        x, y, width, height = rows_of(screen)[0].rect(int(unit))
        part = surface.subsurface((x + 4, y + 4, width - 8, height - 8))
        assert len(np.unique(pygame.surfarray.array3d(part).reshape(-1, 3), axis=0)) == 1


def test_the_weights_of_each_digit_say_which_digit(clock, tmp_path):
    screen = opened(clock, tmp_path, "linear")
    said = written_by(screen)
    assert "its weights" in " ".join(said)
    assert {str(digit) for digit in range(10)} <= set(said)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("model", ["tiny", "mlp", "cnn"])
def test_units_are_edged_and_silent_ones_crossed_out_and_counted(clock, tmp_path, model, theme):
    screen = opened(clock, tmp_path, model, (1920, 1080))
    screen.theme = theme
    palette = {"dark": DARK, "light": LIGHT}[theme]
    inspection, marked = screen.session.inspection, 0
    said = " ".join(written_by(screen))
    surface = painted(screen)
    needed = {(link.stage - 1, link.source) for link in inspection.paths}
    for shown in rows_of(screen)[:-1]:
        stage = inspection.stages[shown.row.stage]
        silent = int(stage.is_silent.sum())
        assert (f"{silent} silent" in said) >= (silent > 0)
        for unit in shown.units:
            if (shown.row.stage, unit) in needed:
                continue
            tile = pygame.Rect(shown.rect(unit))
            assert surface.get_at((tile.left, tile.centery))[:3] == palette.frame
            colours = pygame.surfarray.array3d(surface.subsurface(tile.inflate(-4, -4)))
            crossed = (colours == palette.quiet).all(axis=2).any()
            if stage.is_silent[unit]:
                assert crossed
                marked += 1
    assert marked


@pytest.mark.parametrize("model", ["tiny", "mlp", "cnn"])
def test_a_silent_unit_is_said_to_be_silent(clock, tmp_path, model):
    screen = opened(clock, tmp_path, model)
    inspection = screen.session.inspection
    for index, stage in enumerate(inspection.stages[:-1]):
        for unit in {0, int(np.argmax(stage.is_silent)), int(np.argmin(stage.is_silent))}:
            inspection.unit = index, unit
            is_said = any("silent here" in text for text in written_by(screen))
            assert is_said == stage.is_silent[unit]


@pytest.mark.parametrize("model", ["tiny", "mlp", "cnn"])
def test_the_winning_logit_is_painted_strongest_and_the_last_one_faintest(clock, tmp_path, model):
    screen = start(clock, tmp_path, model)
    session = screen.session
    layer = session.network.checkpoint.model.layers[-1]
    layer.params["bias"][...] -= 30  # all negative: the losers are the largest in magnitude
    press(screen, pygame.K_i)
    draw(session)
    logits = session.inspection.stages[-1].values
    assert logits.max() < 0
    surface = painted(screen)
    corners = [rows_of(screen)[-1].rect(digit)[:2] for digit in range(10)]
    brightness = [sum(surface.get_at((x + 4, y + 4))[:3]) for x, y in corners]
    assert np.argmax(brightness) == np.argmax(logits)
    assert np.argmin(brightness) == np.argmin(logits)


@pytest.mark.parametrize("model", ["linear", "tiny", "mlp"])
def test_a_minus_is_a_minus_sign_wherever_a_number_stands(clock, tmp_path, model):
    screen = opened(clock, tmp_path, model)
    said = []
    for layer in range(len(screen.session.inspection.stages)):
        for unit in range(10):
            screen.session.inspection.unit = layer, unit
            said += written_by(screen)
    assert any("−" in text for text in said)
    assert not [text for text in said if re.search(r"-\.?\d|[−+]0\.0+$", text)]


@pytest.mark.parametrize("model", ["linear", "mlp", "cnn"])
def test_what_speaks_for_a_unit_and_against_it_is_drawn_below_the_stages(clock, tmp_path, model):
    screen = start(clock, tmp_path, model)
    session = screen.session
    press(screen, pygame.K_i)
    area = inside_detail(screen.layout.above_buttons, screen.layout.text)

    def colours():
        part = painted(screen).subsurface(area)
        red, _, blue = (pygame.surfarray.array3d(part).astype(int) / 255).T
        return (red - blue > 0.2).sum(), (blue - red > 0.2).sum()

    assert colours() == (0, 0)  # nothing to see into yet
    draw(session)
    last = len(session.inspection.stages) - 1
    for stage in (0, last):  # one that sees the image, one that sees units
        session.inspection.unit = stage, 0
        assert sum(colours()) > 20
    session.inspection.unit = last + 1, 0  # of a network that was chosen before
    assert session.inspection.looked_at == (last, session.predictor.answer.digit)


def test_a_stroke_under_way_goes_on_where_the_canvas_moves_to(clock, tmp_path):
    screen = start(clock, tmp_path)

    def mouse(kind, x, y):
        where = tuple(int(v) for v in screen.layout.to_pixels(x, y))
        send(screen, kind, pos=where, button=1, buttons=(1, 0, 0))

    mouse(pygame.MOUSEBUTTONDOWN, 4, 14)
    press(screen, pygame.K_i)
    mouse(pygame.MOUSEMOTION, 24, 14)
    assert screen.session.canvas.is_drawing
    mouse(pygame.MOUSEMOTION, 24, 16)
    mouse(pygame.MOUSEBUTTONUP, 24, 16)
    ink = screen.session.canvas.ink
    assert ink[14, 4] > 0.3 < ink[15, 24]
    assert not ink[:, 8:20].any()


def save(architecture, path, seed=0):
    """A file with random weights for an architecture."""
    model = build(architecture, np.random.default_rng(seed))
    save_checkpoint(path, Checkpoint("any", architecture, model, {}, 0.8, 0.2))
    return path


SIZES = st.sampled_from([(240, 240), (480, 320), (320, 480), (960, 640)])


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(architectures(), SIZES, st.lists(st.integers(0, 5), max_size=8), st.integers(0, 99))
def test_any_network_that_loads_can_be_looked_into(clock, tmp_path, architecture, size, keys, seed):
    path = save(architecture, tmp_path / "any.npz", seed)
    screen = opened(clock, tmp_path, path, size)
    assert isinstance(screen.session.network, Classifier)
    painted(screen)
    pressed = (
        pygame.K_PAGEUP, pygame.K_PAGEDOWN, pygame.K_PERIOD, pygame.K_COMMA, pygame.K_r, pygame.K_w
    )  # fmt: skip
    for key in keys:
        press(screen, pressed[key])
        for shown in rows_of(screen)[:1]:
            click(screen, shown.row.tiles.rect(0))
            point(screen, shown.row.tiles.rect(shown.row.tiles.count - 1))
        if screen.session.canvas.is_blank:
            painted(screen)
            draw(screen.session)
        painted(screen)


def test_a_pooling_before_the_first_linear_layer_can_be_looked_into(clock, tmp_path):
    screen = opened(clock, tmp_path, CASES / "inside-pool-linear.npz")
    said = " ".join(written_by(screen))
    assert "the image, pooled to 14 × 14" in said
    assert "10 digits, one neuron each" in said
    painted(screen)


def test_a_convolution_as_the_last_layer_can_be_looked_into(clock, tmp_path):
    architecture = [["Unflatten", 1, 28, 28], ["Conv2d", 1, 10, 28, 0], ["Flatten"]]
    screen = opened(clock, tmp_path, save(architecture, tmp_path / "last.npz"))
    assert "10 digits, one filter each" in " ".join(written_by(screen))
    for digit in range(10):
        click(screen, rows_of(screen)[-1].rect(digit))
        assert screen.session.inspection.looked_at == (0, digit)
    painted(screen)


def test_a_network_deeper_than_the_window_shows_the_stages_around_the_one_looked_at(
    clock, tmp_path
):
    architecture = [["Linear", 784, 12], *[["Linear", 12, 12], ["ReLU"]] * 40, ["Linear", 12, 10]]
    screen = opened(clock, tmp_path, save(architecture, tmp_path / "deep.npz"))
    seen = set()
    for _ in range(42):
        stages = [shown.row.stage for shown in rows_of(screen)]
        assert screen.session.inspection.looked_at[0] in stages
        seen |= set(stages)
        painted(screen)
        press(screen, pygame.K_PAGEUP)
    assert seen == set(range(42))


def test_whatever_error_a_panel_meets_the_window_goes_on(clock, tmp_path, monkeypatch, capsys):
    screen = opened(clock, tmp_path)
    ink = screen.session.canvas.ink.copy()
    painter, surface = Painter(), pygame.Surface(screen.size)
    painter.paint(surface, screen)

    def fail(*_):
        raise ZeroDivisionError("a fault for the test")

    monkeypatch.setattr("app.session.inspection.activations_of", fail)
    draw(screen.session, 3)
    while not painter.is_current(screen):
        painter.paint(surface, screen)
    assert state_of(screen) == state_of(screen)
    said = " ".join(written_by(screen))
    assert "The drawing is safe" in said
    assert "a fault for the test" in said
    press(screen, pygame.K_PERIOD)
    click(screen, screen.layout.body)
    assert capsys.readouterr().err.count("Traceback") == 1  # and not in every frame
    assert not np.array_equal(screen.session.canvas.ink, ink)  # what was drawn since is there
    press(screen, pygame.K_i)
    assert screen.panel == "answer"
    monkeypatch.undo()
    press(screen, pygame.K_i)
    draw(screen.session, 3)
    assert "10 digits" in " ".join(written_by(screen))


def test_a_network_that_cannot_be_seen_into_says_so(clock, tmp_path):
    @dataclasses.dataclass
    class Closed:
        name: str = "closed"

        def probabilities(self, images):
            return np.full((len(images), 10), 0.1)

    screen = screen_of(Closed(), clock=clock)
    press(screen, pygame.K_i)
    draw(screen.session)
    assert "cannot be seen into" in " ".join(written_by(screen))
    press(screen, pygame.K_PERIOD)
    press(screen, pygame.K_PAGEUP)
    click(screen, screen.layout.body)
    painted(screen)


def test_inside_costs_a_frame_little_and_keeps_no_more_with_each_reading(clock, tmp_path):
    screen = opened(clock, tmp_path)
    known = screen.session.inspection._known
    sizes = []
    for digit in range(6):
        draw(screen.session, digit)
        painted(screen)
        sizes.append(len(known._known))
    assert max(sizes) < 20
