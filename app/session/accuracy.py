"""How well a network reads MNIST's test digits with all its units, and without some."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from nn.data.dataset import Dataset
from nn.inference.ablation import AblatedClassifier, Unit
from nn.inference.classifier import Classifier
from nn.support.types import Array

BATCH = 32  # digits at once: `close` waits for no more
SHOWN_EVERY = 8  # batches; the figures would flicker

Counts = list[int]  # how many digits were read right in no batch, the first, the first two, …


class Accuracies(NamedTuple):
    """The shares of the first `done` of `total` digits that are read right, 0…1."""

    whole: float
    without: float
    done: int
    total: int


@dataclass
class Comparison:
    """A network and an ablated one, each with what it made of the digits so far.

    Both read the same digits in the same order, which is random: in MNIST's test file those that
    are easy to read come first.
    """

    ablated: AblatedClassifier
    test: Dataset
    whole_counts: Counts
    counts: Counts

    def __post_init__(self) -> None:
        self._weights = self.ablated.whole.checkpoint.model.parameters.copy()
        self._order = np.random.default_rng(0).permutation(len(self.test.labels))

    @property
    def is_current(self) -> bool:
        """Whether the network still has the weights that are looked at; a training changes them."""
        return np.array_equal(self.ablated.whole.checkpoint.model.parameters, self._weights)

    def readers(self) -> tuple[Classifier, Classifier]:
        """Both networks, with layers and weights of their own: the window uses the others."""
        whole = self.ablated.whole
        model = copy.deepcopy(whole.checkpoint.model.replica())
        model.parameters[...] = self._weights
        reader = Classifier(whole.path, replace(whole.checkpoint, model=model))
        return reader, AblatedClassifier(reader, self.ablated.off)

    @property
    def _batches(self) -> int:
        return min(len(self.whole_counts), len(self.counts)) - 1

    @property
    def is_complete(self) -> bool:
        """Whether both have read everything."""
        return self._batches * BATCH >= len(self._order)

    @property
    def accuracies(self) -> Accuracies | None:
        """How both have done so far; None at first."""
        batches, total = self._batches, len(self._order)
        batches -= 0 if self.is_complete else batches % SHOWN_EVERY
        if not batches:
            return None
        done = min(batches * BATCH, total)
        whole, without = self.whole_counts[batches] / done, self.counts[batches] / done
        return Accuracies(whole, without, done, total)

    def read_on(self, readers: tuple[Classifier, Classifier]) -> None:
        """Let the readers read one more batch, both or the one that is behind."""
        start = self._batches * BATCH
        places = self._order[start : start + BATCH]
        for network, counts in zip(readers, (self.whole_counts, self.counts), strict=True):
            if (len(counts) - 1) * BATCH == start:
                counts.append(counts[-1] + self._right(network, places))

    def _right(self, network: Classifier, places: Array) -> int:
        read = network.probabilities(self.test.images[places]).argmax(axis=1)
        return int(np.sum(read == self.test.labels[places]))


class Accuracy:
    """Compares in a thread, one pair of networks at a time; keeps how far it came with each.

    `message` says why it failed.
    """

    def __init__(self) -> None:
        self.message = ""
        self._comparison: Comparison | None = None
        self._known: WeakKeyDictionary[Classifier, dict[frozenset[Unit], Counts]]
        self._known = WeakKeyDictionary()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def of(self, ablated: AblatedClassifier) -> Accuracies | None:
        """What is known of this network and its whole one; None until something is."""
        return self._comparison.accuracies if self._comparison and self._is_of(ablated) else None

    def is_over(self, ablated: AblatedClassifier) -> bool:
        """Whether no more will be known of these."""
        return self._is_of(ablated) and not self.is_at_work

    @property
    def is_at_work(self) -> bool:
        """Whether more will be known soon of the present pair."""
        comparison = self._comparison
        return comparison is not None and not (comparison.is_complete or self.message)

    def compare(self, ablated: AblatedClassifier, test: Dataset) -> None:
        """Read on with these from now on; call it again and again."""
        comparison = self._comparison
        is_outdated = comparison is not None and not comparison.is_current
        if comparison is not None and is_outdated:
            self._known.pop(comparison.ablated.whole, None)
        if is_outdated or not self._is_of(ablated):
            known = self._known.setdefault(ablated.whole, {})
            counts = (known.setdefault(off, [0]) for off in (frozenset[Unit](), ablated.off))
            self._comparison, self.message = Comparison(ablated, test, *counts), ""
        if self.is_at_work and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._work, daemon=True)
            try:
                self._thread.start()
            except RuntimeError as error:
                self._thread, self.message = None, str(error)

    def _is_of(self, ablated: AblatedClassifier) -> bool:
        return self._comparison is not None and self._comparison.ablated is ablated

    def stop(self) -> None:
        """Compare nothing, after the present batch."""
        self._comparison = None

    def close(self) -> None:
        """End the thread, after the present batch."""
        self._is_over = True
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        """The thread: whatever happens becomes a message."""
        try:
            former, readers = None, None  # let go of at the end: their buffers are large
            while (comparison := self._comparison) is not None and not self._is_over:
                if comparison.is_complete:
                    break
                if readers is None or former is not comparison:
                    former, readers = comparison, comparison.readers()
                comparison.read_on(readers)
        except MemoryError:
            self.message = "there is not enough memory"
        except Exception as error:
            self.message = f"{type(error).__name__}: {error}"
