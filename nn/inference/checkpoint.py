"""Files of arrays and facts: trained networks, and training that can be continued.

A file is an ordinary `.npz`: `numpy.load` opens it, and nothing in it is ever unpickled. One entry,
`header`, is JSON with the format's version and all that is not an array. Reading trusts nothing
(see `nn.support.arrays`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nn.network.architectures import (
    CLASSES,
    MAX_PARAMETERS,
    Architecture,
    build,
    count_parameters,
    describe,
)
from nn.network.sequential import Sequential
from nn.support.arrays import Opener, npz_of, read_npz
from nn.support.errors import CheckpointError
from nn.support.files import is_stream, open_named, open_own, write_atomically, write_file
from nn.support.types import Array

FORMAT = "digitpad network"
VERSION = 1
MAX_HEADER = 2**20  # bytes of JSON, which takes up to thirty times as much when read
MAX_NETWORK = 4 * MAX_PARAMETERS + 2 * MAX_HEADER  # bytes, unpacked
MAX_NAME = 200
MAX_WEIGHT = 1e12  # those of a network that has learned are below 10
PACKAGED_MODELS = Path(__file__).resolve().parents[2] / "models"


@dataclass
class Checkpoint:
    """A trained network: its name, its layers with their weights, and how it came about.

    Its probabilities are softmax(logits / `temperature`), fitted so that they can be believed; its
    logits are a mean over the views with `shear` (see `nn.inference.views`).
    """

    name: str
    architecture: Architecture
    model: Sequential
    record: dict[str, Any]
    temperature: float = 1.0
    shear: float = 0.0


def copied(checkpoint: Checkpoint, **changes: Any) -> Checkpoint:
    """The checkpoint with some `changes`, and with weights of its own."""
    model = build(checkpoint.architecture, np.random.default_rng(0))
    model.parameters[...] = checkpoint.model.parameters
    return replace(checkpoint, model=model, **changes)


def save_checkpoint(
    path: Path, checkpoint: Checkpoint, replace: bool = True, is_named: bool = False
) -> None:
    """Write a trained network, atomically. Raises `CheckpointError` if the disk refuses.

    Without `replace`, a file that is there already stays, and raises `FileExistsError`. A path that
    the user has named may also be a device or a pipe.
    """
    header = {
        "format": FORMAT,
        "name": checkpoint.name,
        "architecture": checkpoint.architecture,
        "record": checkpoint.record,
        "temperature": checkpoint.temperature,
        "slant": checkpoint.shear,
    }
    save_arrays(path, header, checkpoint.model.state_dict(), replace, is_named)


def load_checkpoint(path: Path, opener: Opener = open_own) -> Checkpoint:
    """Read a trained network. Raises `CheckpointError`, in one line, if the file is not one."""
    header, arrays = load_arrays(path, opener=opener)
    if header.get("format") != FORMAT:
        raise unusable(path, f"expected a {FORMAT}, received a {header.get('format')!r} file")
    name: Any = header.get("name")
    record: Any = header.get("record")
    architecture: Any = header.get("architecture")
    temperature, shear = header.get("temperature"), header.get("slant")
    if not (_is_name(name) and isinstance(record, dict) and isinstance(architecture, list)):
        raise unusable(path, "its header lacks the name, the architecture or the record")
    if not (isinstance(temperature, float) and 0.01 <= temperature <= 100):
        raise unusable(path, f"expected a temperature from 0.01 to 100, received {temperature!r}")
    if not (isinstance(shear, float) and 0 <= shear <= 1):
        raise unusable(path, f"expected a slant from 0 to 1, received {shear!r}")
    model = model_of(path, architecture, arrays)
    return Checkpoint(name, architecture, model, record, temperature, shear)


def model_of(
    path: Path,
    architecture: Any,
    arrays: dict[str, Array],
    outputs: int = CLASSES,
    command: str = "nn.train",
) -> Sequential:
    """The network that an architecture and arrays of a file make; `command` makes such files.

    Raises `CheckpointError` if they make none, before asking for memory that the arrays do not
    have, or if a weight is not finite or absurdly large.
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
        reason = f"weights and architecture do not fit: {error}"
        raise unusable(path, reason, command) from None
    weights = model.parameters
    # No comparison holds for what is not a number.
    if not (abs(weights.min(initial=0)) <= MAX_WEIGHT >= abs(weights.max(initial=0))):
        reason = f"some weights are not finite, or beyond ±{MAX_WEIGHT:g}"
        raise unusable(path, reason, command)
    return model


