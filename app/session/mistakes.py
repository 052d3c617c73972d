"""Which of MNIST's test digits the chosen network misreads: all are read in the background."""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.drawing.strokes import DIGITS
from app.my_digits.my_digits import with_article
from app.session.messages import Line
from app.session.mnist import Mnist
from app.session.predictor import Network, read
from nn.data.dataset import Dataset
from nn.handwriting.framing import SIZE, frame
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
        cells = np.bincount(self.labels * DIGITS + self.read, minlength=DIGITS * DIGITS)
        return cells.reshape(DIGITS, DIGITS)

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

    def __init__(self, network: Network, test: Dataset) -> None:
        self.network = network
        self.is_stale = False  # whether the network's weights have changed since
        self.message = ""  # why it failed
        self._test = test
        self._labels = test.labels.astype(np.int64)
        self._read = np.zeros(len(test.labels), np.int64)
        self._confidences = np.zeros(len(test.labels), np.float32)
        self._done = 0
        self.tally = self._tally()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether `tally` has all that will ever be read."""
        return self.tally.is_complete or bool(self.message)

    def look(self, least: int = 1) -> None:
        """Let `tally` have what has been read by now, if that is all, or at least so many more."""
        done = self._done
        if done - self.tally.done >= least or done == len(self._labels) or not self.is_running:
            self.tally = self._tally() if done != self.tally.done else self.tally

    def go_on(self) -> None:
        """Read on from where it paused."""
        if self.is_running or self._done == len(self._labels) or self.message:
            return
        self._stop.clear()
        # As it is now, with layers of its own: the window reads with the other.
        reader = _copy_of(self.network)
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
        n = self._done  # what is before it does not change any more
        labels, read, confidences = self._labels[:n], self._read[:n], self._confidences[:n]
        return Tally(labels, read, confidences, len(self._labels))

    def _work(self, reader: Network) -> None:
        """The thread: whatever happens becomes a message."""
        try:
            while not self._stop.is_set() and self._done < len(self._labels):
                self._read_batch(reader)
        except MemoryError:
            self.message = "there is not enough memory to read the test digits"
        except Exception as error:
            self.message = f"{type(error).__name__}: {error}"

    def _read_batch(self, reader: Network) -> None:
        part = slice(self._done, min(self._done + BATCH, len(self._labels)))
        images = self._test.images[part].reshape(-1, SIZE, SIZE)
        probabilities = np.asarray(reader.probabilities(np.stack([frame(i) for i in images])))
        self._read[part] = probabilities.argmax(axis=1)
        self._confidences[part] = probabilities.max(axis=1)
        self._done = part.stop


def _copy_of(network: Network) -> Network:
    try:
        return copy.deepcopy(network)
    except Exception:  # not every object can be copied
        return network


class Mistakes:
    """The chosen network's count, kept for as long as it is the same network.

    Digits are read while `is_shown`, and while the next misread one is searched for. `network`
    gives the network that predicts; `show` puts the test digit of a place on the canvas.
    """

    def __init__(
        self, mnist: Mnist, network: Callable[[], Network], show: Callable[[int], object]
    ) -> None:
        self.is_shown = False
        self._mnist = mnist
        self._network = network
        self._show = show
        self._counts: list[Count] = []  # the latest last
        self._is_searching = False
        self._has_wrapped = False  # whether this search began again at the first digit
        self._is_training_shown = False  # when it was asked for
        self._last: tuple[Network | None, int] = None, -1  # found for whom, and its place

    @property
    def count(self) -> Count | None:
        """That of the network that predicts now; None before it has begun."""
        network = self._network()
        return next((count for count in self._counts if count.network is network), None)

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        if self._is_searching or any(count.is_running for count in self._counts):
            return True
        if not self.is_shown or self._mnist.test is None:
            return self.is_shown and self._mnist.is_busy
        count = self.count
        return count is None or count.is_stale or not count.is_over

    def show(self, is_shown: bool) -> None:
        """Read while this is shown, the digits being fetched first if they are on this computer."""
        self.is_shown = is_shown
        if is_shown:
            self._drop_useless()
            if self._mnist.state == "unknown":
                self._mnist.load()
        self.poll()

    def poll(self) -> Line | None:
        """Go on reading; show the digit that is searched for once it is found."""
        test, network = self._mnist.test, self._network()
        is_wanted = self.is_shown or self._is_searching
        for other in self._counts:
            if not is_wanted or other.network is not network:
                other.pause()
        if not is_wanted:
            return None
        if test is None:
            return self._wait_for_mnist()
        count = self.count
        if count is None or (count.is_stale and not self._is_searching):
            count = self._begin(network, test)
        count.go_on()
        count.look(1 if self._is_searching else SHOWN_EVERY)
        return self._search_in(count, test) if self._is_searching else None

    def settle(self) -> None:
        """Read all of them at once, if that is shown and they are on this computer."""
        if not self.is_shown:
            return
        self._mnist.wait()
        self.poll()
        while (count := self.count) is not None and not count.is_over:
            count.wait()
            self.poll()

    def close(self) -> None:
        """End what runs."""
        for count in self._counts:
            count.pause()
        for count in self._counts:
            count.wait()

    def forget(self, network: Network) -> None:
        """This network's weights have changed; a search goes on with those it began with."""
        for count in self._counts:
            read_by = count.network, getattr(count.network, "whole", None)  # with units off
            count.is_stale |= any(one is network for one in read_by)

    # The next misread digit

    def search(self, is_training_shown: bool) -> Line | None:
        """Show the next digit that is misread, as soon as one is known."""
        self._is_training_shown = is_training_shown
        was_missing = self._mnist.is_missing
        line = self._mnist.fetch(is_training_shown)
        if was_missing:
            return line
        self._drop_useless()
        self._is_searching, self._has_wrapped = True, False
        return self.poll() or line

    def stop_searching(self) -> None:
        """The user does something else."""
        self._is_searching = False

    def _wait_for_mnist(self) -> Line | None:
        if self._mnist.is_busy or not self._is_searching:
            return None
        self._is_searching = False
        return self._mnist.complaint(self._is_training_shown)

    def _begin(self, network: Network, test: Dataset) -> Count:
        stale = self.count
        for count in [*self._counts[: 1 - KEPT], *([stale] if stale is not None else [])]:
            self._drop(count)
        self._counts.append(Count(network, test))
        return self._counts[-1]

    def _drop_useless(self) -> None:
        """Begin again with what is out of date, or failed and may do better now."""
        for count in self._counts:
            if count.is_stale or count.message:
                self._drop(count)

    def _drop(self, count: Count) -> None:
        count.pause()
        self._counts = [other for other in self._counts if other is not count]

    def _search_in(self, count: Count, test: Dataset) -> Line | None:
        network, tally = count.network, count.tally
        last = self._last[1] if self._last[0] is network else -1
        later = tally.misread[tally.misread > last]
        if len(later):
            place = int(later[0])
            self._last = network, place
            label, image = int(test.labels[place]), test.images[place].reshape(SIZE, SIZE)
            answer = read(network, frame(image))
            if answer.digit == label:  # the weights of a network in training have changed
                return None
            self._is_searching = False
            self._show(place)
            number = len(tally.misread) - len(later) + 1
            of_all = f"{number} of {len(later) + number - 1}" if tally.is_complete else f"{number}"
            return Line(
                f"Misread {of_all}: {with_article(label)}, read as {with_article(answer.digit)}", 8
            )
        if not count.is_over:
            return Line(f"Looking for misread digits: {tally.done:,} of {tally.total:,} read")
        if last >= 0 and not self._has_wrapped:
            self._has_wrapped, self._last = True, (network, -1)
            return self._search_in(count, test)
        self._is_searching = False
        return Line(
            count.message or f"{network.name} reads all {tally.total:,} test digits right", 8
        )
