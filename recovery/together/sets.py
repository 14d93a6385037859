"""Sets of events that a worker has claimed and processes together."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from recovery import clock
from recovery.asking import OfMerchant
from recovery.models import Merchant, StripeEvent

logger = logging.getLogger(__name__)
One = TypeVar("One", bound=OfMerchant)


@dataclass(frozen=True, slots=True)
class Heard:
    """A stored event; who hears it adds what it tells of."""

    stored: StripeEvent

    @property
    def merchant(self) -> Merchant:
        return self.stored.merchant


def left(
    batch: Iterable[StripeEvent],
    plain: Sequence[One],
    process: Callable[[Sequence[One]], Iterable[StripeEvent]],
) -> list[StripeEvent]:
    """What of a batch is to be worked one by one: `process` has done the others of those that are
    `plain`, where there are several, unless one of them failed."""
    done: set[int] = set()
    if len(plain) > 1:
        try:
            done = {event.pk for event in process(plain)}
        except Exception:
            logger.exception("A set of %s events failed: they are worked one by one.", len(plain))
    return [event for event in batch if event.pk not in done]


def is_lease_over(some: Iterable[Heard]) -> bool:
    """Whether another worker may have them by now."""
    now = clock.now()
    return any(now >= heard.stored.due_at for heard in some)


def by_merchant(some: Iterable[One]) -> dict[Merchant, list[One]]:
    """In an order that all workers have, so that none waits for a row of one that waits for it."""
    found: dict[Merchant, list[One]] = defaultdict(list)
    for one in some:
        found[one.merchant].append(one)
    return dict(sorted(found.items(), key=lambda item: item[0].pk))
