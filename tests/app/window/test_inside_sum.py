"""What stands below the stages, and what the pointer shows."""

import numpy as np
import pygame
import pytest

from app.window.painter import Painter, state_of
from app.window.panels.inside_detail import steps_briefly, steps_words
from app.window.panels.inside_pointer import patch_of
from app.window.style.palette import DARK
from app.window.style.text import percentage
from app.window.view import View
from nn.inference.receptive_field import receptive_field
from tests.app.window.test_inside import opened, rows_of, save
from tests.app.window.test_waterfall import number
from tests.helpers.paths import CASES
from tests.helpers.screens import click, draw, painted, point, press, send, written_by

POOLED = CASES / "inside-pool-linear.npz"


@pytest.mark.parametrize("size", [(480, 320), (960, 640), (1920, 1080)])
@pytest.mark.parametrize(
    "model", ["linear", "tiny", "mlp", "cnn", CASES / "inside-pool-linear.npz"]
)
def test_the_figures_that_are_written_add_up(clock, tmp_path, model, size):
    screen = opened(clock, tmp_path, model, size)
    inspection = screen.session.inspection
    for index, stage in enumerate(inspection.stages):
        for unit in (0, len(stage.values) - 1):
            inspection.unit = index, unit
            said = written_by(screen)
            found, columns = (
                screen.inside.sum(screen.layout),
                screen.inside.waterfall(screen.layout),
            )
            total = 0
            for column, _ in columns:
                figure = found.figure(column)
                assert figure in said
                if column.is_sum and column.label in ("sum", "average"):
                    assert number(figure) == total
                elif column.is_sum:
                    assert number(figure) == max(0, total)
                    total = number(figure)
                else:
                    total += number(figure)
            assert columns[-1][0].is_sum
            assert any(found.figure(found.own) in words for words in said if ": " in words)
    assert screen.guard.error == ""


@pytest.mark.parametrize("no_digit", [0.0, 0.0004, 0.07])
@pytest.mark.parametrize("model", ["linear", "mlp", "cnn"])
def test_the_steps_of_the_softmax_end_at_the_bar(clock, tmp_path, model, no_digit):
    screen = opened(clock, tmp_path, model, no_digit=lambda images: np.array([no_digit]))
    inspection = screen.session.inspection
    answer = screen.session.predictor.answer
    for digit in range(10):
        inspection.unit = len(inspection.stages) - 1, digit
        said = " ".join(written_by(screen))
        steps = inspection.softmax_steps
        assert steps.probability == pytest.approx(answer.probabilities[digit], rel=1e-3, abs=1e-7)
        for words in (steps_words(steps), steps_briefly(steps)):
            end = words.rpartition("= ")[2]
            if steps.probability < 0.995:
                assert end == percentage(answer.probabilities[digit])
            else:
                assert end in ("over 99.9 %", ">99.9 %", percentage(steps.probability, 1))
        assert steps_words(steps).replace(" · ", " ") in said.replace(" · ", " ")
        if no_digit == 0.07 and digit == answer.digit:
            assert answer.confidence < 0.94
            doubt = "7.00 % no digit, shared: = "
            assert doubt + percentage(answer.confidence) in steps_words(steps)
        elif not no_digit:
            assert "no digit" not in steps_words(steps)
        assert ("averaged with two slanted copies" in said) == (model == "cnn")
    inspection.unit = 0, 0
    if model != "linear":
        assert inspection.softmax_steps is None


def test_a_contribution_that_is_clicked_leads_to_the_unit_it_came_from(clock, tmp_path):
    screen = opened(clock, tmp_path, "cnn")
    inspection = screen.session.inspection
    for stage in range(4, -1, -1):
        column, rect = screen.inside.waterfall(screen.layout)[0]
        strongest = inspection.contributions.units[0][0]
        assert column.unit == strongest
        click(screen, rect)
        assert inspection.looked_at == (stage, strongest)
        assert strongest in rows_of(screen)[stage].units
    columns = screen.inside.waterfall(screen.layout)
    assert not any(column.unit is not None for column, _ in columns)  # the image is all there is
    click(screen, columns[0][1])
    assert inspection.looked_at == (0, strongest)


def test_a_right_click_on_a_contribution_switches_its_unit_off(clock, tmp_path):
    screen = opened(clock, tmp_path, "mlp")
    column, rect = screen.inside.waterfall(screen.layout)[0]
    click(screen, rect, button=3)
    assert screen.session.ablation.off == {(1, column.unit)}
    said = " ".join(written_by(screen))
    assert "1 off" in said
    assert "switched off" in said
    tile = pygame.Surface(rows_of(screen)[1].rect(column.unit)[2:])
    tile.blit(painted(screen), (0, 0), rows_of(screen)[1].rect(column.unit))
    assert (pygame.surfarray.array3d(tile) == DARK.text).all(axis=2).sum() > 10  # crossed out


