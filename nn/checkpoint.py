"""Files of arrays and facts: trained networks, and training that can be continued.

A file is an ordinary `.npz`: `numpy.load` opens it, and nothing in it is ever unpickled. One entry,
`header`, is text: JSON with the format's version and whatever is not an array. A reader finds the
other arrays under their names.

Reading trusts nothing: a member's shape and type are taken from its header and compared with the
bytes that are there before any memory is asked for, so that a broken or hostile file gives one
clear line instead of a crash or a full memory.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nn.architectures import CLASSES, Architecture, build, count_parameters, describe
from nn.errors import CheckpointError
from nn.files import write_atomically
from nn.layers import Sequential

Array = NDArray[Any]

FORMAT = "digitpad network"
VERSION = 1
LARGEST_FILE = 512 * 2**20  # bytes, unpacked; far above any network here
LARGEST_HEADER = 2**20  # bytes of JSON, which takes up to thirty times as much when read
LARGEST_DIRECTORY = 2**20  # bytes of the archive's list of members; usually a thousandth of it
LONGEST_NAME = 200
LARGEST_WEIGHT = 1e12  # those of a network that has learned are below 10
# What NumPy writes before an array of plain numbers. Its own reader takes any Python literal, and
# then warns or fails in ways of its own.
NPY_MAGIC = b"\x93NUMPY\1\0"
NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|](?:f[248]|[iu][1248]))', 'fortran_order': False, "
    rb"'shape': \(((?:-?\d{1,19}, ?)*(?:-?\d{1,19})?)\),? ?\}\s*"
)
PACKAGED_MODELS = Path(__file__).resolve().parent.parent / "models"


@dataclass
class Checkpoint:
    """A trained network: its name, its layers with their weights, and how it came about.

    Its probabilities are softmax(logits / `temperature`), fitted so that they can be believed, and
    its logits a mean over the image and two copies slanted by ±`slant` cells a row, if that is not
    0 (see `nn.reader`).
    """

    name: str
    architecture: Architecture
    model: Sequential
    record: dict[str, Any]
    temperature: float = 1.0
    slant: float = 0.0


def save_checkpoint(path: Path, checkpoint: Checkpoint, replace: bool = True) -> None:
    """Write a trained network, atomically. Raises `CheckpointError` if the disk refuses.

    Without `replace`, a file that is there already stays, and raises `FileExistsError`.
    """
    header = {
        "format": FORMAT,
        "name": checkpoint.name,
        "architecture": checkpoint.architecture,
        "record": checkpoint.record,
        "temperature": checkpoint.temperature,
        "slant": checkpoint.slant,
    }
    save_arrays(path, header, checkpoint.model.state_dict(), replace)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a trained network. Raises `CheckpointError`, in one line, if the file is not one."""
    header, arrays = load_arrays(path)
    if header.get("format") != FORMAT:
        raise _unusable(path, f"expected a {FORMAT}, received a {header.get('format')!r} file")
    name: Any = header.get("name")
    record: Any = header.get("record")
    architecture: Any = header.get("architecture")
    temperature, slant = header.get("temperature"), header.get("slant")
    if not (_is_name(name) and isinstance(record, dict) and isinstance(architecture, list)):
        raise _unusable(path, "its header lacks the name, the architecture or the record")
    if not (isinstance(temperature, float) and 0.01 <= temperature <= 100):
        raise _unusable(path, f"expected a temperature from 0.01 to 100, received {temperature!r}")
    if not (isinstance(slant, float) and 0 <= slant <= 1):
        raise _unusable(path, f"expected a slant from 0 to 1, received {slant!r}")
    model = model_of(path, architecture, arrays)
    return Checkpoint(name, architecture, model, record, temperature, slant)


def model_of(
    path: Path, architecture: Any, arrays: dict[str, Array], outputs: int = CLASSES
) -> Sequential:
    """The network that an architecture and arrays of a file make.

    Raises `CheckpointError` if they make none, before asking for memory that the arrays do not
    have, or if weights are no numbers to reckon with.
    """
    try:
        expected = count_parameters(architecture, outputs)
        received = sum(array.size for array in arrays.values())
        if expected != received:
            raise ValueError(f"expected {expected:,} weights, received {received:,}")
        model = build(architecture, np.random.default_rng(0), outputs=outputs)
        # What does not fit into float32 becomes infinite, and is refused below.
        with np.errstate(over="ignore", invalid="ignore"):
            model.load_state_dict(arrays)
    except ValueError as error:
        raise _unusable(path, f"weights and architecture do not fit: {error}") from None
    weights = model.parameters
    # No comparison holds for what is not a number.
    if not (abs(weights.min(initial=0)) <= LARGEST_WEIGHT >= abs(weights.max(initial=0))):
        raise _unusable(path, f"some weights are not finite, or beyond ±{LARGEST_WEIGHT:g}")
    return model


