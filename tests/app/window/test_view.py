import itertools
from dataclasses import replace

import numpy as np
import pygame
import pytest

from app.my_digits.my_digits import MyDigits
from app.my_digits.profile import Profile
from app.session.predictor import Answer
from app.window.style.cells import cell_colours
from app.window.style.geometry import Rect
from app.window.style.palette import DARK, PALETTES
from app.window.style.text import MAX_PIXELS, TextRenderer, percentage
from app.window.view import PARTS, View, draw_body
from nn.inference.classifier import load_classifier
from tests.helpers.screens import PROBABILITIES, Network, screen_of

SIZES = [(480, 320), (960, 640), (1920, 1080), (600, 900), (700, 700)]


def session_of(size, ink=None, answered=False, name="stub", theme="dark"):
    network = Network()
    network.name = name
    screen = screen_of(network, size=size, theme=theme)
    session = screen.session
    if ink is not None:
        session.canvas.ink[...] = ink
    if answered:
        session.predictor.answer = Answer(PROBABILITIES)
    return screen


def show(size, *given, **more):
    screen = session_of(size, *given, **more)
    surface = pygame.Surface(size)
    View().draw(surface, screen)
    return surface, screen.layout


def run_of(surface, rect, colour):
    """How many pixels of a colour the middle row of a rectangle begins with."""
    y = rect.y + rect.height // 2
    length = 0
    while length < rect.width and surface.get_at((rect.x + length, y))[:3] == colour:
        length += 1
    return length


def has_text(surface, rect):
    """Whether a rectangle holds anything but background."""
    part = surface.subsurface(rect)
    blank = pygame.mask.from_threshold(part, DARK.background, (1, 1, 1, 255))
    return blank.count() < rect.width * rect.height


@pytest.mark.parametrize("size", SIZES)
def test_bars_are_as_long_as_the_probabilities_and_the_best_is_marked(size):
    surface, layout = show(size, answered=True)
    for digit, (row, probability) in enumerate(zip(layout.bars, PROBABILITIES, strict=True)):
        colour = DARK.best if digit == 2 else DARK.bar
        length = run_of(surface, row.track, colour)
        assert abs(length - probability * row.track.width) <= 1, digit
        assert surface.get_at((row.track.right - 1, row.track.y))[:3] == DARK.track
        assert has_text(surface, row.label)
        assert has_text(surface, row.percent)
    assert has_text(surface, layout.answer)


@pytest.mark.parametrize(
    ("answer", "colour"),
    [
        (Answer(PROBABILITIES, is_digit=False), DARK.frame),
        (Answer((0.4, 0.3, 0.3, *[0.0] * 7)), DARK.bar),
    ],
)
def test_no_bar_is_marked_where_nobody_is_sure(answer, colour):
    screen = session_of(SIZES[1])
    session = screen.session
    session.predictor.answer = answer
    surface = pygame.Surface(screen.size)
    View().draw(surface, screen)
    for row, probability in zip(screen.layout.bars, answer.probabilities, strict=True):
        assert abs(run_of(surface, row.track, colour) - probability * row.track.width) <= 1


@pytest.fixture
def written(monkeypatch):
    """What is written in the window from now on: (text, size of the letters) in order."""
    words = []
    picture = TextRenderer._picture

    def noted(self, text, face, size, colour):
        words.append((text, size))
        return picture(self, text, face, size, colour)

    monkeypatch.setattr(TextRenderer, "_picture", noted)
    return words


def texts_of(screen, written):
    """All that the window says now."""
    written.clear()
    View().draw(pygame.Surface(screen.size), screen)
    return [text for text, _ in written]


def read_drawing(probabilities, size=SIZES[1], label=None, is_refused=False):
    """A session in which a drawing was read with these probabilities, or refused."""
    screen = screen_of(
        Network(probabilities),
        size=size,
        no_digit=lambda images: np.full(len(images), is_refused),
    )
    session = screen.session
    session.networks.add(load_classifier("linear"))
    screen.choose_network(0)
    session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    session.settle()
    if label is not None:
        session._label = label, session.canvas.version
    return screen


