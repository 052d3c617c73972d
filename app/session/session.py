"""What the program is doing: the drawing, the networks, what is open, and the commands on them.

A `Session` knows no window. The controller calls its commands, the painter shows its state, and
whoever runs the window does what is in `window_requests`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from app.drawing.canvas import Canvas, Kind
from app.drawing.strokes import DIGITS, RecordedDigit, strokes_of
from app.session.commands import HINTS
from app.session.demonstration import Demonstration
from app.session.mnist import Mnist
from app.session.networks import NetworkList
from app.session.predictor import Answer, Network, Predictor, read
from app.window.controller import Controller
from app.window.geometry import Tiles
from app.window.layout import Layout, Panel, lay_out, lay_out_inside
from nn.handwriting.framing import SIZE, Framing
from nn.inference.classifier import Classifier, load_classifier
from nn.inference.inspection import (
    Activations,
    Contributions,
    activations_of,
    attribution,
    strongest_contributions,
)
from nn.support.errors import DigitpadError
from nn.support.types import Array

if TYPE_CHECKING:
    from app.my_digits.my_digits import MyDigits
    from app.my_digits.profile import OwnDigit
    from app.session.training import Training

WINDOW_SIZE = (960, 640)
MESSAGE_SECONDS = 4.0
GLIDE_SECONDS = 0.45
POLL_SECONDS = 0.1  # between two looks at what runs in the background
LISTED = 8  # drawings in the list

Overlay = Literal["help", "open", "mine"]


class SavedAs(NamedTuple):
    """Which of the user's digits the drawing is, as long as nobody has changed it."""

    key: str
    version: int  # the drawing's
    is_new: bool  # kept from this canvas, and not opened from the list