def find_model(name_or_path: str | Path) -> Path:
    """The file meant by a path, or by a name such as "mlp" (in ./models, then as shipped)."""
    given = Path(name_or_path)
    folders = [Path("models"), PACKAGED_MODELS]
    candidates = [given, *(folder / f"{name_or_path}.npz" for folder in folders)]
    for candidate in candidates:
        # Not is_file(), which fails for a name that is too long.
        if os.path.isfile(candidate):  # noqa: PTH113
            return candidate
    known = sorted(
        {
            file.stem
            for folder in folders
            for file in folder.glob("*.npz")
            if not file.stem.endswith((".training", ".refusal"))
        }
    )
    raise CheckpointError(
        f"no network {str(name_or_path)!r}: expected a .npz file or one of the names "
        f"{', '.join(known) or '(none is here)'}; make one with python -m nn.train --model NAME"
    )


def summary(checkpoint: Checkpoint) -> str:
    """Name, sizes and number of parameters in one line."""
    return (
        f"{checkpoint.name} ({describe(checkpoint.architecture)}, "
        f"{checkpoint.model.count_params():,} parameters)"
    )


def save_arrays(
    path: Path, header: dict[str, Any], arrays: dict[str, Array], replace: bool = True
) -> None:
    """Write `arrays` and a JSON `header` as one .npz, atomically; see `save_checkpoint`."""
    text = json.dumps({"version": VERSION, **header}, allow_nan=False)
    encoded = np.frombuffer(text.encode(), np.uint8)

    def write(file: BinaryIO) -> None:
        np.savez(file, allow_pickle=False, header=encoded, **arrays)

    try:
        write_atomically(Path(path), write, replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; make room there, or make the folder "
            "writable"
        ) from None


def load_arrays(
    path: Path, largest_header: int = LARGEST_HEADER
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `save_arrays` wrote: the header and the arrays by name."""
    try:
        with _File(path) as file:
            if file.seek(0, os.SEEK_END) > LARGEST_FILE:
                raise ValueError(f"it is larger than {LARGEST_FILE // 2**20} MiB")
            with zipfile.ZipFile(file) as archive:
                file.longest = LARGEST_FILE  # the list of members is read
                arrays = _read_members(archive)
    except FileNotFoundError:
        raise CheckpointError(f"no file {path}; make one with python -m nn.train") from None
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    except MemoryError:
        raise CheckpointError(
            f"cannot read {path}: there is not enough memory; close other programs and try again"
        ) from None
    # zipfile has many ways to say that the bytes are not its own.
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
        struct.error,
        zlib.error,
    ) as error:
        reason = str(error) or type(error).__name__
        raise _unusable(path, f"expected a whole .npz file ({reason})") from None
    try:
        encoded = arrays.pop("header").tobytes()
        if len(encoded) > largest_header:
            raise ValueError
        header = json.loads(encoded.decode())
        version = header["version"]
        if type(version) is not int or version < 1:
            raise TypeError
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _unusable(path, "it has no header that says what it holds") from None
    if version > VERSION:
        raise CheckpointError(
            f"{path} has format version {version}, but this program reads up to "
            f"{VERSION}; update Digitpad to use it"
        )
    return header, arrays


class _File(io.FileIO):
    """A file that refuses to be read in pieces longer than `longest` bytes.

    For zipfile reads the list of members at once, and makes of it ten times its size.
    """

    longest = LARGEST_DIRECTORY

    def read(self, size: int | None = -1) -> Any:
        """As of any file."""
        if size is not None and size > self.longest:
            raise ValueError(f"a part of {size:,} bytes, expected at most {self.longest:,}")
        return super().read(size)


def _read_members(archive: zipfile.ZipFile) -> dict[str, Array]:
    members = archive.infolist()
    if sum(member.file_size for member in members) > LARGEST_FILE:
        raise ValueError(f"it unpacks to more than {LARGEST_FILE // 2**20} MiB")
    arrays: dict[str, Array] = {}
    for member in members:
        # Others unpack without a limit, whatever the member's size is said to be.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is packed in another way than deflate")
        with archive.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = _read_npy(file, member.file_size)
    return arrays


def _read_npy(file: Any, size: int) -> Array:
    """One array, after checking that its header agrees with the `size` of the member in bytes."""
    start = file.read(len(NPY_MAGIC) + 2)
    if len(start) < len(NPY_MAGIC) + 2 or not start.startswith(NPY_MAGIC):
        raise ValueError("a member that is no array of .npy version 1.0")
    length = int.from_bytes(start[-2:], "little")
    found = NPY_HEADER.fullmatch(file.read(length))
    if not found:
        raise ValueError("an array of another kind, expected plain numbers in C order")
    dtype = np.dtype(found[1].decode())
    shape = tuple(int(side) for side in found[2].replace(b",", b" ").split())
    content = size - len(start) - length
    # A zero must not hide the others: NumPy refuses absurd shapes even when they are empty.
    is_absurd = any(not 0 <= side <= LARGEST_FILE for side in shape)
    if is_absurd or math.prod(shape) * dtype.itemsize != content:
        raise ValueError(f"an array that claims shape {shape} in {size} bytes")
    # With a number, since a packed member may unpack to more than it is said to.
    return np.frombuffer(file.read(content), dtype).reshape(shape)


def _is_name(value: object) -> bool:
    """Whether it can be shown: fonts refuse zeros and surrogates, tables line ends."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME


def _unusable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"cannot use {path}: {reason}; choose another file or train anew with python -m nn.train"
    )
