"""A clock that a test moves on."""


class Clock:
    """Call it for the time; it stands still until `now` is changed."""

    now = 100.0

    def __call__(self) -> float:
        return self.now
