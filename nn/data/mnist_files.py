"""Which files MNIST can be in, how they are spelled, and finding them in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nn.support.errors import DataError
from nn.support.packed import name_in_zip

IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
KERAS_FILE = "mnist.npz"
FORMS = (IDX_FILES, (KERAS_FILE,), ("mnist_train.csv", "mnist_test.csv"), ("train.csv",))
# Where the files may lie below the folder that is named; the last two are torchvision's habit.
PLACES = (".", "mnist", "raw", "MNIST/raw")
Form = tuple[str, ...]  # the names of the files that make MNIST


def find_files(folder: Path, forms: Sequence[Form]) -> tuple[Form, list[Path]]:
    """The first form of which all files are in the folder, and where they are, or `DataError`."""
    partial = ""
    for place in PLACES:
        files = _files_by_name(folder / place)
        for form in forms:
            paths = {name: _spelled(name, files) for name in form}
            found = [path for path in paths.values() if path]
            if len(found) == len(form):
                return form, found
            if found and not partial:
                missing = ", ".join(name for name, path in paths.items() if not path)
                partial = f"{folder / place} holds {found[0].name} but not {missing}"
    remedy = "or leave out --data-dir to have MNIST downloaded"
    if partial:
        raise DataError(f"{partial}; put what is missing beside it (plain, .gz or .zip), {remedy}")
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder; name one that holds MNIST's files, {remedy}")
    raise DataError(
        f"{folder} holds no MNIST files; expected {', '.join(forms[0])} (plain, .gz or .zip), or "
        f"Keras's {KERAS_FILE}, or mnist_train.csv and mnist_test.csv, or Kaggle's train.csv, in "
        f"it or in its subfolder {', '.join(PLACES[1:])}; put them there, {remedy}"
    )


def _files_by_name(folder: Path) -> dict[str, Path]:
    """The files in a folder, if there is one; a zip also by the name of the one file in it."""
    try:
        files = {entry.name: entry for entry in folder.iterdir() if entry.is_file()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise DataError(f"cannot look into {folder}: {error.strerror}; check it") from error
    for path in sorted(path for path in files.values() if path.suffix == ".zip"):
        name = name_in_zip(path)
        if name and name != KERAS_FILE:
            files.setdefault(name, path)
    return files


def _spelled(name: str, files: dict[str, Path]) -> Path | None:
    """The file called `name`: with a dot before `idx` or not, packed or not."""
    if name == KERAS_FILE:
        return files.get(name)
    for base in (name, name.replace("-idx", ".idx")):
        # With .gz first: that is what the download stores and checks.
        for end in (".gz", "", ".zip"):
            if base + end in files:
                return files[base + end]
    return None
