import contextlib
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pygame
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.drawing import pictures, pixels
from app.drawing.pictures import framed_picture, ink_of, load_picture
from nn.data.dataset import load_folder
from nn.handwriting import brush
from nn.handwriting import digits as handwriting
from nn.handwriting.framing import frame
from nn.inference.classifier import DEFAULT_MODEL, load_classifier
from nn.support.errors import DataError
from tests.helpers.paths import ROOT


def save(path, grey, alpha=None):
    """A picture file of `grey` (H, W) in 0…1, with an alpha channel if there is `alpha`."""
    channels = [grey] * 3 + ([] if alpha is None else [alpha])
    pixels = np.clip(np.stack(channels, axis=2) * 255 + 0.5, 0, 255).astype(np.uint8)
    kind = "RGB" if alpha is None else "RGBA"
    surface = pygame.image.frombuffer(pixels.tobytes(), grey.shape[::-1], kind)
    pygame.image.save(surface, str(path))
    return path


def png(width, height, rest=b""):
    """The beginning of a PNG file of black and white pixels, and `rest`."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", zlib.crc32(header)) + rest


def line_of(width, size=200):
    """Ink of an upright line `width` thick on size × size, four fifths of it long."""
    ink = np.zeros((size, size), np.float32)
    brush.draw_polyline(ink, [(size / 2, size * 0.1), (size / 2, size * 0.9)], width / 2)
    return ink


def written(count, seed):
    """Labels, and starts and ends of segments, of digits in their usual styles."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        styles = [s for s in handwriting.STYLES if s.digit == number % 10 and s.weight >= 2]
        style = styles[rng.integers(len(styles))]
        starts, ends = handwriting.write_strokes(style, 1, rng, handwriting.Jitter(point=2))
        yield number % 10, starts[0], ends[0]


def photo(starts, ends, rng, height):
    """A photo of paper, (H, W) in 0…1: light from one side, a shadow, noise, sometimes lines."""
    width = int(height * rng.uniform(0.8, 1.3))
    points = np.concatenate([starts, ends])
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = rng.uniform(0.3, 0.75) * min(height, width) / extent.max()
    room = np.array([width, height]) - extent * scale
    place = room * rng.uniform(0.25, 0.75, 2) - low * scale
    pen = max(rng.uniform(0.015, 0.1) * scale * extent.max(), 0.7)
    ink = np.zeros((1, height, width), np.float32)
    one = np.zeros(len(starts), np.intp)
    brush.draw_segments(ink, one, starts * scale + place, ends * scale + place, pen)
    paper = 1 - rng.uniform(0.5, 0.9) * ink[0]
    y, x = np.mgrid[:height, :width] / height
    if rng.random() < 0.4:
        paper *= 1 - 0.15 * ((y * rng.uniform(6, 10) + 0.03 * x) % 1 < 0.06)
    light = 0.8 + rng.uniform(-0.25, 0.25) * (y - 0.5) + rng.uniform(-0.25, 0.25) * (x - 0.5)
    if rng.random() < 0.4:
        angle = rng.uniform(0, 2 * np.pi)
        across = np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5) - rng.uniform(-0.3, 0.3)
        light *= 1 - 0.35 * np.clip(across / rng.uniform(0.01, 0.15) + 0.5, 0, 1)
    grey = paper * light
    if rng.random() < 0.25:
        grey = 1 - grey
    return grey + rng.normal(0, rng.uniform(0, 0.03), grey.shape)


# Reading the file


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp"])
def test_a_picture_is_read_as_grey(tmp_path, kind):
    grey = np.tile(np.linspace(0, 1, 40), (30, 1))
    read = load_picture(save(tmp_path / f"a.{kind}", grey))
    assert read.shape == (30, 40)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, grey, atol=0.03 if kind == "jpg" else 0.003)


def test_colours_are_as_bright_as_they_look(tmp_path):
    surface = pygame.Surface((1, 1), depth=32)
    for colour, bright in [((255, 0, 0), 0.299), ((0, 255, 0), 0.587), ((0, 0, 255), 0.114)]:
        surface.fill(colour)
        pygame.image.save(surface, str(tmp_path / "a.png"))
        assert load_picture(tmp_path / "a.png")[0, 0] == pytest.approx(bright, abs=1e-5)


