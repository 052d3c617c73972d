"""What a session has running in the background."""

from __future__ import annotations

from typing import Protocol

from app.session.messages import Line


class Part(Protocol):
    """Something that works beside the window, in a thread or a little at a time.

    The session asks it again and again, and knows nothing else of it. The window shows what came of
    it when the part's state is another.
    """

    @property
    def is_at_work(self) -> bool:
        """Whether `poll` may have something to do soon."""
        ...

    def poll(self) -> Line | None:
        """Do or take over what is due, in a few milliseconds; returns a line for the user."""
        ...

    def close(self) -> None:
        """End what runs."""
        ...
