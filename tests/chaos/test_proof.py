"""How much waits before the next events are delivered."""

from typing import Any

from tests.chaos import proof, quiet
from tests.journeys.product import wait_for


class Running:
    def ask(self, _question: str) -> list[tuple[Any, ...]]:
        return [(proof.HELD_ABOVE + 1, *[0] * (len(quiet.UNDONE) - 1))]


def test_nothing_is_held_up_any_more_once_nobody_looks() -> None:
    backlog = proof._Backlog(Running())  # type: ignore[arg-type]
    wait_for(lambda: backlog.is_long)
    backlog.stop()
    assert not backlog.is_long
