"""The network tuned to the user's own digits, among those to choose from."""

from __future__ import annotations

from app.my_digits.my_digits import MyDigits
from app.session.ablation import Ablation
from app.session.messages import Line
from app.session.networks import NetworkList


class Tuned:
    """Brings what is learned from the user's digits into the list of networks."""

    def __init__(self, my_digits: MyDigits, networks: NetworkList, ablation: Ablation) -> None:
        self.my_digits = my_digits
        self.is_listing = False  # whether the digits are shown, and so to be read
        self._networks = networks
        self._ablation = ablation

    @property
    def is_at_work(self) -> bool:
        """Whether digits are being read or learned from."""
        return self.my_digits.is_at_work(self.is_listing)

    def load(self) -> Line | None:
        """Take up the user's digits and the network tuned to them, once."""
        if self.my_digits.is_loaded:
            return None
        said = self.my_digits.load()
        if not self.my_digits.is_loaded:
            return None
        self._use()
        return Line(said, 8) if said else None

    def poll(self) -> Line | None:
        """Read some of the digits that are shown; take over what has been learned."""
        line = self.load()
        if self.is_listing and self.my_digits.is_reading:
            self.my_digits.read_some()
        said = self.my_digits.poll()
        if said is None:
            return line
        self._use()
        tuned = self.my_digits.classifier
        if tuned is not None and self._networks.network is not tuned:
            said += f" · Tab chooses {tuned.name!r}"
        return Line(said, 8)

    def forget(self) -> Line | None:
        """Read with the shipped network again; the digits stay."""
        self.load()
        said = self.my_digits.forget()
        self._use()
        return Line(said)

    def close(self) -> None:
        """End what runs."""
        self.my_digits.close()

    def _use(self) -> None:
        before, shipped = self._networks.network, self.my_digits.shipped.path
        self._networks.use_tuned(self.my_digits.classifier, self.my_digits.tuned_path, shipped)
        self._ablation.hand_on(before, self._networks.network)
