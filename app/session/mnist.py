"""MNIST for the window: loaded, and if need be downloaded, without keeping the window waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from app.session.messages import Line
from nn.data.dataset import Dataset, load_folder, mnist_cache
from nn.support.errors import DataError, error_words

State = Literal["unknown", "loading", "ready", "missing", "downloading", "failed"]


class Mnist:
    """The data set, once it is there.

    `state` says how far it is, `message` why it failed, `progress` (0…1) how much of the download
    is done. `load` and `download` return at once and work in a thread.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.state: State = "unknown"
        self.message = ""
        self.progress = 0.0
        self.train: Dataset | None = None
        self.test: Dataset | None = None
        self._last_shown = -1  # of the test images
        self._thread: threading.Thread | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a thread is at work."""
        return self.state in ("loading", "downloading")

    @property
    def is_missing(self) -> bool:
        """Whether it has to be downloaded first, or could not be read."""
        return self.state in ("missing", "failed")

    def fetch(self, is_training_shown: bool) -> Line | None:
        """Load it if need be; returns what to say of that, None if it is there.

        Nothing is downloaded unasked: `is_training_shown` says how the user can ask for that.
        """
        if self.state == "ready":
            return None
        if self.is_missing:
            return self.complaint(is_training_shown)
        self.load()
        return Line("Loading MNIST …")

    def complaint(self, is_training_shown: bool) -> Line:
        """Why it is not there, and what the user can do."""
        if self.state == "missing":
            offers = "downloads it" if is_training_shown else "offers to download it"
            return Line(f"MNIST is not on this computer; T {offers} (12 MB)", 8)
        return Line(self.message or "MNIST is not there", 8)

    def load(self) -> None:
        """Read the files, from the folder or the user's cache; "missing" if they are not there."""
        if self.state in ("unknown", "missing", "failed"):
            self._start("loading", self._load)

    def download(self) -> None:
        """Fetch the files into the user's cache, then load them."""
        if not self.is_busy and self.state != "ready":
            self._start("downloading", self._download)

    def wait(self) -> None:
        """Wait until the thread is done."""
        if self._thread is not None:
            self._thread.join()

    def random_test_place(self, rng: np.random.Generator) -> int | None:
        """The place of an image in the test file, when the data is there.

        Never the same twice in a row, or the key would seem to do nothing.
        """
        if self.test is None:
            return None
        count = len(self.test.labels)
        self._last_shown = (self._last_shown + int(rng.integers(1, max(2, count)))) % count
        return self._last_shown

    def _start(self, state: State, work: Callable[[], None]) -> None:
        self.state, self.message, self.progress = state, "", 0.0
        self._thread = threading.Thread(target=self._work, args=(work,), daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread, self.state = None, "failed"
            self.message = f"MNIST cannot be read: {error}"

    # In the thread

    def _work(self, work: Callable[[], None]) -> None:
        """Whatever happens becomes a state; the window would wait for ever for a dead thread."""
        try:
            work()
        except Exception as error:
            self.message, self.state = error_words(error, "for MNIST"), "failed"

    def _load(self) -> None:
        try:
            self.train, self.test = load_folder(self.folder or mnist_cache())
            self.state = "ready"
        except DataError as error:
            self.message = str(error)
            self.state = "missing" if self.folder is None else "failed"

    def _download(self) -> None:
        try:
            # Only now: it needs the network libraries.
            from nn.data.download import PACKED_SIZE, download_mnist

            def count(size: int) -> None:
                self.progress = min(1.0, self.progress + size / PACKED_SIZE)

            self.folder = download_mnist(mnist_cache(), progress=count)
        except DataError as error:
            self.message = str(error)
            self.state = "failed"
            return
        self._load()