def test_a_large_picture_is_shrunk_to_means(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (1001, 700)) / 255
    read = load_picture(save(tmp_path / "a.png", grey))
    assert read.shape == (501, 350)
    np.testing.assert_allclose(read[3, 5], grey[6:8, 10:12].mean(), atol=1e-5)
    np.testing.assert_allclose(read[500, 7], grey[1000, 14:16].mean(), atol=1e-5)


def test_a_transparent_picture_lies_on_the_paper_that_its_ink_needs(tmp_path):
    ink = line_of(20, 60)
    for colour, paper in [(0.0, 1.0), (1.0, 0.0)]:
        path = save(tmp_path / "a.png", np.full_like(ink, colour), ink)
        np.testing.assert_allclose(load_picture(path), paper + ink * (colour - paper), atol=0.005)
    holes = np.ones_like(ink)
    holes[:5, :5] = 0
    read = load_picture(save(tmp_path / "a.png", 0.9 - 0.8 * ink, holes))
    np.testing.assert_allclose(read, 0.9 - 0.8 * ink, atol=0.005)
    assert (load_picture(save(tmp_path / "a.png", ink, np.zeros_like(ink))) == 1).all()


def with_note(data, note):
    """A JPEG or PNG file with an Exif note in its first segment or chunk after the header."""
    if data.startswith(b"\xff\xd8"):
        note = b"Exif\0\0" + note
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(note) + 2) + note + data[2:]
    chunk = b"eXIf" + note
    chunk = struct.pack(">I", len(note)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_file_says_which_way_is_up(tmp_path, kind):
    upright = np.zeros((16, 24))
    upright[:8, :8] = 0.4
    upright[8:, 16:] = 0.8
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),  # to be turned clockwise
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    for orientation, grey in stored.items():
        path = save(tmp_path / f"a.{kind}", grey)
        data = path.read_bytes()
        for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
            note = mark + struct.pack(f"{order}IH", 8, 1)
            note += struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
            path.write_bytes(with_note(data, note))
            np.testing.assert_allclose(load_picture(path), upright, atol=0.05)


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_damaged_note_is_no_note(tmp_path, kind):
    path = save(tmp_path / f"a.{kind}", np.linspace(0, 1, 200).reshape(10, 20))
    data, plain = path.read_bytes(), load_picture(path)
    table = struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)
    for note in (b"", b"II", b"XX*\0" + table, b"II*\0" + table[:9], b"II*\0\xff\xff\xff\xff"):
        path.write_bytes(with_note(data, note))
        np.testing.assert_array_equal(load_picture(path), plain)


def test_a_huge_picture_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(pygame.image, "load", lambda *_: pytest.fail("unpacked"))
    path = tmp_path / "huge"
    jpeg = b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", 10000, 10000) + b"\3" + b"\0" * 9
    for data in (
        png(10000, 10000),
        jpeg + b"\xff\xda\0\2\xff\xd9",
        b"BM" + b"\0" * 12 + struct.pack("<Iii", 40, 10000, -10000),
    ):
        path.write_bytes(data)
        with pytest.raises(DataError, match=r"10000×10000 pixels, expected at most 50 megapix"):
            load_picture(path)


