"""What networks make of MNIST's test digits: each reads all of them, in the background."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.session.mnist import Mnist
from app.session.predictor import Network, copy_of
from nn.data.dataset import Dataset
from nn.handwriting.framing import SIZE, frame
from nn.inference.ablation import AblatedClassifier
from nn.support.errors import error_words
from nn.support.types import Array

BATCH = 8  # digits at once: fast enough, and what the window wants goes between
SHOWN_EVERY = 200  # digits; the figures would flicker
KEPT = 8  # networks whose counts are kept


@dataclass(frozen=True, eq=False)
class Tally:
    """What a network makes of the first `len(read)` digits of the test file.

    `labels` and `read` (n,) are what each digit is and is read as, and `confidences` (n,) how
    sure the network is, 0…1; there are `total` digits in the file.
    """

    labels: Array
    read: Array
    confidences: Array
    total: int

    @functools.cached_property
    def confusion(self) -> Array:
        """How many digits i were read as j, (10, 10)."""
        # Only now: the first frame does not need it.
        from nn.inference.metrics import confusion_matrix

        return confusion_matrix(self.labels, self.read)

    @property
    def done(self) -> int:
        """How many digits have been read."""
        return len(self.read)

    @property
    def is_complete(self) -> bool:
        """Whether that is all of them."""
        return self.done == self.total

    @functools.cached_property
    def misread(self) -> Array:
        """Their places in the file, in its order."""
        return np.flatnonzero(self.read != self.labels)

    def accuracy(self, digits: int) -> float:
        """The share of the first so many digits that are read right, 0…1."""
        return float(np.mean(self.read[:digits] == self.labels[:digits]))

    def digits(self, cell: tuple[int, int] | None) -> Array:
        """The places of a cell's digits (label, read), or of all misread ones; the surest first.

        Of digits that are read right, the least sure come first.
        """
        if cell is None:
            found = self.misread
        else:
            found = np.flatnonzero((self.labels == cell[0]) & (self.read == cell[1]))
        is_right = cell is not None and cell[0] == cell[1]
        order = self.confidences[found] * (1 if is_right else -1)
        return found[np.argsort(order, kind="stable")]


class Count:
    """Reads the test file with one network, in a thread that can be paused.

    Each digit is framed as it is framed on the canvas, so that the window would answer the same;
    where the window says "unlike any digit", the likeliest digit counts. `tally` is what had been
    read at the last `look`.
    """

    def __init__(self, network: Network, test: Dataset, framed: dict[int, Array]) -> None:
        self.network = network
        self.is_stale = False  # whether the network's weights have changed since
        self.message = ""  # why it failed
        self._test = test
        self._framed = framed  # by where each batch begins; filled by whoever reads it first
        self._labels = test.labels.astype(np.int64)
        self._read = np.zeros(len(test.labels), np.int64)
        self._confidences = np.zeros(len(test.labels), np.float32)
        self.done = 0  # digits
        self.tally = self._tally()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether `tally` has all that will ever be read."""
        return self.tally.is_complete or bool(self.message)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be read."""
        return self.done == len(self._labels) or bool(self.message)

    def look(self, least: int = 1) -> None:
        """Let `tally` have what has been read by now, if that is all, or at least so many more."""
        done = self.done
        if done - self.tally.done >= least or done == len(self._labels) or not self.is_running:
            self.tally = self._tally() if done != self.tally.done else self.tally

    def go_on(self) -> None:
        """Read on from where it paused."""
        if self.is_running or self.has_ended:
            return
        self._stop.clear()
        # As it is now, with layers of its own: the window reads with the other.
        reader = copy_of(self.network)
        reader = self.network if reader is None else reader
        self._thread = threading.Thread(target=self._work, args=(reader,), daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            self.message = f"the test digits cannot be read in the background: {error}"

    def pause(self) -> None:
        """Stop after the present batch, without waiting for it."""
        self._stop.set()

    def wait(self) -> None:
        """Wait until the thread ends."""
        if self._thread is not None:
            self._thread.join()

    @property
    def is_running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def _tally(self) -> Tally:
        n = self.done  # what is before it does not change any more
        labels, read, confidences = self._labels[:n], self._read[:n], self._confidences[:n]
        return Tally(labels, read, confidences, len(self._labels))

    def _work(self, reader: Network) -> None:
        """The thread: whatever happens becomes a message."""
        try:
            while not self._stop.is_set() and self.done < len(self._labels):
                self._read_batch(reader)
        except Exception as error:
            self.message = error_words(error, "to read the test digits")

    def _read_batch(self, reader: Network) -> None:
        part = slice(self.done, min(self.done + BATCH, len(self._labels)))
        if part.start not in self._framed:
            images = self._test.images[part].reshape(-1, SIZE, SIZE)
            self._framed[part.start] = np.stack([frame(image) for image in images])
        probabilities = np.asarray(reader.probabilities(self._framed[part.start]))
        self._read[part] = probabilities.argmax(axis=1)
        self._confidences[part] = probabilities.max(axis=1)
        self.done = part.stop


class Counts:
    """The counts of the latest networks, each kept for as long as it is the same network."""

    def __init__(self, mnist: Mnist) -> None:
        self.mnist = mnist
        self._kept: list[Count] = []  # the one that was wanted last at the end
        self._stopped: list[Count] = []  # their threads may be in their last batch
        self._wanted: dict[object, Sequence[Network]] = {}
        self._framed: dict[int, Array] = {}  # 31 MB in the end; framing takes a second in all

    def of(self, network: Network) -> Count | None:
        """That of a network; None before it has begun."""
        return next((count for count in self._kept if _are_same(count.network, network)), None)

    def read(
        self,
        who: object,
        networks: Sequence[Network],
        least: int = SHOWN_EVERY,
        keeps_stale: bool = False,
    ) -> None:
        """Read on with these for `who`, and no longer with others that only `who` wanted.

        Call it again and again: only then do the tallies grow, by `least` digits or more.
        """
        self._wanted[who] = networks
        if (test := self.mnist.test) is None:
            return
        for network in networks:
            known = self.of(network)
            if known is not None and known.is_stale and not keeps_stale:
                self._drop(known)
                known = None
            count = known or Count(network, test, self._framed)
            self._kept = [*(other for other in self._kept if other is not count), count]
            count.look(least)
        self._take_turns([network for wanted in self._wanted.values() for network in wanted])
        for count in self._kept[:-KEPT]:
            self._drop(count)

    def _take_turns(self, networks: Sequence[Network]) -> None:
        """Let one of these read at a time, for BLAS's threads would wait for each other.

        Each goes on until it has read twice as many digits as the other, more or less.
        """
        wanted = (self.of(network) for network in networks)
        open_ = [count for count in wanted if count is not None and not count.has_ended]
        turn = min(open_, key=lambda count: count.done.bit_length(), default=None)
        for count in self._kept:
            if count is turn:
                count.go_on()
            else:
                count.pause()

    def forget(self, network: Network) -> None:
        """This network's weights have changed, and with them those of what is ablated of it."""
        for count in self._kept:
            read_by = count.network, getattr(count.network, "whole", None)
            count.is_stale |= any(one is network for one in read_by)

    def drop_useless(self) -> None:
        """Begin again with what is out of date, or failed and may do better now."""
        for count in self._kept:
            if count.is_stale or count.message:
                self._drop(count)

    def _drop(self, count: Count) -> None:
        count.pause()
        self._kept = [other for other in self._kept if other is not count]
        self._stopped = [other for other in (*self._stopped, count) if other.is_running]

    @property
    def is_at_work(self) -> bool:
        """Whether digits are being read."""
        return any(count.is_running for count in self._kept)

    def poll(self) -> None:
        """Nothing to do here: whoever wants digits read calls `read`."""

    def wait(self) -> None:
        """Wait until the threads end, whichever it is that reads at the moment."""
        for count in self._kept:
            count.wait()

    def close(self) -> None:
        """End what runs."""
        counts = [*self._kept, *self._stopped]
        for count in counts:
            count.pause()
        for count in counts:
            count.wait()


def _are_same(one: Network, other: Network) -> bool:
    """Whether they read alike; an ablated network is made anew each time it is asked for."""
    if isinstance(one, AblatedClassifier) and isinstance(other, AblatedClassifier):
        return one.whole is other.whole and one.off == other.off
    return one is other