@pytest.mark.parametrize("size", [*SIZES, (640, 480)])
@pytest.mark.parametrize("panel", ["answer", "networks", "training"])
def test_what_is_refused_is_nowhere_shown_as_sure(size, panel, written):
    screen = read_drawing((0.001, 0.999, *[0.0] * 8), size, is_refused=True)
    screen.open_panel(panel)
    texts = texts_of(screen, written)
    assert "unlike any digit" in " ".join(texts)
    assert "perhaps 1" in texts
    # The only percentage is the accuracy of a network on MNIST.
    assert {text for text in texts if "%" in text} <= {"92.7 %"}
    surface = pygame.Surface(size)
    View().draw(surface, screen)
    for rect in (screen.layout.answer, screen.layout.body):
        part = surface.subsurface(rect)
        assert not pygame.mask.from_threshold(part, DARK.best, (9, 9, 9, 255)).count()


def test_an_unsure_digit_is_unsure_in_the_head_and_its_bars_alike(written):
    texts = texts_of(read_drawing((0.4, 0.3, 0.3, *[0.0] * 7)), written)
    assert "not sure" in texts
    assert texts.count("40 %") == 3  # beside the digit, its bar, and in the table


@pytest.mark.parametrize(
    ("label", "is_refused", "words"),
    [
        (2, False, "it is a 2: read right"),
        (8, False, "it is an 8: misread"),
        (2, True, "it is a 2: not read"),
    ],
)
def test_a_known_digit_is_said_to_be_read_right_or_misread(label, is_refused, words, written):
    screen = read_drawing(PROBABILITIES, label=label, is_refused=is_refused)
    assert words in texts_of(screen, written)


PANELS = ("answer", "networks", "inside", "training", "weights")


@pytest.mark.parametrize(
    ("size", "model"),
    [
        *itertools.product([*SIZES, (640, 480), (640, 1000), (320, 480), (900, 400)], ["cnn"]),
        *itertools.product([(480, 320), (320, 480), (960, 640)], ["linear", "tiny"]),
    ],
)
def test_all_words_in_the_window_can_be_read(size, model, written):
    """None in letters smaller than ten pixels, and none cut short to fit."""
    screen = screen_of(load_classifier(model), size=size)
    session = screen.session
    for name in ("linear", "tiny", "mlp"):
        session.networks.add(load_classifier(name))
    screen.choose_network(0)
    session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    session.settle()
    session.mnist.state = "missing"
    for panel, overlay, is_digit in itertools.product(PANELS, (None, "help"), (True, False)):
        screen.open_panel(panel)
        screen.dialog = overlay
        session.predictor.answer = replace(session.predictor.answer, is_digit=is_digit)
        session._label = 8, session.canvas.version
        assert texts_of(screen, written)
        assert min(height for _, height in written) >= 10
        last_of_help = "Why: gradient"  # the longest line, in a window as narrow as a phone
        cut = [text for text, _ in written if "…" in text and text != "0 … 9"]
        assert all(text.startswith(last_of_help) and size[0] < 400 for text in cut), cut


def test_what_is_too_long_to_be_read_keeps_its_beginning_and_its_end(written):
    screen = session_of((480, 320))
    session = screen.session
    session.say(f"Saved /home/{'long/' * 50}2026-01-01 12.00.00.png and .jsonl")
    said = texts_of(screen, written)
    [cut] = [text for text in said if "…" in text]
    whole = " ".join(said[said.index(cut) - 1 : said.index(cut) + 1])
    assert whole.startswith("Saved /home/long/")
    assert whole.endswith("2026-01-01 12.00.00.png and .jsonl")