class Session:
    """The canvas, the predictor, the networks and who moves the pen: all but the window itself.

    `panel` and `overlay` say what is open; `message` is a short message that vanishes by itself;
    `label` is what the digit on the canvas truly is, where that is known. `seed` makes repeatable
    which test digits N shows and how a training begins.
    """

    def __init__(
        self,
        network: Network,
        interval: float = 1.0,
        size: tuple[int, int] = WINDOW_SIZE,
        digits: Sequence[RecordedDigit] = (),
        clock: Callable[[], float] = time.monotonic,
        folders: Sequence[Callable[[], Path]] = (),
        data_dir: Path | None = None,
        theme: str = "dark",
        drawings: Path | None = None,
        my_digits: MyDigits | None = None,
        is_rejected: Callable[[Array], Array] | None = None,
        seed: int | None = None,
    ) -> None:
        self.clock = clock
        self.canvas = Canvas()
        self.predictor = Predictor(network, self.canvas, interval, clock, is_rejected)
        self.networks = NetworkList(network, folders)
        self.mnist = Mnist(data_dir)
        self.training: Training | None = None
        self._asked: Training | None = None  # the one that T would throw away, as the user knows
        self.size = self.window_size = size  # the latter is what full screen goes back to
        self.panel: Panel = "answer"
        self.overlay: Overlay | None = None
        self.theme = theme
        self.is_why = False
        self.digit: int | None = None  # the one that is explained; None for the answer
        self.unit: tuple[int, int] | None = None  # (stage, unit) that is looked at inside
        self.hover: str | None = None  # the button under the pointer, by its command
        self.focus: str | None = None  # the button that Enter presses
        self.pen: tuple[float, float] | None = None  # the keyboard's, in cells
        self.message = ""
        self.answers: list[Answer | None] = []  # by place on the shelf; None where not shown
        self.activations: list[Activations] = []
        self.contributions: Contributions | None = None
        self.attribution: Array | None = None  # (28, 28) in the framed image
        self.inspection_version = 0  # grows whenever stages, inputs and evidence are made anew
        self.saved: list[Path] = []  # the newest drawings, as the list shows them
        self.saved_in_all = 0
        self.row = 0  # the marked row of the list, or the marked one of the user's digits
        self.my_digits = my_digits
        self.quit_wanted = False
        self.user_took_over = False  # whether the user has done anything to the drawing
        self.window_requests: list[str] = []
        self.version = 0  # grows with whatever is shown, apart from the drawing and the answer
        self.rng = np.random.default_rng(seed)  # picks test digits, begins trainings
        self._drawings = drawings
        self._saved_as: SavedAs | None = None
        self.changes: list[tuple[int, OwnDigit]] = []  # in the list: place, and what was there
        self._changed_at: int | None = None  # the drawing's version then, if that was the last act
        self._label: tuple[int, int] | None = None  # the label, and the drawing's version it is of
        self._message_end = 0.0
        self._glide_start: float | None = None
        self._read: Answer | None = None  # the answer that everything else was made of
        self._next_poll = clock() + 0.3  # the other networks come after the first frame
        self._after_loading: list[Callable[[], None]] = []  # what waits for MNIST
        self._layout: tuple[Any, Layout] | None = None
        self.controller = Controller(self)
        self.demonstration: Demonstration | None = None
        if digits:
            self.demonstration = Demonstration(digits, self.canvas, self.predictor, clock)

    # What is shown

    @property
    def network(self) -> Network:
        """The network that reads: the chosen one, or the one that is being trained."""
        if self.training is not None and self.panel == "training":
            return self.training.classifier
        return self.networks.network

    @property
    def layout(self) -> Layout:
        """Where everything is, for the present size and panel."""
        key = (self.size, self.panel, len(self.networks.entries))
        if self._layout is None or self._layout[0] != key:
            self._layout = (key, lay_out(*self.size, self.panel, len(self.networks.entries)))
        return self._layout[1]

    @property
    def label(self) -> int | None:
        """What the digit on the canvas truly is, as long as nobody has changed it."""
        if self._label is None or self._label[1] != self.canvas.version:
            return None
        return self._label[0]

    @property
    def explained(self) -> int | None:
        """The digit whose evidence is shown."""
        answer = self.predictor.answer
        return self.digit if self.digit is not None else answer.digit if answer else None

    @property
    def glide(self) -> float:
        """How far the drawing has glided into its frame: 0 as drawn … 1 framed."""
        if self._glide_start is None:
            return 1.0
        return min(1.0, (self.clock() - self._glide_start) / GLIDE_SECONDS)

    @property
    def looked_at(self) -> tuple[int, int] | None:
        """The stage and unit whose inputs are shown: the chosen ones, or the answer's logit."""
        if not self.activations:
            return None
        if self.unit is not None:
            layer, unit = self.unit
            if layer < len(self.activations) and unit < len(self.activations[layer].values):
                return self.unit
        return len(self.activations) - 1, self.explained or 0

    def inside_tiles(self) -> list[Tiles]:
        """Where the units of each stage are."""
        layout = self.layout
        return lay_out_inside(layout.body, layout.text, [shown_shape(s) for s in self.activations])

    def rows(self) -> range:
        """The places on the shelf that the table shows, the chosen one among them."""
        shown = max(0, len(self.layout.table) - 1)
        first = min(max(0, self.networks.chosen - shown + 1), len(self.networks.entries) - shown)
        return range(first, first + shown)

    def hint(self) -> str:
        """The line at the bottom: a message, what a button does, or how to begin."""
        if self.message:
            return self.message
        for name in (self.hover, self.focus):
            if name in HINTS:
                return HINTS[name]
        answer = self.predictor.answer
        if self.my_digits is not None and answer is not None:
            question = "wrong?" if answer.is_digit else "a digit after all?"
            return f"{question} press the digit it is · H shows all keys"
        return "left draws · right erases · H shows all keys · Esc quits"

    # What is due

    def update(self) -> None:
        """Do what is due: the demonstration's next points, unless the user took over; a reading."""
        if self.demonstration is not None:
            if not self.user_took_over:
                self.demonstration.update()
            if self.user_took_over or self.demonstration.finished:
                self.demonstration = None
        self.predictor.update()
        now = self.clock()
        if now >= self._message_end and self.message != self._standing:
            self.message = self._standing
            self.version += 1
        if now >= self._next_poll:
            self._next_poll = now + POLL_SECONDS
            self.poll_background()
        if self._read is not self.predictor.answer:
            self._follow_prediction()

    def seconds_until_due(self) -> float | None:
        """How long `update` would have nothing to do; None if that is for ever."""
        now = self.clock()
        waits = [self.predictor.seconds_until_due()]
        if self.demonstration is not None:
            waits.append(self.demonstration.seconds_until_due())
        if self.message != self._standing:
            waits.append(max(0.0, self._message_end - now))
        is_learning = self.training is not None and (
            self.training.is_running or self.training.has_news
        )
        is_tuning = self.my_digits is not None and (
            self.my_digits.is_busy
            or not self.my_digits.is_loaded
            or (self.overlay == "mine" and self.my_digits.is_reading)
        )
        is_loading = not self.networks.is_complete or self.mnist.is_busy or self._after_loading
        if is_loading or is_learning or is_tuning:
            waits.append(max(0.0, self._next_poll - now))
        return min((wait for wait in waits if wait is not None), default=None)

    def settle(self) -> None:
        """Finish at once what would come by and by: demonstration, loading, reading, gliding."""
        if self.demonstration is not None:
            self.demonstration.finish()
        while not self.networks.is_complete:
            self.networks.load_next()
        self.predict_now()
        self._glide_start = None

    def close(self) -> None:
        """End what runs in the background."""
        if self.training is not None:
            self.training.end()
        if self.my_digits is not None:
            self.my_digits.close()

    def resize(self, size: tuple[int, int]) -> None:
        """The window has another size, in which the table may show other networks, or be there."""
        shown = bool(self.layout.table), self.rows()
        self.size = size
        if shown != (bool(self.layout.table), self.rows()):
            self._answer_all()
        self.version += 1

    def predict_now(self) -> None:
        """Read the drawing with the present network, without waiting."""
        self.predictor.network = self.network
        self.predictor.predict_now()
        self._follow_prediction(glide=False)

    def poll_background(self) -> None:
        """See how far the background has come."""
        if not self.networks.is_complete and self.networks.load_next():
            self._answer_all()
            self.version += 1
        if self.my_digits is not None:
            self._poll_my_digits(self.my_digits)
        if self.mnist.is_busy:
            self.version += 1
        elif self._after_loading:
            waiting, self._after_loading = self._after_loading, []
            self.message = ""  # that it is loading
            self.version += 1
            for then in waiting:
                then() if self.mnist.state == "ready" else self._complain()
        if self.training is not None and self.training.refresh():
            self.version += 1
            is_answered = self.predictor.answer is not None and not self.canvas.is_drawing
            if self.panel == "training" and is_answered:
                self.predict_now()

    def _follow_prediction(self, glide: bool = True) -> None:
        """Bring all that is shown of a reading up to date with the answer."""
        is_new = self._read is None
        self._read = self.predictor.answer
        self._glide_start = self.clock() if glide and self._read is not None else None
        if self._read is None or is_new:
            self.digit = None
        self._answer_all()
        self.refresh_explanation()
        self.version += 1

    def _answer_all(self) -> None:
        """What each network makes of the drawing that the table shows."""
        framing, answer = self.predictor.framing, self.predictor.answer
        if not self.layout.table:
            self.answers = []
            return
        shown = self.rows()
        self.answers = [
            None
            if framing is None or index not in shown
            else answer
            if entry.network is self.predictor.network
            else read(entry.network, framing.image, answer is None or answer.is_digit)
            for index, entry in enumerate(self.networks.entries)
        ]

    def refresh_explanation(self) -> None:
        """The stages and the evidence, where they are asked for."""
        framing, network = self.predictor.framing, self.network
        self.activations, self.contributions, self.attribution = [], None, None
        self.inspection_version += 1
        if framing is None or not isinstance(network, Classifier):
            return
        model = network.checkpoint.model
        if self.panel == "inside":
            self.activations = activations_of(model, framing.image)
            if self.looked_at is not None:
                self.contributions = strongest_contributions(self.activations, *self.looked_at)
        explained = self.explained
        if self.is_why and explained is not None:
            self.attribution = attribution(model, framing.image, explained)

    # Commands

    def do(self, command: str, back: bool = False) -> None:
        """Do what a button or a key of this name stands for; `back` is Shift."""
        if command == "network":
            self.next_network(-1 if back else 1)
        else:
            getattr(self, command.replace(" ", "_"))()
        self.version += 1

    def say(self, text: str, seconds: float = MESSAGE_SECONDS) -> None:
        """Show a short message at the bottom for some seconds."""
        self.message, self._message_end = text, self.clock() + seconds
        self.version += 1

    @property
    def _standing(self) -> str:
        """The message that stands where no other does."""
        return self.my_digits.progress if self.my_digits is not None else ""

    def clear(self) -> None:
        """Blank paper and no answer, at once; a stroke under way ends."""
        self.take_over()
        self.canvas.clear()
        self.predictor.reset()

    def undo(self) -> None:
        """Take back the last stroke, or what was done last to the user's own digits."""
        self.take_over()
        if self._undoes_change or self.overlay == "mine":
            self.undo_change()
        elif self.my_digits is not None and self.saved_as is not None and self.saved_as.is_new:
            self._take_back(self.my_digits, self.saved_as.key)
        elif self.canvas.undo():
            self.predict_now()  # or the answer would be another drawing's for a second
        else:
            self.say("Nothing to undo")

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would do anything."""
        return self.canvas.can_undo or self._undoes_change

    @property
    def _undoes_change(self) -> bool:
        return bool(self.changes) and self._changed_at == self.canvas.version

    def redo(self) -> None:
        """Do again what was taken back."""
        self.take_over()
        if self.canvas.redo():
            self.predict_now()
        else:
            self.say("Nothing to redo")

    def take_over(self) -> None:
        """The user takes the pen: a stroke under way ends, and a demonstration too."""
        self.controller.release_pointer()
        self.user_took_over = True

    def change_brush(self, steps: int) -> None:
        """A thinner or thicker brush, from the next stroke on."""
        self.say(f"Brush {self.canvas.change_brush(steps):g} ×")

    def next_network(self, steps: int) -> None:
        """Choose the next network on the shelf; where it has no room yet, show the table first."""
        if self.panel in ("inside", "training") or self.layout.table:
            self.choose_network(self.networks.chosen + steps)
        else:
            self.open_panel("networks")
            self.say("Tab again for the next network, Esc for the bars")

    def choose_network(self, index: int) -> None:
        """Let another network read, at once."""
        if self.panel == "training":
            self.open_panel("answer")
        self.networks.choose(index)
        self.unit = None
        self._answer_anew()

    def _answer_anew(self) -> None:
        """Another network may be the one that reads: an answer that is shown must be its own."""
        self.predictor.network = self.network
        if self.predictor.answer is not None:
            self.predict_now()
        self.version += 1

    def open_panel(self, panel: Panel) -> None:
        """Show a panel in place of the present one."""
        former = self.network
        self.panel = panel
        self.focus = None
        self.predictor.network = self.network
        if self.network is not former and self.predictor.answer is not None:
            self.predict_now()
        else:
            self._answer_all()
            self.refresh_explanation()
        self.version += 1

    def inside(self) -> None:
        """See into the network, or back to the bars."""
        self.open_panel("answer" if self.panel == "inside" else "inside")

    def look_at(self, layer: int, unit: int) -> None:
        """Show one unit's strongest inputs."""
        self.unit = layer, unit
        self.refresh_explanation()
        self.version += 1

    def step_unit(self, activations: int, units: int) -> None:
        """Look at another unit, by keys."""
        if self.looked_at is None:
            return
        former = self.looked_at
        layer = min(max(former[0] + activations, 0), len(self.activations) - 1)
        count = len(self.activations[layer].values)
        unit = (former[1] + units) % count if units else min(former[1], count - 1)
        self.look_at(layer, unit)

    def why(self) -> None:
        """Show what speaks for and against the digit, or no longer."""
        self.is_why = not self.is_why
        if self.is_why and self.predictor.answer is None:
            self.say("Draw a digit to see which of its ink speaks for it and against it")
        self.refresh_explanation()

    def explain(self, digit: int) -> None:
        """Show what speaks for and against another digit."""
        self.digit = digit % DIGITS
        self.is_why = True
        if self.predictor.answer is not None:
            self.say(f"Why {self.digit}: orange speaks for it, blue against it")
        self.refresh_explanation()
        self.version += 1

    def help(self) -> None:
        """Show all keys, or no longer."""
        self.overlay = None if self.overlay == "help" else "help"

    def switch_theme(self) -> None:
        """Light or dark."""
        self.theme = "light" if self.theme == "dark" else "dark"
        self.version += 1

    def leave(self) -> None:
        """Close what is open; with nothing open, quit."""
        if self.overlay is not None:
            self.overlay = None
        elif self.focus is not None or self.pen is not None:
            self.focus = self.pen = None
            self.take_over()
        elif self.panel != "answer":
            self.open_panel("answer")
        elif self.is_why:
            self.why()
        else:
            self.quit_wanted = True
        self.version += 1

    # The user's own digits

    def correct(self, label: int) -> None:
        """The drawing is a `label`: keep it and learn from it. Over the list, relabel its digit."""
        self.take_over()
        if self.my_digits is None:
            return self.say("There is no profile to keep digits in")
        if self.overlay == "mine":
            return self._change_marked(lambda my_digits, key: self._relabel(my_digits, key, label))
        if self.overlay is not None:
            return None
        if self.canvas.is_blank:
            return self.say(f"Draw a digit first; then {label} says that it is one")
        self._load_my_digits(self.my_digits)
        self._changed_at = None
        saved_as = self.saved_as
        if saved_as is not None and (
            self._relabel(self.my_digits, saved_as.key, label) or self.my_digits.has(saved_as.key)
        ):
            return None
        # It is not kept, or was deleted since.
        key, said = self.my_digits.correct(label, self.canvas.strokes)
        if key is not None:
            self._saved_as = SavedAs(key, self.canvas.version, is_new=True)
            self._label = label, self.canvas.version
        return self.say(said, 6)

    @property
    def saved_as(self) -> SavedAs | None:
        """Which of the user's digits the drawing is, as long as nobody has changed it."""
        saved_as = self._saved_as
        if saved_as is None or saved_as.version != self.canvas.version:
            return None
        return saved_as if self.my_digits is not None and self.my_digits.has(saved_as.key) else None

    def _relabel(self, my_digits: MyDigits, key: str, label: int) -> bool:
        """Say that one of the user's digits is a `label`; returns whether it is one now."""
        is_done, said = my_digits.relabel(key, label)
        self._follow_digits()
        self.say(said)
        return is_done

    def _follow_digits(self) -> None:
        """The drawing's label is that of the digit it was kept as, and none where that is gone."""
        if self._saved_as is not None and self._saved_as.version == self.canvas.version:
            digits = self.my_digits.digits if self.my_digits is not None else ()
            labels = [own.digit.label for own in digits if own.key == self._saved_as.key]
            self._label = (labels[0], self.canvas.version) if labels else None

    def _take_back(self, my_digits: MyDigits, key: str, done: str = "Taken back") -> None:
        """Delete one of the user's digits."""
        _, said = my_digits.take_back(key, done)
        self._follow_digits()
        self.say(said)

    @property
    def marked(self) -> str | None:
        """The key of the digit that is marked in the list of the user's own."""
        digits = self.my_digits.digits if self.my_digits is not None else ()
        return digits[self.row].key if 0 <= self.row < len(digits) else None

    def mine(self) -> None:
        """Show the user's own digits, or no longer."""
        if self.my_digits is None:
            return self.say("There is no profile to keep digits in")
        if self.overlay == "mine":
            self.overlay = None
            return None
        self.say("", 0)  # of what the card covers; its own messages stand on it
        self._load_my_digits(self.my_digits)
        if said := self.my_digits.refresh():
            self.say(said, 8)
        self.my_digits.read_some()
        self.overlay, self.row = "mine", max(0, len(self.my_digits.digits) - 1)
        return None

    def remove_marked(self) -> None:
        """Delete the marked one of the user's digits."""
        self._change_marked(lambda my_digits, key: self._take_back(my_digits, key, "Deleted"))

    def _change_marked(self, change: Callable[[MyDigits, str], object]) -> None:
        """Change the marked digit; it, or else the next one that is there, is the marked one then.

        Its place may be another afterwards: what another window did shows at the same time.
        """
        my_digits, key = self.my_digits, self.marked
        if my_digits is None or key is None:
            return
        wanted = [own.key for own in my_digits.digits[self.row :]]
        place, before = self.row, my_digits.digits[self.row]
        change(my_digits, key)
        if before not in my_digits.digits:
            self.changes.append((place, before))
            self._changed_at = self.canvas.version
        keys = [own.key for own in my_digits.digits]
        self.row = next((keys.index(key) for key in wanted if key in keys), max(0, len(keys) - 1))

    def undo_change(self) -> None:
        """Take back the last change of the list: a digit is there again, as it was."""
        if self.my_digits is None or not self.changes:
            return self.say("Nothing to undo")
        place, own = self.changes[-1]
        is_done, said = self.my_digits.put(own, place)
        if is_done:
            self.changes.pop()
            self._follow_digits()
            keys = [each.key for each in self.my_digits.digits]
            self.row = keys.index(own.key) if own.key in keys else self.row
        return self.say(said)

    def open_marked(self) -> None:
        """Put the marked one of the user's digits on the canvas."""
        if self.my_digits is not None and self.marked is not None:
            own = self.my_digits.digits[self.row]
            self.take_over()
            self.overlay = None
            self.canvas.show_strokes(strokes_of(own.digit))
            self._saved_as = SavedAs(own.key, self.canvas.version, is_new=False)
            self._label = own.digit.label, self.canvas.version
            self.predict_now()

    def forget(self) -> None:
        """Read with the shipped network again; the digits stay."""
        if self.my_digits is not None:
            self._load_my_digits(self.my_digits)
            self.say(self.my_digits.forget())
            self._use_tuned(self.my_digits)

    def _load_my_digits(self, my_digits: MyDigits) -> None:
        if not my_digits.is_loaded:
            if said := my_digits.load():
                self.say(said, 8)
            self._use_tuned(my_digits)

    def _poll_my_digits(self, my_digits: MyDigits) -> None:
        self._load_my_digits(my_digits)
        if self.overlay == "mine" and my_digits.is_reading and my_digits.read_some():
            self.version += 1
        said = my_digits.poll()
        if said is not None:
            self._use_tuned(my_digits)
            if (
                my_digits.classifier is not None
                and self.networks.network is not my_digits.classifier
            ):
                said += f" · Tab chooses {my_digits.classifier.name!r}"
            self.say(said, 8)

    def _use_tuned(self, my_digits: MyDigits) -> None:
        """Put the tuned network on the shelf, where the shipped one or an older one was chosen."""
        path, shipped = my_digits.profile.tuned_path(my_digits.shipped.name), my_digits.shipped.path
        before = self.networks.network
        file = self.networks.entries[self.networks.chosen].file
        was_chosen = file is not None and file in (path.resolve(), shipped.resolve())
        self.networks.remove(path)
        if my_digits.classifier is not None:
            self.networks.add(my_digits.classifier)
            if not was_chosen:
                self.networks.choose_network(before)
        elif was_chosen:
            self.networks.choose_file(shipped)
        self._answer_anew()

    # MNIST and training

    def test_digit(self) -> None:
        """Show a random digit of MNIST's test file, with its label."""
        self.take_over()
        if self.mnist.state != "ready":
            return self._need_mnist(self.test_digit)
        found = self.mnist.random_test_digit(self.rng)
        if found is not None:
            self.canvas.show_picture(found[0])
            self._label = found[1], self.canvas.version
            self.predict_now()
            self.say(f"A digit of MNIST's test file; its label is {found[1]}")
        return None

    def train(self) -> None:
        """Open the training and start it; there, stop or continue it, or fetch the data it needs.

        Nothing is downloaded unasked: the panel offers it first.
        """
        if self.panel != "training":
            self.open_panel("training")
            if self.training is not None or self.mnist.state in ("missing", "failed"):
                return
        if self.mnist.state in ("missing", "failed"):
            self.mnist.download()
            self._after_loading = [self._start_training]
            self.say("Downloading MNIST …")
        elif self.mnist.state != "ready":
            self._need_mnist(self._start_training)
        elif self.training is None:
            self._start_training()
        elif self.training.is_running:
            self.training.stop()
        elif self.training.state == "stopped":
            self.training.go_on()
        elif self.training.state == "finished" and self._asked is not self.training:
            self._asked = self.training
            self.say("K keeps this network; T again throws it away and trains another", 8)
        else:
            self.discard()
            self._start_training()

    def _start_training(self) -> None:
        if self.training is not None:  # T was pressed again just before this came from the queue
            return

        from app.session.training import Training  # only now: the first frame does not need it

        network = self.networks.network
        if self.mnist.train is None:
            self._complain()
        elif not isinstance(network, Classifier):
            self.say("This network cannot be trained here")
        elif self.panel == "training":
            own = network.checkpoint
            seed = int(self.rng.integers(2**31))
            self.training = Training(own.name, own.architecture, self.mnist.train, seed=seed)
            self.predict_now()

    def keep(self) -> None:
        """Save the trained network among the user's own, and choose it."""
        if self.training is None:
            return self.say("Nothing has been trained yet: T trains")
        from app.session.networks import users_networks

        self.training.stop()
        try:
            classifier = self.training.save(users_networks())
        except DigitpadError as error:
            return self.say(str(error))
        self.training.end()
        self.training = None
        self.networks.add(classifier)
        self.open_panel("answer")
        return self.say(f"Kept as {classifier.path}")

    def discard(self) -> None:
        """Throw the trained network away, where it is seen."""
        if self.training is not None and self.panel != "training":
            self.say("T shows the training; there X throws it away")
        elif self.training is not None:
            self.training.end()
            self.training = None
            self.say("Thrown away; the networks are as they were")
        self._answer_anew()

    def _need_mnist(self, then: Callable[[], None]) -> None:
        if self.mnist.state in ("missing", "failed"):
            return self._complain()
        self.say("Loading MNIST …")
        self.mnist.load()
        if then not in self._after_loading:
            self._after_loading.append(then)
        return None

    def _complain(self) -> None:
        if self.mnist.state == "missing":
            offers = "downloads it" if self.panel == "training" else "offers to download it"
            self.say(f"MNIST is not on this computer; T {offers} (12 MB)", 8)
        else:
            self.say(self.mnist.message or "MNIST is not there", 8)

    # Files

    @property
    def drawings(self) -> Path:
        """The folder that drawings are saved in."""
        if self._drawings is None:
            from app.drawing.drawings import users_drawings

            self._drawings = users_drawings()
        return self._drawings

    def save(self) -> None:
        """Save the drawing."""
        from app.drawing.drawings import save_drawing

        self.controller.release_pointer()
        if self.canvas.is_blank:
            return self.say("There is nothing to save yet")
        self.predict_now()
        answer = self.predictor.answer
        assert answer is not None  # there is ink
        label = answer.digit if self.label is None else self.label
        try:
            written = save_drawing(self.canvas, self.drawings, label)
        except DigitpadError as error:
            return self.say(str(error))
        return self.say(" and ".join([f"Saved {written[0]}", *(p.suffix for p in written[1:])]))

    def open(self) -> None:
        """List the saved drawings, or no longer."""
        from app.drawing.drawings import saved_drawings

        if self.overlay == "open":
            self.overlay = None
            return None
        try:
            found = saved_drawings(self.drawings)
        except DigitpadError as error:
            return self.say(str(error), 8)
        self.saved, self.saved_in_all, self.row = found[:LISTED], len(found), 0
        self.overlay = "open"
        return None

    def open_row(self, row: int) -> None:
        """Load a drawing of the list."""
        self.overlay = None
        if 0 <= row < len(self.saved):
            self.open_file(self.saved[row])

    def open_file(self, path: Path) -> None:
        """Load a drawing, strokes, a picture or a network."""
        from app.drawing.drawings import load_drawing

        self.take_over()
        self.overlay = None
        # Opening a pipe would wait for ever. Not `Path.exists`, which raises for too long a name.
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            return self.say(f"{path.name} is a folder or a device; expected a file", 8)
        try:
            if path.suffix.lower() == ".npz":
                self.networks.add(load_classifier(path))
                self.choose_network(self.networks.chosen)
                return self.say(f"Network {self.networks.network.name} from {path.name}")
            label = load_drawing(path, self.canvas)
        except DigitpadError as error:
            return self.say(str(error), 8)
        self._label = None if label is None else (label, self.canvas.version)
        self.predict_now()
        return self.say(f"Opened {path.name}")

    # The keyboard's pen and focus

    def move_pen(self, dx: float, dy: float) -> None:
        """Move the keyboard's pen by so many cells, drawing if it is down."""
        x, y = self.pen or (SIZE / 2, SIZE / 2)
        self.pen = min(max(x + dx, 0.5), SIZE - 0.5), min(max(y + dy, 0.5), SIZE - 0.5)
        self.focus = None
        if self.canvas.is_drawing:
            self.canvas.extend(*self.pen)
        self.version += 1

    def tap_pen(self, kind: Kind = "draw") -> None:
        """Set the keyboard's pen or eraser down, or lift it."""
        if self.canvas.is_drawing:
            self.take_over()
        else:
            self.take_over()
            self.pen = self.pen or (SIZE / 2, SIZE / 2)
            self.canvas.begin(kind, *self.pen)
        self.version += 1

    def move_focus(self, steps: int) -> None:
        """Go on to the next button."""
        names = [*self.layout.training_buttons, *self.layout.buttons]
        names = list(dict.fromkeys(names))
        start = names.index(self.focus) if self.focus in names else (-1 if steps > 0 else 0)
        self.focus = names[(start + steps) % len(names)]
        self.version += 1


def shown_shape(layer: Activations) -> tuple[int, ...]:
    """The shape that a stage is shown with: weights as images where they are all it has."""
    if is_shown_by_weights(layer):
        return (len(layer.values), SIZE, SIZE)
    return layer.values.shape


def is_shown_by_weights(layer: Activations) -> bool:
    """Whether a stage's tiles are its weights: the ten logits straight from the image."""
    return layer.is_last and layer.weight_images() is not None


def on_canvas(image: Array, framing: Framing) -> Array:
    """What an image (28, 28) in the frame says about each cell of the canvas, (28, 28)."""
    cells = np.arange(SIZE) + 0.5
    x = cells * framing.scale + framing.shift[0] - 0.5
    y = cells * framing.scale + framing.shift[1] - 0.5
    return _weights(y) @ image @ _weights(x).T


def _weights(places: Array) -> Array:
    """Weights (n, 28) of linear interpolation at places in cells; 0 outside the image."""
    return np.maximum(1 - np.abs(places[:, None] - np.arange(SIZE)), 0)
