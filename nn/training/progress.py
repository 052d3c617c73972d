"""What a training shows of itself while it runs, and how Ctrl-C ends it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from nn.support.commands import duration
from nn.training.learner import Callback, Learner


class Progress(Callback):
    """A bar that grows with the batches, and a line for each complete epoch."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def after_batch(self, learner: Learner) -> None:
        """Move the bar; tqdm itself sees to it that this is cheap."""
        if self._bar is None:
            self._bar = tqdm(
                total=learner.dataloaders.train.size,
                desc=f"epoch {learner.epoch + 1}/{learner.epochs}",
                unit=" images",
                unit_scale=True,
                leave=False,
                disable=None,  # no bar where standard error is not a terminal
                file=sys.stderr,
            )
        bar, running = self._bar, learner.running
        if not bar.disable:
            bar.set_postfix_str(
                f"loss {running.loss:.4f}, accuracy {100 * running.metric:.2f} %", refresh=False
            )
        bar.update(running.images - bar.n)

    def after_validation(self, learner: Learner) -> None:
        """Replace the bar by the epoch's line."""
        self.after_fit(learner)
        epoch = learner.history[-1]
        line = (
            f"epoch {epoch.number:>3}/{learner.epochs}  "
            f"loss {epoch.train_loss:.4f}  accuracy {100 * epoch.train_accuracy:5.2f} %"
        )
        if epoch.validation_loss is not None and epoch.validation_accuracy is not None:
            line += (
                f"  validation {epoch.validation_loss:.4f}  "
                f"{100 * epoch.validation_accuracy:5.2f} %"
            )
        rate = learner.dataloaders.train.size / epoch.seconds
        line += f"  {epoch.seconds:.1f} s  {rate:,.0f} images/s"
        if seconds_left := epoch.seconds * (learner.epochs - epoch.number):
            line += f"  {duration(seconds_left)} left"
        print(line, flush=True)

    def after_fit(self, learner: Learner) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@contextlib.contextmanager
def ending_at_ctrl_c(learner: Learner) -> Iterator[None]:
    """Within the block, Ctrl-C ends the training after the present batch, and a second one at once.

    As an exception it may come where Python swallows it, while an object is being deleted.
    """
    usual = signal.getsignal(signal.SIGINT)

    def end(*_: object) -> None:
        learner.stop = learner.interrupted = True
        signal.signal(signal.SIGINT, usual)
        print("ending after this batch; Ctrl-C again ends at once", file=sys.stderr)

    # A shell's background job is not to hear it, and only the main thread can.
    heard = usual == signal.default_int_handler
    if not heard or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