@pytest.mark.parametrize("size", [*SIZES, (640, 480), (900, 400), (320, 480)])
@pytest.mark.parametrize("networks", [3, 4, 5, 8])
@pytest.mark.parametrize("panel", ["answer", "networks"])
def test_the_tables_rows_have_letters_of_one_size_and_it_says_what_it_leaves_out(
    size, networks, panel, written
):
    names = ["linear", "tiny", "mlp", "cnn"]
    screen = screen_of(load_classifier("linear"), size=size)
    session = screen.session
    for number in range(1, networks):
        network = load_classifier(names[number % 4])
        network.path = network.path.with_name(f"{number}.npz")  # or it would take another's place
        session.networks.add(network)
    session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    session.settle()
    screen.open_panel(panel)
    texts_of(screen, written)
    rows = screen.rows()
    if not screen.layout.table:
        assert panel == "answer"
        return
    start = [text for text, _ in written].index("MNIST") + 1
    assert len({height for _, height in written[start : start + 5 * len(rows)]}) == 1
    left_out = networks - len(rows)
    said = [text for text, _ in written if text.startswith("and ")]
    assert said == ([f"and {left_out} more"] if left_out else [])


@pytest.mark.parametrize("size", SIZES)
def test_without_an_answer_there_are_no_bars(size):
    surface, layout = show(size)
    for row in layout.bars:
        assert run_of(surface, row.track, DARK.track) == row.track.width
        assert has_text(surface, row.label)
        assert not has_text(surface, row.percent)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_painted_outside_its_rectangle(size):
    surface, layout = show(size, answered=True, name="a very long name " * 9)
    owned = pygame.mask.Mask(size)
    for rect in (
        layout.canvas, layout.answer, layout.help, layout.name, layout.network_input,
        layout.caption, *layout.buttons.values(), *layout.groups.values(), *layout.table,
    ):  # fmt: skip
        margin = 3 if rect in (layout.canvas, layout.network_input) else 0  # the frame
        owned.draw(
            pygame.mask.Mask((rect.width + 2 * margin, rect.height + 2 * margin), fill=True),
            (rect.x - margin, rect.y - margin),
        )
    for row in layout.bars:
        for rect in (row.label, row.track, row.percent):
            owned.draw(pygame.mask.Mask(rect[2:], fill=True), rect[:2])
    painted = pygame.mask.from_threshold(surface, DARK.background, (1, 1, 1, 255))
    painted.invert()
    painted.erase(owned, (0, 0))
    assert painted.count() == 0


@pytest.mark.parametrize("size", [*SIZES, (900, 400), (240, 240)])
@pytest.mark.parametrize("panel", ["answer", "networks"])
def test_the_table_is_full_and_the_chosen_network_is_in_it(size, panel):
    screen = session_of(size, answered=True)
    session = screen.session
    for number in range(8):
        network = Network()
        network.name = f"number {number}"
        session.networks.add(network)
    screen.open_panel(panel)
    for index in range(9):
        screen.choose_network(index)
        rows = screen.rows()
        assert len(rows) == max(0, len(screen.layout.table) - 1)
        assert index in rows or not screen.layout.table
        assert range(9)[rows.start : rows.stop] == rows
    surface = pygame.Surface(size)
    View().draw(surface, screen)
    for row in screen.layout.table:
        assert has_text(surface, row)


@pytest.mark.parametrize("size", [*SIZES, (900, 400)])
def test_the_words_of_the_tables_columns_do_not_run_together(size):
    screen = screen_of(load_classifier("mlp"), size=size)
    session = screen.session
    screen.open_panel("networks")
    session.predictor.answer = Answer((0.999, *[0.0] * 9))
    surface = pygame.Surface(size)
    View().draw(surface, screen)
    for row in screen.layout.table:
        part = surface.subsurface((row.x, row.y + 1, row.width, row.height - 3))
        background = part.get_at((part.get_width() - 1, 0))
        inked = pygame.mask.from_threshold(part, background, (1, 1, 1, 255))
        inked.invert()
        column = [
            any(inked.get_at((x, y)) for y in range(part.get_height()))
            for x in range(part.get_width())
        ]
        runs = [(has_ink, len(list(run))) for has_ink, run in itertools.groupby(column)]
        between = [length for has_ink, length in runs[1:-1] if not has_ink]
        assert sum(length >= 4 for length in between) >= 4
        assert has_text(surface, row)