def test_what_is_no_picture_is_said_in_one_line(tmp_path):
    whole = {kind: save(tmp_path / f"a.{kind}", line_of(9)).read_bytes() for kind in ("png", "jpg")}
    path = tmp_path / "b.png"
    for data, says in [
        (b"", "the file is empty"),
        (b"a letter\n", "not a picture of a known kind"),
        (b"\x89PNG\r\n\x1a\n", "the file ends too early"),
        (png(0, 5), "no pixels"),
        (png(9, 9), "expected a whole PNG"),
        (b"\xff\xd8\xff\xda\0\2\xff\xd9", "not a whole JPEG"),
        (b"GIF89a" + b"\1\0" * 8, "GIF pictures are not read here"),
        *((whole["png"][: len(whole["png"]) * part // 8], "expected a") for part in range(1, 8)),
        *((whole["jpg"][: len(whole["jpg"]) * part // 8], "too early") for part in range(1, 8)),
    ]:
        path.write_bytes(data)
        with pytest.raises(DataError, match=says) as raised:
            load_picture(path)
        assert str(path) in str(raised.value)
        assert "\n" not in str(raised.value)
    with pytest.raises(DataError, match="No such file"):
        load_picture(tmp_path / "none.png")
    with pytest.raises(DataError, match="Is a directory; expected a picture file"):
        load_picture(tmp_path)
    with pytest.raises(DataError, match="No such file"):
        load_picture("a\0b")


def test_decoders_write_nothing_on_standard_error(tmp_path, capfd):
    path = save(tmp_path / "a.png", line_of(9))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError):
        load_picture(path)
    assert capfd.readouterr().err == ""


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    start=st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", png(5, 5)]
    ),
    rest=st.binary(max_size=200),
)
def test_any_bytes_are_a_picture_or_a_data_error(tmp_path, start, rest):
    path = tmp_path / "any"
    path.write_bytes(start + rest)
    with contextlib.suppress(DataError):
        assert framed_picture(path).shape == (28, 28)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=st.sampled_from(["png", "jpg", "bmp"]), where=st.floats(0, 1), byte=st.integers(0, 255))
def test_a_damaged_picture_is_a_picture_or_a_data_error(tmp_path, kind, where, byte):
    path = save(tmp_path / f"a.{kind}", line_of(5, 40))
    data = bytearray(path.read_bytes())
    data[int(where * (len(data) - 1))] = byte
    path.write_bytes(data)
    with contextlib.suppress(DataError):
        assert framed_picture(path).shape == (28, 28)


# Finding the ink


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    seed=st.integers(0, 99),
    levels=st.sampled_from([1, 2, 3, 255]),
)
def test_any_picture_is_ink_or_a_data_error(shape, seed, levels):
    grey = np.random.default_rng(seed).integers(0, levels + 1, shape).astype(np.float32) / levels
    try:
        ink = ink_of(grey)
    except DataError:
        return
    assert np.isfinite(ink).all()
    assert 0 <= ink.min() <= ink.max() <= 1.001


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_there_is_no_digit_on_blank_paper(level):
    with pytest.raises(DataError, match="no digit found"):
        ink_of(np.full((60, 80), level, np.float32))


def test_there_is_no_digit_in_noise_and_uneven_light():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:300, :300] / 300
    paper = 0.6 + 0.3 * x - 0.1 * y + rng.normal(0, 0.01, x.shape)
    with pytest.raises(DataError, match="no digit found"):
        ink_of(paper.astype(np.float32))


def test_an_mnist_like_picture_comes_back_as_it_was():
    digits = handwriting.write_digits(np.arange(10), np.random.default_rng(4))
    differences = [
        np.abs(frame(ink_of(grey)) - frame(digit)).mean()
        for digit in digits
        for grey in (digit, 1 - digit)
    ]
    # Two have an outermost row so faint that it is not taken for ink, and are framed larger.
    assert sorted(differences)[-5] < 0.001
    assert max(differences) < 0.06


def test_polarity_is_found_where_the_picture_is_tight_or_half_in_the_shadow():
    for _, starts, ends in written(10, 3):
        ink = handwriting.images.frame_lines(starts[None], ends[None], np.array([1.25]))[0]
        assert pictures.is_light_on_dark(ink)
        assert not pictures.is_light_on_dark(1 - ink)
        shadow = np.where(np.arange(28) < 12, 0.5, 1)
        assert not pictures.is_light_on_dark(((1 - ink) * shadow).astype(np.float32))


def test_the_table_and_specks_are_not_of_the_digit():
    grey = 0.9 - 0.7 * line_of(8)
    plain = ink_of(grey + np.random.default_rng(0).normal(0, 0.005, grey.shape))
    grey[:, :30] = 0.1
    grey[20:22, 180:182] = 0.2
    ink = ink_of(grey + np.random.default_rng(0).normal(0, 0.005, grey.shape))
    assert ink.shape == pytest.approx(plain.shape, abs=2)


