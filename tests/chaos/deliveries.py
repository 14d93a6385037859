"""In which order, and how often, the events of a history come to the door."""

import random
from collections.abc import Sequence

from tests.chaos.history import Told

MOST_LATE = 400  # places by which an event may come too late
DUPLICATED, REPLAYED, FAR_LATER = 0.10, 0.04, 0.03  # shares of all events


def in_order(events: Sequence[Told]) -> list[Told]:
    """Each once, as it happened."""
    return list(events)


def disturbed(events: Sequence[Told], *, seed: int) -> list[Told]:
    """Each at least once: some overtaken by others, some twice or thrice, some much later than
    all that followed, and some again when all is over."""
    dice = random.Random(seed)
    placed: list[tuple[float, Told]] = []
    for place, event in enumerate(events):
        is_late = dice.random() < FAR_LATER
        placed.append((place + dice.random() * (len(events) if is_late else MOST_LATE), event))
        while dice.random() < DUPLICATED:
            placed.append((place + dice.random() * 2 * MOST_LATE, event))
    ordered = [event for _place, event in sorted(placed, key=lambda one: one[0])]
    replayed = dice.sample(list(events), int(len(events) * REPLAYED))
    return ordered + replayed
