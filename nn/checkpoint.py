"""Files of arrays and facts: trained networks, and training that can be continued.

A file is an ordinary `.npz`: `numpy.load` opens it, and nothing in it is ever unpickled. One entry,
`header`, is text: JSON with the format's version and whatever is not an array. A reader finds the
other arrays under their names.

Reading trusts nothing: a member's shape and type are taken from its header and compared with the
bytes that are there before any memory is asked for, so that a broken or hostile file gives one
clear line instead of a crash or a full memory.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from nn.architectures import Architecture, build, describe
from nn.errors import CheckpointError
from nn.files import write_atomically
from nn.layers import Sequential

Array = NDArray[Any]

FORMAT = "digitpad network"
VERSION = 1
LARGEST_FILE = 512 * 2**20  # bytes, unpacked; far above any network here
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


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a trained network, atomically. Raises `CheckpointError` if the disk refuses."""
    header = {
        "format": FORMAT,
        "name": checkpoint.name,
        "architecture": checkpoint.architecture,
        "record": checkpoint.record,
        "temperature": checkpoint.temperature,
        "slant": checkpoint.slant,
    }
    save_arrays(path, header, checkpoint.model.state_dict())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a trained network. Raises `CheckpointError`, in one line, if the file is not one."""
    header, arrays = load_arrays(path)
    if header.get("format") != FORMAT:
        raise _unusable(path, f"expected a {FORMAT}, received a {header.get('format')!r} file")
    name, record = header.get("name"), header.get("record")
    architecture: Any = header.get("architecture")
    temperature, slant = header.get("temperature"), header.get("slant")
    if not (isinstance(name, str) and isinstance(record, dict) and _is_list_of_lists(architecture)):
        raise _unusable(path, "its header lacks the name, the architecture or the record")
    if not (isinstance(temperature, float) and 0.01 <= temperature <= 100):
        raise _unusable(path, f"expected a temperature from 0.01 to 100, received {temperature!r}")
    if not (isinstance(slant, float) and 0 <= slant <= 1):
        raise _unusable(path, f"expected a slant from 0 to 1, received {slant!r}")
    try:
        model = build(architecture, np.random.default_rng(0))
        model.load_state_dict(arrays)
    except (ValueError, TypeError) as error:
        raise _unusable(path, f"weights and architecture do not fit: {error}") from None
    if not np.isfinite(model.parameters).all():
        raise _unusable(path, "some weights are not finite numbers")
    return Checkpoint(name, architecture, model, record, temperature, slant)


def find_model(name_or_path: str | Path) -> Path:
    """The file meant by a path, or by a name such as "mlp" (in ./models, then as shipped)."""
    given = Path(name_or_path)
    folders = [Path("models"), PACKAGED_MODELS]
    candidates = [given, *(folder / f"{name_or_path}.npz" for folder in folders)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    known = sorted(
        {
            file.stem
            for folder in folders
            for file in folder.glob("*.npz")
            if not file.stem.endswith(".training")
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


def save_arrays(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write `arrays` and a JSON `header` as one .npz, atomically."""
    text = json.dumps({"version": VERSION, **header}, allow_nan=False)
    encoded = np.frombuffer(text.encode(), np.uint8)

    def write(file: BinaryIO) -> None:
        np.savez(file, allow_pickle=False, header=encoded, **arrays)

    try:
        write_atomically(Path(path), write)
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; choose another place with --output"
        ) from None


def load_arrays(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `save_arrays` wrote: the header and the arrays by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _read_members(archive)
    except FileNotFoundError:
        raise CheckpointError(f"no file {path}; make one with python -m nn.train") from None
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    # zipfile and NumPy's header parser have many ways to say that the bytes are not theirs.
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        SyntaxError,
        OverflowError,
        MemoryError,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise _unusable(path, f"expected a whole .npz file ({reason[:200]})") from None
    try:
        header = json.loads(arrays.pop("header").tobytes().decode())
        version = header["version"]
        if not isinstance(version, int):
            raise TypeError
    except (KeyError, TypeError, ValueError, RecursionError):
        raise _unusable(path, "it has no header that says what it holds") from None
    if version > VERSION:
        raise CheckpointError(
            f"{path} has format version {version}, but this program reads up to {VERSION}; "
            "update Digitpad to use it"
        )
    return header, arrays


def _read_members(archive: zipfile.ZipFile) -> dict[str, Array]:
    members = archive.infolist()
    if sum(member.file_size for member in members) > LARGEST_FILE:
        raise ValueError(f"it unpacks to more than {LARGEST_FILE // 2**20} MiB")
    arrays: dict[str, Array] = {}
    for member in members:
        with archive.open(member) as file:
            arrays[member.filename.removesuffix(".npy")] = _read_npy(file, member.file_size)
    return arrays


def _read_npy(file: Any, size: int) -> Array:
    """One array, after checking that its header agrees with the `size` of the member in bytes."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array of .npy version {version}")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind not in "fiu" or fortran_order:
        raise ValueError(f"an array of type {dtype}, expected plain numbers")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != size - file.tell():
        raise ValueError(f"an array that claims shape {shape} in {size} bytes")
    return np.frombuffer(file.read(), dtype).reshape(shape)


def _is_list_of_lists(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, list) and entry for entry in value)


def _unusable(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"cannot use {path}: {reason}; choose another file or train anew with python -m nn.train"
    )