def test_parts_are_told_apart():
    rows = ["#..#.", ".#..#", "....#", "##..."]
    mask = np.array([[cell == "#" for cell in row] for row in rows])
    labels, count = pixels.parts(mask)
    assert count == 3
    expected = [[1, 0, 0, 2, 0], [0, 1, 0, 0, 2], [0, 0, 0, 0, 2], [3, 3, 0, 0, 0]]
    np.testing.assert_array_equal(labels, expected)
    spiral = np.zeros((21, 21), bool)
    for ring in range(0, 10, 2):
        spiral[ring, ring:] = spiral[:, 20 - ring] = True
    assert pixels.parts(spiral)[1] == 1


def test_the_greatest_and_the_mean_of_a_window():
    picture = np.random.default_rng(5).normal(size=(9, 12)).astype(np.float32)
    for window in (1, 3, 5, 7):
        half = window // 2
        padded = np.pad(picture, half, mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
        np.testing.assert_allclose(
            pixels.window_mean(picture, window), views.mean(axis=(2, 3)), atol=1e-6
        )
        greatest = pixels.greatest(pixels.greatest(picture, window, 0), window, 1)
        np.testing.assert_array_equal(greatest, views.max(axis=(2, 3)))


@pytest.mark.parametrize("width", [3, 6, 12, 20])
def test_the_width_of_a_stroke_is_measured(width):
    assert pictures.stroke_width(line_of(width)) == pytest.approx(width, rel=0.12)


@pytest.mark.parametrize(("width", "cells"), [(2, 2.3), (8, 2.3), (20, None), (60, 3.0)])
def test_only_unusual_strokes_are_made_thicker_or_thinner(width, cells):
    cross = np.maximum(line_of(width), line_of(width).T)
    ink = cross[pixels.extent(cross > 0)]
    made = pictures.with_usual_strokes(ink)
    made = made[pixels.extent(made > 0.5)]
    before, after = (pictures.stroke_width(i) * 20 / max(i.shape) for i in (ink, made))
    if cells is None:
        np.testing.assert_array_equal(made, ink[pixels.extent(ink > 0.5)])
    else:
        assert abs(after - cells) < max(0.3, 0.7 * abs(before - cells))


# The network reads it


def test_most_synthetic_photos_are_read(tmp_path):
    rng, network = np.random.default_rng(0), load_classifier(DEFAULT_MODEL)
    images, labels = [], []
    for number, (label, starts, ends) in enumerate(written(40, 1)):
        grey = photo(starts, ends, rng, (64, 120, 200, 320)[number // 10 % 4])
        path = tmp_path / ("a.jpg" if number % 2 else "a.png")
        images.append(framed_picture(save(path, grey)))
        labels.append(label)
    assert (network.probabilities(np.array(images)).argmax(axis=1) == labels).mean() >= 0.9


def test_mnist_as_pictures_is_read_as_well_as_mnist(tmp_path, mnist_folder):
    test = load_folder(mnist_folder)[1]
    digits = np.asarray(test.images[:500], np.float32).reshape(-1, 28, 28)
    network = load_classifier(DEFAULT_MODEL)
    framed = [framed_picture(save(tmp_path / "a.png", digit)) for digit in digits]
    right = [
        (network.probabilities(np.array(images)).argmax(axis=1) == test.labels[:500]).mean()
        for images in (digits, framed)
    ]
    assert right[1] >= right[0] - 0.003


def test_pictures_need_no_display(tmp_path):
    path = save(tmp_path / "a.png", 1 - line_of(20))
    code = (
        "import sys, pygame; from app.drawing.pictures import framed_picture;"
        "framed_picture(sys.argv[1]);"
        "sys.exit(pygame.get_init() or pygame.display.get_init())"
    )
    environment = {**os.environ, "SDL_VIDEODRIVER": "none", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, env=environment)
    assert done.returncode == 0
