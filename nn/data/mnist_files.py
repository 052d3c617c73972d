"""Which files MNIST can be in, how they are spelled, and finding them in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nn.support.errors import DataError
from nn.support.packed import name_in_zip


class MnistFile(NamedTuple):
    """A file of the data set: its name, and its size in bytes and SHA-256 when unpacked."""

    name: str
    size: int
    sha256: str

    @property
    def packed_name(self) -> str:
        """The name on the mirrors and in the cache. The packed bytes differ between mirrors."""
        return f"{self.name}.gz"


FILES = (
    MnistFile("train-images-idx3-ubyte", 47_040_016,
              "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    MnistFile("train-labels-idx1-ubyte", 60_008,
              "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    MnistFile("t10k-images-idx3-ubyte", 7_840_016,
              "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    MnistFile("t10k-labels-idx1-ubyte", 10_008,
              "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
)  # fmt: skip
IDX_FILES = tuple(file.name for file in FILES)
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
