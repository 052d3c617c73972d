import gzip
import io
import json
import os
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.drawing import strokes as strokes_module
from app.drawing.canvas import SIZE
from app.drawing.strokes import (
    RecordedNondigit,
    beginning,
    fit,
    read_nondigits,
    read_strokes,
)
from nn.support.errors import DataError
from tests.helpers.memory import peak_below
from tests.helpers.paths import EXAMPLES

GOOD = b'{"label": 3, "strokes": [[[0, 0], [1.5, 2]], [[-4, 1e3]]], "writer": "me"}\n'


def write(tmp_path, content):
    path = tmp_path / "strokes.jsonl"
    path.write_bytes(content)
    return path


def test_a_file_is_read_plain_and_packed_whatever_its_name(tmp_path):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("strokes.jsonl", GOOD * 2)
    for content in (
        GOOD * 2,
        zipped.getvalue(),
        gzip.compress(GOOD) + gzip.compress(GOOD),
        b"\n" + GOOD + b"\r\n" + GOOD,
    ):
        digits = list(read_strokes(write(tmp_path, content)))
        assert [digit.label for digit in digits] == [3, 3]
        assert digits[0].strokes == [[(0.0, 0.0), (1.5, 2.0)], [(-4.0, 1000.0)]]


def test_the_examples_are_one_of_each_digit():
    assert [digit.label for digit in read_strokes(EXAMPLES)] == list(range(10))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"label": 3, "strokes": ' + b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[1, 2]", "expected an object"),
        (b"null", "expected an object"),
        (b"{}", "label and strokes missing"),
        (b'{"label": 3}', "strokes missing"),
        (b'{"label": 10, "strokes": [[[0, 0]]]}', "label must be"),
        (b'{"label": -1, "strokes": [[[0, 0]]]}', "label must be"),
        (b'{"label": true, "strokes": [[[0, 0]]]}', "label must be"),
        (b'{"label": 3.0, "strokes": [[[0, 0]]]}', "label must be"),
        (b'{"label": "3", "strokes": [[[0, 0]]]}', "label must be"),
        (b'{"label": 3, "strokes": []}', "at least one stroke"),
        (b'{"label": 3, "strokes": {"0": 1}}', "at least one stroke"),
        (b'{"label": 3, "strokes": [[]]}', "at least one point"),
        (b'{"label": 3, "strokes": [[[0, 0]], "x"]}', "at least one point"),
        (b'{"label": 3, "strokes": [[[0, 0, 0]]]}', "pair [x, y]"),
        (b'{"label": 3, "strokes": [[[0]]]}', "pair [x, y]"),
        (b'{"label": 3, "strokes": [[0, 0]]}', "pair [x, y]"),
        (b'{"label": 3, "strokes": [[[0, NaN]]]}', "NaN is not a number"),
        (b'{"label": 3, "strokes": [[[-Infinity, 0]]]}', "-Infinity is not a number"),
        (b'{"label": 3, "strokes": [[[1e999, 0]]]}', "a coordinate must be"),
        (b'{"label": 3, "strokes": [[[' + b"9" * 400 + b", 0]]]}", "a coordinate must be"),
        (b'{"label": 3, "strokes": [[[' + b"9" * 5000 + b", 0]]]}", "line 2"),
        (b'{"label": 3, "strokes": [[["1", 0]]]}', "a coordinate must be"),
        (b'{"label": 3, "strokes": [[[true, 0]]]}', "a coordinate must be"),
        (b'{"label": 3, "strokes": [[[null, 0]]]}', "a coordinate must be"),
        (b" " * (strokes_module.MAX_LINE + 2), "longer than"),
    ],
)
def test_a_bad_line_is_named_with_what_is_wrong(tmp_path, line, says):
    path = write(tmp_path, GOOD + line + b"\n")
    with pytest.raises(DataError) as caught:
        list(read_strokes(path))
    assert says in str(caught.value)
    assert "line 2" in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_cannot_be_read(tmp_path):
    for path, says in (
        (tmp_path / "missing.jsonl", "missing.jsonl does not exist; check the name"),
        (tmp_path, "is a folder; expected a file"),
        ("nul\0name", "is not a name that a file can have"),
    ):
        with pytest.raises(DataError, match=says):
            list(read_strokes(path))
    for content in (b"", b"\n\n  \n"):
        with pytest.raises(DataError, match="holds no digits"):
            list(read_strokes(write(tmp_path, content)))


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-12],
        lambda packed: packed[:15],
        lambda packed: packed[:2],
        lambda packed: packed[:20] + b"\0\0\0\0" + packed[24:],
        lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:],
        lambda packed: packed + b"rubbish",
    ],
)
def test_a_damaged_gzip_file_is_an_error(tmp_path, damage):
    lines = "".join(
        json.dumps({"label": n % 10, "strokes": [[[n, n * n], [n * 7 % 13, 5]]]}) + "\n"
        for n in range(200)
    )
    path = write(tmp_path, damage(gzip.compress(lines.encode())))
    with pytest.raises(DataError):
        list(read_strokes(path))


