"""Work on many rows in which one that can't be worked holds up none of the others."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.db.models import Model, QuerySet

from recovery import log_context

logger = logging.getLogger(__name__)
Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")


@contextmanager
def apart(row: str, **ids: str) -> Iterator[None]:
    """What goes wrong with one row is logged and stays with it; `row` says which one it is, `ids`
    what the log's lines are about meanwhile.

    Inside a transaction, put a savepoint within: `with apart(…), transaction.atomic():`.
    """
    with log_context.about(**ids):
        try:
            yield
        except Exception:
            logger.exception("%s failed; the others go on.", row)


def sets(rows: Sequence[Item], *, size: int) -> Iterator[Sequence[Item]]:
    """All of them, `size` at a time."""
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def pages(rows: QuerySet[Row], *, size: int) -> Iterator[Row]:
    """All of `rows` by id, `size` at a time: those that stay what they are block nobody."""
    last = 0
    while page := list(rows.filter(pk__gt=last).order_by("pk")[:size]):
        yield from page
        last = page[-1].pk