@pytest.mark.parametrize("size", SIZES)
def test_a_message_leaves_the_summary_of_the_users_digits_to_be_read(size, tmp_path):
    my_digits = MyDigits(
        Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path / "nowhere"
    )
    screen = screen_of(Network(), size=size, my_digits=my_digits)
    session = screen.session
    screen.dialog = "my digits"
    quiet, said = pygame.Surface(size), pygame.Surface(size)
    View().draw(quiet, screen)
    session.say("a message")
    View().draw(said, screen)
    dialog, text = screen.layout.dialog.sheet, screen.layout.text
    below = dialog.bottom - text * 5 // 2
    words = Rect(dialog.x + text, below - text, dialog.width - 2 * text, text)
    keys = Rect(dialog.x + text, below, dialog.width - 2 * text, text * 3 // 2)
    for rect, is_same in ((words, True), (keys, False)):
        one, other = (pygame.image.tobytes(s.subsurface(rect), "RGB") for s in (quiet, said))
        assert (one == other) == is_same
        assert len(set(one)) > 3, "there are no words"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_misread_digit_is_framed_also_where_it_is_marked_and_the_frames_are_explained(
    size, theme, tmp_path
):
    my_digits = MyDigits(
        Profile(tmp_path / "profile"), load_classifier("linear"), tmp_path / "nowhere"
    )
    my_digits.profile.add(4, [[(14.0, 4.0), (14.0, 24.0)]])  # a 1
    my_digits.profile.add(1, [[(14.0, 4.0), (14.0, 24.0)]])
    my_digits.refresh()
    my_digits.read_some()
    screen = screen_of(Network(), size=size, my_digits=my_digits, theme=theme)
    screen.dialog = "my digits"
    palette, layout = PALETTES[theme], screen.layout
    for row in (0, 1):
        screen.digits.row = row
        surface = pygame.Surface(size)
        View().draw(surface, screen)
        for place, is_marked, is_wrong in (
            (layout.dialog.title, True, True),  # the legend
            (layout.dialog.tiles(2).rect(0), row == 0, True),
            (layout.dialog.tiles(2).rect(1), row == 1, False),
        ):
            pixels = pygame.image.tobytes(surface.subsurface(place), "RGB")
            colours = set(zip(*[iter(pixels)] * 3, strict=True))
            assert (palette.best in colours, palette.against in colours) == (is_marked, is_wrong)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["tiny", "mlp"])
def test_what_is_inside_a_network_is_painted_within_what_is_said_to_have_changed(size, name):
    """What is outside is not brought to the screen, and stays when another part is looked at."""
    screen = screen_of(load_classifier(name), size=size)
    session = screen.session
    session.canvas.draw_strokes([[(9, 5), (14, 22), (19, 6)]])
    session.settle()
    screen.open_panel("inside")
    for layer in range(len(session.inspection.stages)):
        for unit in (0, 1, len(session.inspection.stages[layer].values) - 1):
            session.inspection.unit = layer, unit
            surface = pygame.Surface(size)
            surface.fill(DARK.background)
            area = draw_body(View().frame(surface, screen), screen)
            assert has_text(surface, area)
            surface.fill(DARK.background, area)
            assert not has_text(surface, Rect(0, 0, *size))


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_of_ink_fills_its_square_and_no_other(size):
    ink = np.zeros((28, 28), dtype=np.float32)
    ink[27, 0] = 1.0
    surface, layout = show(size, ink)
    x, y = (int(v) for v in layout.to_pixels(0, 27))
    for dx in (0, layout.cell - 1):
        for dy in (0, layout.cell - 1):
            assert surface.get_at((x + dx, y + dy))[:3] == DARK.ink
    middle = layout.cell // 2
    assert surface.get_at((x + middle, y - layout.cell + middle))[:3] == DARK.paper
    assert surface.get_at((layout.canvas.right - middle, y + middle))[:3] == DARK.paper