def load_named(name_or_path: str | Path) -> tuple[Path, Checkpoint]:
    """The network that the user means by a path or a name, and where it is; a pipe is read too.

    Raises `CheckpointError` if there is none.
    """
    path = find_model(name_or_path)
    return path, load_checkpoint(path, open_named)


def find_model(name_or_path: str | Path) -> Path:
    """The file meant by a path, or by a name such as "mlp" (in ./models, then as shipped)."""
    given = Path(name_or_path)
    # As <(…) names one; no network is called so.
    if os.sep in str(name_or_path) and is_stream(given):
        return given
    folders = [Path("models"), PACKAGED_MODELS]
    here, shipped = (folder / f"{name_or_path}.npz" for folder in folders)
    # Last: a file called "cnn", without more, is hardly a network.
    for candidate in (here, shipped, given) if given.name == str(given) else (given,):
        # Not is_file(), which fails for a name that is too long.
        if os.path.isfile(candidate):  # noqa: PTH113
            if candidate == here and shipped.is_file() and not here.samefile(shipped):
                print(f"reading {here} of this folder, not {shipped}", file=sys.stderr)
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
    path: Path,
    header: dict[str, Any],
    arrays: dict[str, Array],
    replace: bool = True,
    is_named: bool = False,
) -> None:
    """Write `arrays` and a JSON `header` as one .npz, atomically; see `save_checkpoint`."""
    text = json.dumps({"version": VERSION, **header}, allow_nan=False)
    content = npz_of({"header": np.frombuffer(text.encode(), np.uint8), **arrays})
    try:
        if is_named:
            write_file(path, lambda file: file.write(content))
        else:
            write_atomically(path, lambda file: file.write(content), replace)
    except FileExistsError:
        raise
    except OSError as error:
        raise CheckpointError(
            f"cannot write {path}: {error.strerror or error}; make room there, or make the folder "
            "writable"
        ) from None


def load_arrays(
    path: Path,
    largest_header: int = MAX_HEADER,
    command: str = "nn.train",
    most: int = MAX_NETWORK,
    opener: Opener = open_own,
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read what `save_arrays` wrote: the header and the arrays by name; `command` makes such files.

    The file is opened by `opener` and has at most `most` bytes, unpacked as well.
    Raises `CheckpointError`, in one line, if the file cannot be used.
    """
    try:
        arrays = read_npz(path, most, opener)
    except FileNotFoundError:
        raise CheckpointError(f"no file {path}; make one with python -m {command}") from None
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from None
    except MemoryError:
        raise CheckpointError(
            f"cannot read {path}: there is not enough memory; close other programs and try again"
        ) from None
    except ValueError as error:
        reason = f"expected a whole .npz file of plain numbers ({error})"
        raise unusable(path, reason, command) from None
    try:
        encoded = arrays.pop("header").tobytes()
        if len(encoded) > largest_header:
            raise ValueError
        header = json.loads(encoded.decode())
        version = header["version"]
        if type(version) is not int or version < 1:
            raise TypeError
    except (KeyError, TypeError, ValueError, RecursionError):
        raise unusable(path, "it has no header that says what it holds", command) from None
    if version > VERSION:
        raise CheckpointError(
            f"{path} has format version {version}, but this program reads up to "
            f"{VERSION}; update Digitpad to use it"
        )
    return header, arrays


def _is_name(value: object) -> bool:
    """Whether it can be shown: fonts refuse zeros and surrogates, tables line ends."""
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= MAX_NAME


def unusable(path: Path, reason: str, command: str = "nn.train") -> CheckpointError:
    """The error for a file that cannot be used, with the command that makes another."""
    return CheckpointError(
        f"cannot use {path}: {reason}; choose another file or train anew with python -m {command}"
    )
