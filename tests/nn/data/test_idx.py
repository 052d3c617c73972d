from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from nn.data.idx import read_idx
from tests.helpers.data_files import files, idx, message, survives, write
from tests.helpers.memory import peak_below


@files
@given(
    array=arrays(np.uint8, array_shapes(max_dims=3, min_side=0, max_side=5)), packed=st.booleans()
)
def test_idx_round_trip(tmp_path, array, packed):
    path = write(tmp_path / "any name", gzip.compress(idx(array)) if packed else idx(array))
    result = read_idx(path)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, array)


@files
@given(data=st.binary() | st.binary().map(lambda tail: b"\0\0\x08" + tail))
@example(b"\0\0\x08\x03" + b"\xff" * 8 + b"\0" * 4)  # an absurd shape of no bytes
@example(b"\x1f\x8b")
def test_any_bytes_are_idx_or_a_data_error(tmp_path, data):
    survives(read_idx, write(tmp_path / "file", data))


@files
@given(data=st.data(), packed=st.booleans())
def test_a_mutated_idx_file_is_idx_or_a_data_error(tmp_path, data, packed):
    content = bytearray(idx(np.arange(24).reshape(2, 3, 4)))
    content = bytearray(gzip.compress(content)) if packed else content
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 3))
        content[place : place + cut] = data.draw(st.binary(max_size=3))
    survives(read_idx, write(tmp_path / "file", bytes(content)))


GOOD = idx(np.arange(6).reshape(2, 3))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "expected an IDX file, received an empty file; copy or make the file again"),
        (gzip.compress(b"", mtime=0), "received an empty file"),
        (b"\0\0", "begins with two zero bytes, received b'\\x00\\x00'"),
        (b"<html>", "which begins with two zero bytes, received b'<htm'"),
        (
            b"\0\0\x0d\x01\0\0\0\0",
            "expected IDX values of type 8 (unsigned byte), received type 13",
        ),
        (b"\0\0\x08\x00", "expected 1 to 3 IDX dimensions, received 0"),
        (b"\0\0\x08\x04" + bytes(16), "expected 1 to 3 IDX dimensions, received 4"),
        (GOOD[:9], "expected an IDX header of 12 bytes, received a part of it"),
        (GOOD[:-2], "expected 6 bytes after the header (2 × 3), received only 4"),
        (GOOD + b"x", "expected 6 bytes after the header (2 × 3), received more"),
        (PACKED[:-9], "expected a whole gzip file, received one that ends too early"),
        (PACKED[:-8] + bytes(8), "undamaged gzip file, received CRC check failed"),
        (PACKED[:10] + b"\xff" * 30, "undamaged gzip file, received Error -3"),
    ],
)
def test_what_is_wrong_with_an_idx_file(tmp_path, content, text):
    assert text in message(read_idx, write(tmp_path / "file", content))


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        (
            (10**6, 1000, 1000),
            "at most 80,000 digits of 784 values, received a header of",
        ),
        ((80_000, 28, 28), "expected 62720000 bytes after the header"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_lies_costs_no_memory(tmp_path, shape, text, packed):
    content = bytes([0, 0, 8, 3]) + np.array(shape, ">u4").tobytes() + bytes(100)
    path = write(tmp_path / "file", gzip.compress(content) if packed else content)
    with peak_below(4 << 20):
        assert text in message(read_idx, path)