def test_a_small_file_that_unpacks_to_a_huge_one_is_stopped(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="longer than"):
        list(read_strokes(write(tmp_path, gzip.compress(b" " * (4 << 20)))))
    monkeypatch.setattr(strokes_module, "MAX_FILE", 1 << 16)
    with pytest.raises(DataError, match="larger than"):
        list(read_strokes(write(tmp_path, gzip.compress((b" " * 999 + b"\n") * 131))))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["label", "strokes", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda rest: b"\x1f\x8b\x08" + rest),
        st.binary(max_size=100).map(gzip.compress),
        anything.map(lambda value: json.dumps(value).encode()),
        anything.map(lambda value: json.dumps({"label": 1, "strokes": value}).encode()),
    )
)
def test_arbitrary_content_is_read_or_a_data_error(tmp_path, content):
    try:
        digits = list(read_strokes(write(tmp_path, content)))
    except DataError:
        return
    assert all(stroke for digit in digits for stroke in digit.strokes)


coordinates = st.floats(-strokes_module.MAX_COORDINATE, strokes_module.MAX_COORDINATE)


@given(
    st.lists(
        st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    ),
    st.floats(0.05, 2),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_a_fitted_digit_has_the_size_and_place_asked_for(strokes, scale, shift):
    fitted = fit(strokes, scale, shift)
    assert [len(stroke) for stroke in fitted] == [len(stroke) for stroke in strokes]
    xs = [x for stroke in fitted for x, _ in stroke]
    ys = [y for stroke in fitted for _, y in stroke]
    side = max(max(xs) - min(xs), max(ys) - min(ys))
    is_dot = len({point for stroke in strokes for point in stroke}) == 1
    assert side == pytest.approx(0 if is_dot else scale * SIZE, abs=1e-3)
    assert (min(xs) + max(xs)) / 2 == pytest.approx(SIZE * (0.5 + shift[0]), abs=1e-3)
    assert (min(ys) + max(ys)) / 2 == pytest.approx(SIZE * (0.5 + shift[1]), abs=1e-3)


def test_fit_by_hand():
    assert fit([[(100, 0), (100, 40)], [(120, 20)]], 0.5) == [
        [(10.5, 7.0), (10.5, 21.0)],
        [(17.5, 14.0)],
    ]
    assert fit([[(5, 5)]], 0.7, (-0.2, 0.25)) == [[(pytest.approx(8.4), 21.0)]]
    assert fit([[(0, 3), (8, 3)]], 1.0) == [[(0.0, 14.0), (28.0, 14.0)]]
    assert fit([]) == []


def test_an_endless_line_costs_no_memory(tmp_path):
    path = write(tmp_path, b'{"label": 3, "strokes": [[[')
    os.truncate(path, 1 << 26)
    with peak_below(8 << 20), pytest.raises(DataError, match="line 1 is longer than 1,048,576"):
        list(read_strokes(path))


@pytest.mark.parametrize("number", ["1" * 5000, "1e999", "-1e999", "NaN", "Infinity", "1e13"])
def test_numbers_beyond_reason_are_refused(tmp_path, number):
    line = f'{{"label": 3, "strokes": [[[{number}, 0]]]}}'
    with pytest.raises(DataError) as caught:
        list(read_strokes(write(tmp_path, line.encode())))
    assert len(str(caught.value).splitlines()) == 1


NONDIGIT = b'{"label": null, "symbol": "O", "strokes": [[[0, 0], [1, 2]]], "alike": true}\n'


def test_drawings_that_are_no_digits_are_read_with_their_symbols(tmp_path):
    plain = b'{"symbol": "y", "strokes": [[[5, 5]]], "writer": "w"}\n'
    drawings = list(read_nondigits(write(tmp_path, NONDIGIT + plain)))
    assert drawings == [
        RecordedNondigit("O", [[(0.0, 0.0), (1.0, 2.0)]], is_alike=True),
        RecordedNondigit("y", [[(5.0, 5.0)]]),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (GOOD, "symbol missing"),
        (b'{"label": 3, "symbol": "O", "strokes": [[[0, 0]]]}', "label must be null"),
        (b'{"label": null, "symbol": 7, "strokes": [[[0, 0]]]}', "symbol must be text"),
        (b'{"symbol": "' + b"x" * 101 + b'", "strokes": [[[0, 0]]]}', "at most 100 letters"),
        (b'{"symbol": "O", "strokes": [[[0, 0]]], "alike": 1}', "alike must be true or false"),
        (b'{"symbol": "O", "strokes": [[[0]]]}', "pair [x, y]"),
        (b"[]", 'expected an object with "symbol"'),
    ],
)
def test_a_bad_line_of_what_is_no_digit_is_named(tmp_path, line, says):
    with pytest.raises(DataError) as caught:
        list(read_nondigits(write(tmp_path, NONDIGIT + line)))
    assert says in str(caught.value)
    assert "line 2" in str(caught.value)


def test_a_file_without_drawings_is_no_file_of_what_is_no_digit(tmp_path):
    with pytest.raises(DataError, match="holds no drawings"):
        list(read_nondigits(write(tmp_path, b"\n")))


def test_a_half_drawn_digit_has_so_much_of_its_ink():
    strokes = [[(0.0, 0.0), (4.0, 0.0)], [(9.0, 9.0)], [(0.0, 5.0), (0.0, 7.0), (0.0, 11.0)]]
    assert beginning(strokes, 0.2) == [[(0.0, 0.0), (2.0, 0.0)]]
    assert beginning(strokes, 0.4) == strokes[:1]
    half_of_the_last = [strokes[0], strokes[1], [(0.0, 5.0), (0.0, 7.0), (0.0, 8.0)]]
    assert beginning(strokes, 0.7) == half_of_the_last
    assert beginning(strokes, 1.0) == strokes
    assert beginning([[(3.0, 3.0)]], 0.5) == [[(3.0, 3.0)]]  # a dot has no length to begin