@pytest.mark.parametrize("stage", range(4))
def test_the_pointer_on_a_map_outlines_the_patch_that_its_strongest_cell_sees(
    clock, tmp_path, stage
):
    screen = opened(clock, tmp_path, "cnn")
    session, layout = screen.session, screen.layout
    assert patch_of(screen) is None  # a digit sees all
    shown = rows_of(screen)[stage]
    for tile in range(0, shown.row.tiles.count, 4):
        point(screen, shown.row.tiles.rect(tile))
        left, top, right, bottom = patch_of(screen)
        seen = receptive_field(session.inspection.stages, stage, shown.units[tile])
        assert seen[top:bottom, left:right].all()
        assert seen.sum() == (bottom - top) * (right - left)
        surface, framing = painted(screen), session.predictor.framing
        middle = (np.array([left + right, top + bottom]) / 2 - framing.shift) / framing.scale
        edge = (left - framing.shift[0]) / framing.scale
        x, y = layout.to_pixels(edge, middle[1])
        if layout.canvas.contains(x + 1, y):
            near = pygame.Rect(round(x) - 2, round(y), 5, 1)
            colours = pygame.surfarray.array3d(surface.subsurface(near)).reshape(-1, 3)
            assert DARK.best in {tuple(colour) for colour in colours.tolist()}
        said = " ".join(written_by(screen))
        assert "its map" in said
        assert f"map {shown.units[tile] + 1}: " in said
        assert ("its filter" in said) == (stage == 0)
        assert ("9 of " in said) == (stage > 0)


def test_what_is_pointed_at_is_forgotten_where_it_is_no_longer_true(clock, tmp_path):
    screen = opened(clock, tmp_path, "cnn")
    shown = rows_of(screen)[1]
    point(screen, shown.row.tiles.rect(3))
    assert patch_of(screen) is not None
    screen.session.canvas.draw_strokes([[(3, 3), (20, 4)]])  # it is about another drawing
    assert patch_of(screen) is None
    screen.session.predict_now()
    assert patch_of(screen) is not None
    press(screen, pygame.K_h)  # the help lies over it
    assert patch_of(screen) is None
    press(screen, pygame.K_ESCAPE)
    send(screen, pygame.WINDOWLEAVE)
    assert patch_of(screen) is None
    screen.session.inspection.unit = 1, 3
    assert patch_of(screen) is not None  # without a pointer, that of the unit that is looked at
    press(screen, pygame.K_i)
    assert patch_of(screen) is None


def test_a_neuron_of_the_image_shows_its_weights_under_the_pointer(clock, tmp_path):
    screen = opened(clock, tmp_path, "mlp")
    assert "weights" not in " ".join(written_by(screen))
    point(screen, rows_of(screen)[0].row.tiles.rect(2))
    assert "weights" in written_by(screen)
    assert patch_of(screen) is None
    point(screen, rows_of(screen)[1].row.tiles.rect(2))
    assert "weights" not in written_by(screen)


@pytest.mark.parametrize("model", ["cnn", "mlp", "linear"])
def test_only_what_changed_is_painted_and_it_makes_up_the_whole(clock, tmp_path, model):
    screen = opened(clock, tmp_path, model, (720, 480))
    clock.now += 5
    painter, surface, whole = Painter(), pygame.Surface((720, 480)), pygame.Surface((720, 480))
    rng = np.random.default_rng(5)
    for step in range(60):
        if step % 20 == 19:
            draw(screen.session, step % 10)
        left, top, width, height = screen.layout.above_buttons
        x, y = left + int(rng.integers(width)), top + int(rng.integers(height))
        point(screen, (x, y))
        if step % 3 == 0:
            click(screen, (x, y))
        frames = 0
        while not painter.is_current(screen):
            painter.paint(surface, screen)
            frames += 1
        assert frames <= 3
        View().draw(whole, screen)
        assert surface.get_buffer().raw == whole.get_buffer().raw
        assert state_of(screen) == state_of(screen)


def test_the_panel_follows_the_answer_by_two_frames_each_of_which_has_less_to_do(clock, tmp_path):
    screen = opened(clock, tmp_path, "cnn")
    clock.now += 5
    painter, surface = Painter(), pygame.Surface(screen.size)
    painter.paint(surface, screen)
    assert painter.is_current(screen)
    draw(screen.session, 7)
    body = screen.layout.body

    def is_painted():
        return any(pygame.Rect(area).contains(body) for area in painter.paint(surface, screen))

    assert [is_painted() for _ in range(3)] == [False, False, True]
    assert painter.is_current(screen)
    point(screen, rows_of(screen)[0].row.tiles.rect(0))  # what is known is painted at once
    assert is_painted()
    screen.resize((700, 500))
    assert painter.paint(pygame.Surface((700, 500)), screen) == [(0, 0, 700, 500)]
    assert painter.is_current(screen)


def test_the_sum_of_a_convolution_that_sees_the_image_whole(clock, tmp_path):
    architecture = [["Unflatten", 1, 28, 28], ["Conv2d", 1, 10, 28, 0], ["Flatten"]]
    screen = opened(clock, tmp_path, save(architecture, tmp_path / "last.npz"))
    labels = [column.label for column, _ in screen.inside.waterfall(screen.layout)]
    assert labels[:4] == ["ink adds", "ink takes away", "bias", "sum"]
    assert "its filter" in written_by(screen)
