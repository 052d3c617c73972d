"""Erases and adds ink beside the window, to see what the network makes of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.session.predictor import Network, copy_of
from nn.support.errors import error_words
from nn.support.types import Array

if TYPE_CHECKING:
    from nn.inference.occlusion import OcclusionMap

Question = tuple[int, int | None]  # a digit, and the one that it is asked why it is not
SLICE_SECONDS = 0.006  # of the window's time, where there is no thread
BATCH, SMALL_BATCH = 32, 2  # images read at once, in a thread and in the window's time


class Erasing:
    """Answers one question after the other about what one network makes of one framed image.

    It works in a thread, with a copy of the network, for layers keep what they compute. A network
    that cannot be copied, or where no thread is to be had, works in the time of `go_on`, a little
    at each call. `maps` has the newest map of each question, and `error` why there are none.
    """

    def __init__(self, network: Network, image: Array) -> None:
        from nn.inference.occlusion import Occlusion  # only now: the first frame can do without

        self.maps: dict[Question, OcclusionMap] = {}
        self.error = ""
        self._done: set[Question] = set()
        self._question: Question | None = None
        reader = copy_of(network)
        self._has_thread = reader is not None
        read = (network if reader is None else reader).probabilities
        batch = SMALL_BATCH if reader is None else BATCH
        self._occlusion = Occlusion(read, image, batch)
        self._thread: threading.Thread | None = None
        self._steps = self._work()

    def ask(self, question: Question) -> None:
        """Work on this question from now on."""
        self._question = question

    def is_done(self, question: Question) -> bool:
        """Whether nothing more is to come to this question."""
        return bool(self.error) or question in self._done

    @property
    def is_at_work(self) -> bool:
        """Whether the question that it was asked is still open."""
        return self._question is not None and not self.is_done(self._question)

    @property
    def is_running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def go_on(self) -> None:
        """Let it work; it returns at once, or after a few milliseconds where there is no thread."""
        if not self.is_at_work or self.is_running:
            return
        if self._has_thread:
            thread = threading.Thread(target=self.finish, name="erasing", daemon=True)
            try:
                thread.start()
                self._thread = thread
            except RuntimeError:  # there are too many
                self._has_thread = False
        if not self._has_thread:
            self.finish(SLICE_SECONDS)

    def finish(self, seconds: float = float("inf")) -> None:
        """Answer the question here and now, in so much time; whatever happens becomes `error`."""
        end = time.perf_counter() + seconds
        try:
            while self.is_at_work and time.perf_counter() < end:
                next(self._steps)
        except Exception as error:
            self.error = error_words(error)

    def stop(self) -> None:
        """Let go of the question, after the present batch; waits for nothing."""
        self._question = None

    def wait(self) -> None:
        """Wait until the thread is done."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> Iterator[None]:
        """Work on the question that is asked at each moment, a batch of images at a time."""
        while True:
            question = self._question
            if question is not None and question not in self._done:
                for found in self._occlusion.maps(*question):
                    if found is not None:
                        self.maps[question] = found
                    yield
                    if self._question != question:
                        break
                else:
                    self._done.add(question)
            yield
