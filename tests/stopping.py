"""Programs that end when they are asked to, however often."""

import signal


class Stopping:
    """Whether one of these signals came. An Event would not do: its lock may be held, by this very
    thread, when the next signal comes, which then waits for good."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.is_asked = False
        for number in numbers:
            signal.signal(number, self._ask)

    def _ask(self, *_signal: object) -> None:
        self.is_asked = True