@pytest.mark.parametrize("size", SIZES)
def test_parts_drawn_again_leave_nothing_of_what_was_there_before(size):
    surface, _ = show(size, np.random.default_rng(0).random((28, 28)), answered=True)
    fresh, _ = show(size)
    screen, view = session_of(size), View()
    for draw in PARTS.values():
        draw(view.frame(surface, screen), screen)
    assert surface.get_buffer().raw == fresh.get_buffer().raw


def test_a_long_name_is_made_to_fit():
    surface, layout = show((480, 320), name="x" * 500)
    assert has_text(surface, layout.name)
    usual, _ = show((480, 320))
    for picture in (surface, usual):
        picture.fill((0, 0, 0), layout.name)
    assert surface.get_buffer().raw == usual.get_buffer().raw  # it is written nowhere else


def test_cell_colours_go_from_paper_to_ink():
    colours = cell_colours(DARK, np.array([[0.0, 0.5, 1.0]], dtype=np.float32))
    assert tuple(colours[0, 0]) == DARK.paper
    assert tuple(colours[0, 2]) == DARK.ink
    assert (colours[0, 0] < colours[0, 1]).all()


@pytest.mark.parametrize(
    ("probability", "text"),
    [
        (0.0, "0 %"),
        (0.004, "0 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.999, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_percentages(probability, text):
    assert percentage(probability) == text


def test_the_pictures_of_words_that_are_kept_do_not_fill_the_memory():
    writer, surface = TextRenderer(), pygame.Surface((400, 300))
    for number in range(400):
        writer.glyph(str(number % 10), 400 + number, DARK.text)
        kept = [p.get_width() * p.get_height() for p in writer._pictures.values()]
        assert sum(kept[:-1]) < MAX_PIXELS
    assert len(kept) > 1
    writer.write(surface, "7", Rect(0, 0, 100, 100), 40, DARK.text)
    assert surface.get_bounding_rect().width > 0


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("epoch 3.7 of 10 · 96.0 % of unseen digits right · 3 s left", ("3 s", "96.0 %")),
        ("50 neurons, each on the image, 22 silent, 1 off", ("1 off",)),
        ("training needs MNIST: download 12 MB, or wait 12 min", ("12 MB", "12 min")),
    ],
)
def test_no_line_ends_between_a_number_and_its_unit_or_begins_with_a_dot(words, kept):
    writer, whole = TextRenderer(), TextRenderer().width(words, 12)
    for width in range(whole // 4, whole):
        lines = writer.wrapped(words, width, 12)
        assert " ".join(lines) == words
        assert all(any(part in line for line in lines) for part in kept)
        assert not any(line.startswith("·") for line in lines)


def test_a_long_message_is_wrapped_at_the_size_that_was_asked_for():
    surface = pygame.Surface((200, 120))
    surface.fill(DARK.background)
    words = "no MNIST in /somewhere: expected its four files; choose another folder"
    TextRenderer().write_wrapped(surface, words, Rect(10, 10, 180, 100), 18, DARK.text)
    rows = [has_text(surface, Rect(10, y, 180, 1)) for y in range(120)]
    blocks = [is_inked for is_inked, _ in itertools.groupby(rows)]
    assert blocks.count(True) >= 3  # lines, with paper between them
    assert not any(rows[110:])
    assert not has_text(surface, Rect(190, 0, 10, 120))
