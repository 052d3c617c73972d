"""Which of MNIST's test digits the chosen network misreads."""

from __future__ import annotations

from collections.abc import Callable

from app.my_digits.my_digits import with_article
from app.session.counts import SHOWN_EVERY, Count, Counts
from app.session.messages import Line
from app.session.predictor import Network, read
from nn.data.dataset import Dataset
from nn.handwriting.framing import SIZE, frame


class Mistakes:
    """The chosen network's count, and the search for the next digit that it misreads.

    Digits are read while `is_shown`, and while the next misread one is searched for. `network`
    gives the network that predicts; `show` puts the test digit of a place on the canvas.
    """

    def __init__(
        self, counts: Counts, network: Callable[[], Network], show: Callable[[int], object]
    ) -> None:
        self.is_shown = False
        self._mnist, self._counts = counts.mnist, counts
        self._network = network
        self._show = show
        self._is_searching = False
        self._has_wrapped = False  # whether this search began again at the first digit
        self._is_training_shown = False  # when it was asked for
        self._last: tuple[Network | None, int] = None, -1  # found for whom, and its place

    @property
    def count(self) -> Count | None:
        """That of the network that predicts now; None before it has begun."""
        return self._counts.of(self._network())

    @property
    def is_at_work(self) -> bool:
        """Whether there is, or soon will be, something new to show."""
        if self._is_searching or self._counts.is_at_work:
            return True
        if not self.is_shown or self._mnist.test is None:
            return self.is_shown and self._mnist.is_busy
        count = self.count
        return count is None or count.is_stale or not count.is_over

    def show(self, is_shown: bool) -> None:
        """Read while this is shown, the digits being fetched first if they are on this computer."""
        self.is_shown = is_shown
        if is_shown:
            self._counts.drop_useless()
            if self._mnist.state == "unknown":
                self._mnist.load()
        self.poll()

    def poll(self) -> Line | None:
        """Go on reading; show the digit that is searched for once it is found."""
        networks = [self._network()] if self.is_shown or self._is_searching else []
        least = 1 if self._is_searching else SHOWN_EVERY
        self._counts.read(self, networks, least, keeps_stale=self._is_searching)
        if not self._is_searching:
            return None
        test, count = self._mnist.test, self.count
        if test is None or count is None:
            return self._wait_for_mnist()
        return self._search_in(count, test)

    def settle(self) -> None:
        """Read all of them at once, if that is shown and they are on this computer."""
        if not self.is_shown:
            return
        self._mnist.wait()
        self.poll()
        while (count := self.count) is not None and not count.is_over:
            self._counts.wait()  # with units off, the whole network may have its turn
            self.poll()

    def close(self) -> None:
        """Nothing to end here: the counts are a part of their own."""

    # The next misread digit

    def search(self, is_training_shown: bool) -> Line | None:
        """Show the next digit that is misread, as soon as one is known."""
        self._is_training_shown = is_training_shown
        was_missing = self._mnist.is_missing
        line = self._mnist.fetch(is_training_shown)
        if was_missing:
            return line
        self._counts.drop_useless()
        self._is_searching, self._has_wrapped = True, False
        return self.poll() or line

    def stop_searching(self) -> None:
        """The user does something else."""
        self._is_searching = False

    def _wait_for_mnist(self) -> Line | None:
        if self._mnist.is_busy:
            return None
        self._is_searching = False
        return self._mnist.complaint(self._is_training_shown)

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
            known = len(tally.misread)
            number = known - len(later) + 1
            of_all = f"{number} of {known}" if tally.is_complete else f"{number}"
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
