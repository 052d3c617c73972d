"""The trained networks one can choose from: the program's own and the user's."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from app.session.predictor import Network
from nn.inference.classifier import Classifier, load_listed
from nn.support.deadline import Task
from nn.support.errors import DigitpadError
from nn.support.files import user_folder

MOST_SEEN, MOST_LISTED = 5_000, 100  # files of a folder


@dataclass(frozen=True)
class NetworkInfo:
    """A network of the list; what is not known of it is None."""

    network: Network
    parameters: int | None = None
    accuracy: float | None = None  # on MNIST's test digits, or else on those kept aside
    file: Path | None = None  # where it was read from, without links on the way

    @property
    def name(self) -> str:
        """What it is called."""
        return self.network.name


class NetworkList:
    """The networks to choose from, smallest first; one of them is chosen.

    It begins with the one that is handed in; `load_next` adds another from `folders`, so that the
    first frame need not wait for all of them. Files that hold no network are passed over.
    """

    def __init__(self, network: Network, folders: Sequence[Callable[[], Path]] = ()) -> None:
        self.entries = [network_info(network)]
        self.chosen = 0
        self._folders = list(folders)
        self._waiting: list[Path] | None = None
        self._loading: Task[Classifier] | None = None

    @property
    def network(self) -> Network:
        """The chosen one."""
        return self.entries[self.chosen].network

    @property
    def is_complete(self) -> bool:
        """Whether all networks have been loaded."""
        is_begun = self._waiting is not None or not self._folders
        return is_begun and not self._waiting and self._loading is None

    def load_next(self) -> bool:
        """Load one more network, in a thread if it takes long; returns whether the list changed."""
        if self._waiting is None:
            self._waiting = [path for folder in self._folders for path in network_files(folder())]
        while self._loading is None and self._waiting:
            path = self._waiting.pop(0)
            # ./models and the packaged folder may be one and the same.
            if _real(path) not in {entry.file for entry in self.entries}:
                self._loading = Task(partial(load_listed, path))
        if self._loading is None or not self._loading.is_done():
            return False
        task, self._loading = self._loading, None
        try:
            self._put(task.result())
        except DigitpadError:
            return False
        return True

    def add(self, network: Network) -> None:
        """Add a network, in place of one read from the same file, and choose it."""
        file = network_info(network).file
        self.entries = [entry for entry in self.entries if file is None or entry.file != file]
        self._put(network)
        self.chosen = next(i for i, e in enumerate(self.entries) if e.network is network)

    def remove(self, path: Path) -> None:
        """Take away the network of a file, if it is here and not the only one."""
        file = _real(path)
        kept = [entry for entry in self.entries if entry.file != file]
        if kept:
            chosen = self.network
            self.entries = kept
            self.choose_network(chosen)

    def choose_network(self, network: Network) -> None:
        """Choose this network, or the first if it is not here."""
        place = (i for i, entry in enumerate(self.entries) if entry.network is network)
        self.chosen = next(place, 0)

    def choose_file(self, path: Path) -> None:
        """Choose the network that was read from a file, if it is here."""
        file = _real(path)
        place = (i for i, entry in enumerate(self.entries) if entry.file == file)
        self.chosen = next(place, self.chosen)

    def use_tuned(self, tuned: Classifier | None, path: Path, shipped: Path) -> None:
        """List the network tuned to the user's digits in place of the one of `path`, if any.

        It is chosen where that one or the shipped one was; without it the shipped one is again.
        """
        before, file = self.network, self.entries[self.chosen].file
        was_chosen = file is not None and file in (_real(path), _real(shipped))
        self.remove(path)
        if tuned is not None:
            self.add(tuned)
            if not was_chosen:
                self.choose_network(before)
        elif was_chosen:
            self.choose_file(shipped)

    def choose(self, index: int) -> None:
        """Choose by place; beyond the last comes the first."""
        self.chosen = index % len(self.entries)

    def _put(self, network: Network) -> None:
        chosen = self.network if self.chosen < len(self.entries) else None
        entries = [*self.entries, network_info(network)]
        self.entries = sorted(entries, key=lambda entry: entry.parameters or 0)
        place = (i for i, entry in enumerate(self.entries) if entry.network is chosen)
        self.chosen = next(place, 0)


def network_files(folder: Path) -> list[Path]:
    """The files in a folder that may hold networks, by name; none if there is no such folder.

    Of a folder with very many files only some are looked at, for the window waits.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_SEEN)]
    except OSError:
        return []
    kept = (name for name in names if name.endswith(".npz") and not name.endswith(".training.npz"))
    return [folder / name for name in sorted(kept)[:MOST_LISTED]]


def network_info(network: Network) -> NetworkInfo:
    """A network with what its file tells about it."""
    path: Path | None = getattr(network, "path", None)
    file = None if path is None else _real(path)
    if not isinstance(network, Classifier):
        return NetworkInfo(network, file=file)
    figures: Any = network.checkpoint.record.get("figures")
    figures = figures if isinstance(figures, dict) else {}
    accuracy = figures.get("test_accuracy", figures.get("validation_accuracy"))
    known = isinstance(accuracy, float) and 0 <= accuracy <= 1
    return NetworkInfo(network, network.count_params(), accuracy if known else None, file)


def _real(path: Path) -> Path:
    """A file's own name, without links on the way; of links in a circle, some name."""
    return Path(os.path.realpath(path))


def users_networks() -> Path:
    """The folder of the networks that the user has trained and kept in the program."""
    return user_folder("data") / "networks"
