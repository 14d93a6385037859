"""A set of events, merchant by merchant."""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from recovery.asking import OfMerchant
from recovery.models import Merchant

One = TypeVar("One", bound=OfMerchant)


def by_merchant(some: Iterable[One]) -> dict[Merchant, list[One]]:
    """In an order that all workers have, so that none waits for a row of one that waits for it."""
    found: dict[Merchant, list[One]] = defaultdict(list)
    for one in some:
        found[one.merchant].append(one)
    return dict(sorted(found.items(), key=lambda item: item[0].pk))
