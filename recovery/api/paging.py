"""Lists, a page at a time and newest first: a page is asked for by where the one before it ended.

So rows that arrive meanwhile neither repeat nor hide any, and the thousandth page costs what the
first does.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cryptography.fernet import InvalidToken
from django.db.models import Model, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleLessThan
from rest_framework import serializers

from recovery.api.parameters import Parameters
from recovery.models.fields import cipher

VERSION = 1  # one more whenever a cursor comes to hold something else
NOT_OURS = "This cursor is not one of this list's with these filters. Start without one."
Row = TypeVar("Row", bound=Model)


class PageParameters(Parameters):
    """What every list takes; its filters are fields of a subclass."""

    limit = serializers.IntegerField(
        default=20, min_value=1, max_value=100, help_text="How many of them at most."
    )
    cursor = serializers.CharField(
        required=False, max_length=1000, help_text="The `next_cursor` of the page before."
    )


class PageAnswer(serializers.Serializer[Any]):
    """What every list answers with; `data` is a field of a subclass."""

    has_more = serializers.BooleanField(help_text="Whether there is a page after this one.")
    next_cursor = serializers.CharField(allow_null=True, help_text="Asks for that page.")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`next_cursor` asks for the page after this one; None: there is none."""

    rows: list[Row]
    next_cursor: str | None

    def answer(self, data: Iterable[Any]) -> dict[str, Any]:
        """`data`: the rows as the client sees them."""
        return {
            "data": list(data),
            "has_more": self.next_cursor is not None,
            "next_cursor": self.next_cursor,
        }


def page(rows: QuerySet[Row], *, by: str, of: str, parameters: Mapping[str, Any]) -> Page[Row]:
    """The page of `rows` that `parameters` ask for, by the time in the field `by` and the id.

    `of` names the list and whose it is ("events of mer_7m2k…"). `parameters` are the validated
    ones of a PageParameters; a cursor holds for the same list and filters alone. Raises
    ValidationError on any other. An index on what the list is filtered by, then (-by, -id), makes
    it cheap.
    """
    filters = {k: v for k, v in parameters.items() if k not in PageParameters().fields}
    question = hashlib.sha256(_text([of, filters]).encode()).hexdigest()
    if cursor := parameters.get("cursor"):
        end = Tuple(by, "pk")
        rows = rows.filter(TupleLessThan(end, _read(cursor, question)))
    limit = parameters["limit"]
    found = list(rows.order_by(f"-{by}", "-pk")[: limit + 1])
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], _written(getattr(last, by), last.pk, question))


def _written(at: datetime, pk: int, question: str) -> str:
    """Encrypted, not just signed: our row ids are nobody's business."""
    text = _text([VERSION, question, at.isoformat(), pk])
    return cipher().encrypt(text.encode()).decode().rstrip("=")


def _read(cursor: str, question: str) -> tuple[datetime, int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        version, asked, at, pk = json.loads(cipher().decrypt(padded))
    except (InvalidToken, ValueError):
        raise serializers.ValidationError({"cursor": [NOT_OURS]}) from None
    if (version, asked) != (VERSION, question):
        raise serializers.ValidationError({"cursor": [NOT_OURS]})
    return datetime.fromisoformat(at), pk


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
