from __future__ import annotations

import gzip

import pytest

from nn.data.dataset import read_csv
from nn.data.idx import read_idx
from nn.support.errors import DataError
from tests.helpers.data_files import message, write
from tests.helpers.memory import peak_below
from tests.nn.data.test_idx import GOOD


@pytest.mark.parametrize("read", [read_idx, read_csv])
def test_files_that_cannot_be_opened(tmp_path, read):
    assert "does not exist; check the name" in message(read, tmp_path / "none")
    assert "is a folder; expected a file" in message(read, tmp_path)
    (tmp_path / "file").touch()
    assert "Not a directory" in message(read, tmp_path / "file" / "x")


@pytest.mark.parametrize("read", [read_idx, read_csv])
@pytest.mark.parametrize("start", [GOOD, b"1," * 100, b"1,2\n"])
def test_a_gzip_bomb_costs_no_memory(tmp_path, read, start):
    path = write(tmp_path / "file", gzip.compress(start + bytes(50 << 20), 1))
    with peak_below(4 << 20):
        message(read, path)


def test_a_name_that_no_file_can_have():
    with pytest.raises(DataError, match="not a name"):
        read_idx("a\0b")
