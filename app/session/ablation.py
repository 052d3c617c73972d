"""Which units of a network are switched off, and what it reads without them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from app.session.counts import Count, Counts
from app.session.inspection import Inspection
from app.session.messages import Line
from app.session.predictor import Answer, Network, Predictor
from nn.inference.ablation import AblatedClassifier, Unit
from nn.inference.activations import Activations
from nn.inference.classifier import Classifier

AGAIN = "X switches it on again, Shift-X all"


class Accuracies(NamedTuple):
    """The shares of the first `done` of `total` test digits that are read right, 0…1."""

    whole: float
    without: float
    done: int
    total: int


class Ablation:
    """Switches units off, for each network by itself, until they are switched on again.

    What predicts is then the ablated network, a `Classifier` like any other. The network itself is
    not changed, and is the one that is listed in the table, trained, tuned and saved.
    """

    def __init__(self, predictor: Predictor, inspection: Inspection, counts: Counts) -> None:
        self._predictor = predictor
        self._inspection = inspection
        self._mnist, self._counts = counts.mnist, counts
        self._off: dict[tuple[Path, str], frozenset[Unit]] = {}
        self._view: AblatedClassifier | None = None

    def view(self, network: Network) -> Network:
        """The network as it is to predict: without its units that are off."""
        off = self._off_of(network)
        if not off or not isinstance(network, Classifier):
            return network
        view, temperature = self._view, network.checkpoint.temperature
        is_same = view is not None and view.whole is network and view.off == off
        # A training gives its network new weights in their place, and at its end a temperature.
        if view is None or not is_same or view.checkpoint.temperature != temperature:
            view = self._view = AblatedClassifier(network, off)
        return view

    @property
    def off(self) -> frozenset[Unit]:
        """The (layer, unit) that are off in the network that predicts."""
        network = self._predictor.network
        return network.off if isinstance(network, AblatedClassifier) else frozenset()

    @property
    def whole(self) -> Network:
        """The network that predicts, with all its units."""
        network = self._predictor.network
        return network.whole if isinstance(network, AblatedClassifier) else network

    @property
    def whole_answer(self) -> Answer | None:
        """What that one makes of the same drawing."""
        return self._predictor.answer_of(self.whole)

    @property
    def accuracies(self) -> Accuracies | None:
        """How well MNIST's test digits are read with and without the units that are off."""
        tallies = [count.tally for count in self._both]
        done = min((tally.done for tally in tallies), default=0)
        if not done:
            return None
        whole, without = (tally.accuracy(done) for tally in tallies)
        return Accuracies(whole, without, done, tallies[0].total)

    @property
    def _both(self) -> list[Count]:
        """What the whole network and the ablated one make of the digits; none before both begin."""
        counts = [self._counts.of(network) for network in self._compared]
        begun = [count for count in counts if count is not None]
        return begun if len(begun) == 2 else []

    @property
    def _compared(self) -> list[Network]:
        network = self._predictor.network
        return [network.whole, network] if isinstance(network, AblatedClassifier) else []

    @property
    def line(self) -> str:
        """How many units are off, and what that costs; "" with none."""
        if not self.off:
            return ""
        return f"{len(self.off)} off · {self._accuracy_words()}"

    def _accuracy_words(self) -> str:
        if self._mnist.is_missing:
            return "accuracy unknown: MNIST is not on this computer"
        if message := next((count.message for count in self._both if count.message), ""):
            return f"accuracy unknown: {message}"
        if self.accuracies is None:
            return "MNIST …"
        whole, without, done, total = self.accuracies
        decimals = 1 if f"{100 * whole:.1f}" != f"{100 * without:.1f}" else 2
        words = f"MNIST {100 * whole:.{decimals}f} → {100 * without:.{decimals}f} %"
        return words if done == total else f"{words} after {done:,} digits"

    def switch(self, unit: Unit | None = None) -> Line:
        """Switch a unit off, or on again: this one, or the one that is looked at, if any."""
        unit = unit or self._inspection.looked_at
        network, activations = self.whole, self._inspection.stages
        if unit is None or not isinstance(network, Classifier):
            return Line("Draw a digit first; then X switches off the framed part")
        layer = activations[unit[0]]
        name = unit_name(layer, unit[1])
        off = self._off_of(network) ^ {unit}
        if layer.is_last and {(unit[0], digit) for digit in range(len(layer.values))} <= off:
            return Line("One digit must stay on")
        self._set(network, off)
        self._inspection.unit = unit  # also where the answer, and its logit, is another now
        if unit not in off:
            return Line(f"{name} is on again")
        if layer.is_last:
            return Line(f"{name} is off, and the others share its probability · {AGAIN}", 6)
        return Line(f"{name} is off and gives 0 · {AGAIN}", 6)

    def restore(self) -> Line:
        """Switch all units of the network on again."""
        if not self.off:
            return Line("Nothing is off: X switches off the framed part")
        self._set(self.whole, frozenset())
        return Line("All units are on again")

    def hand_on(self, before: Network, after: Network) -> None:
        """What was off in a network is off in the one that takes its place, tuned or not."""
        off = self._off_of(before)
        if before is not after and off and _architecture(before) == _architecture(after):
            self._off[_key(after)] = off

    @property
    def is_at_work(self) -> bool:
        """Whether the accuracy is being found out, or soon will be."""
        both = self._both
        is_over = bool(both) and all(count.is_over and not count.is_stale for count in both)
        return bool(self.off) and not (self._mnist.is_missing or is_over)

    def poll(self) -> None:
        """Go on finding out the accuracy of what predicts now."""
        if self.off and self._mnist.state == "unknown":
            self._mnist.load()
        self._counts.read(self, self._compared)

    def close(self) -> None:
        """Nothing to end here: the counts are a part of their own."""

    def _set(self, network: Network, off: frozenset[Unit]) -> None:
        """Let these units be off in the network that predicts; an answer follows at once."""
        self._off[_key(network)] = off
        self._counts.drop_useless()
        self._predictor.network = self.view(network)
        if self._predictor.answer is not None:
            self._predictor.predict_now()

    def _off_of(self, network: Network) -> frozenset[Unit]:
        return self._off.get(_key(network), frozenset())


def unit_name(layer: Activations, unit: int) -> str:
    """What a unit is called."""
    if layer.is_last:
        return f"Digit {unit}"
    return f"{'Map' if layer.values.ndim == 3 else 'Neuron'} {unit + 1}"


def _key(network: Network) -> tuple[Path, str]:
    """By its file, which stays the same where the network is tuned or loaded anew."""
    return getattr(network, "path", Path()), _architecture(network)


def _architecture(network: Network) -> str:
    return repr(network.checkpoint.architecture) if isinstance(network, Classifier) else ""
