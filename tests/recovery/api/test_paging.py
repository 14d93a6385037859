"""Lists a page at a time: nothing twice, nothing left out, whatever arrives meanwhile."""

import json
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.exceptions import ValidationError

from recovery.api.paging import Page, PageParameters, page
from recovery.models import Merchant, RecoveryCase
from recovery.models.fields import cipher
from tests.builders import make_merchant

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
NOON = datetime.fromisoformat("2026-11-03T12:00:00Z")


def cases(merchant: Merchant, *minutes: int, status: str = "open") -> list[RecoveryCase]:
    """One for each of these minutes after noon."""
    first = RecoveryCase.objects.count()
    at = [NOON + timedelta(minutes=minute) for minute in minutes]
    closed = {} if status == "open" else {"status": status, "reason": "campaign_ended"}
    return RecoveryCase.objects.bulk_create(
        RecoveryCase(
            merchant=merchant, livemode=False, stripe_invoice_id=f"in_{first + number}",
            amount=4900, currency="usd", decline_type="soft", failed_at=time, opened_at=time,
            known_at=time, closed_at=time if closed else None, **closed,
        )
        for number, time in enumerate(at)
    )  # fmt: skip


def ask(
    merchant: Merchant, cursor: str | None = None, limit: int = 3, **filters: Any
) -> Page[Any]:
    parameters = {"limit": limit, **filters} | ({"cursor": cursor} if cursor else {})
    rows = RecoveryCase.objects.of(merchant).filter(**filters)
    return page(rows, by="opened_at", of=f"cases of {merchant.public_id}", parameters=parameters)


def walk(merchant: Merchant, limit: int) -> list[list[int]]:
    asked = ask(merchant, limit=limit)
    found = [[row.pk for row in asked.rows]]
    while asked.next_cursor:
        asked = ask(merchant, asked.next_cursor, limit=limit)
        found.append([row.pk for row in asked.rows])
    return found


@pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (1, [1] * 7), (6, [6, 1])])
def test_pages_hold_every_row_once_newest_first(limit: int, sizes: list[int]) -> None:
    merchant = make_merchant()
    made = cases(merchant, 5, 1, 1, 1, 1, 3, 2)  # four of one moment
    cases(make_merchant("Other"), 1, 2, 3)

    pages = walk(merchant, limit)

    newest_first = sorted(made, key=lambda case: (case.opened_at, case.pk), reverse=True)
    assert [pk for found in pages for pk in found] == [case.pk for case in newest_first]
    assert [len(found) for found in pages] == sizes


def test_without_rows_there_is_one_empty_page() -> None:
    asked = ask(make_merchant())

    assert asked.answer([]) == {"data": [], "has_more": False, "next_cursor": None}


def test_a_page_says_whether_there_is_more() -> None:
    merchant = make_merchant()
    cases(merchant, 1, 2, 3, 4)

    answer = ask(merchant).answer("abc")

    assert (answer["data"], answer["has_more"]) == (["a", "b", "c"], True)
    assert isinstance(answer["next_cursor"], str)


def test_what_arrives_while_somebody_reads_neither_repeats_nor_hides_a_row() -> None:
    merchant = make_merchant()
    rolled = random.Random(7)
    before = {case.pk for case in cases(merchant, *range(20))}
    asked, read = ask(merchant), []
    while True:
        read += [row.pk for row in asked.rows]
        if asked.next_cursor is None:
            break
        cases(merchant, *(20 + rolled.randrange(9) for _ in range(rolled.randrange(4))))
        asked = ask(merchant, asked.next_cursor, limit=rolled.randint(1, 4))

    assert len(read) == len(set(read))
    assert set(read) == before


def test_the_size_of_a_page_may_change_on_the_way() -> None:
    merchant = make_merchant()
    cases(merchant, *range(6))
    first = ask(merchant, limit=2)

    assert len(ask(merchant, first.next_cursor, limit=4).rows) == 4


# --- cursors ----------------------------------------------------------------------------------


def forged(cursor: str) -> str:
    """Ours but for its version."""
    told = json.loads(cipher().decrypt(cursor + "=" * (-len(cursor) % 4)))
    return cipher().encrypt(json.dumps([2, *told[1:]]).encode()).decode()


def refused(merchant: Merchant, cursor: str, **filters: Any) -> bool:
    with pytest.raises(ValidationError) as raised:
        ask(merchant, cursor, **filters)
    return set(raised.value.detail) == {"cursor"}


def test_a_cursor_is_for_its_own_list_and_filters_alone() -> None:
    ours, theirs = make_merchant(), make_merchant("Other")
    cases(ours, 1, 2, 3, 4)
    cases(theirs, 1, 2, 3, 4)
    cursor = ask(ours).next_cursor
    assert cursor

    assert refused(theirs, cursor)
    assert refused(ours, cursor, status="open")
    for wrong in ("x", "é", cursor[:-1], cursor[:-9] + "AAAAAAAAA", cursor + "A", forged(cursor)):
        assert refused(ours, wrong)


def test_a_cursor_shows_nothing() -> None:
    merchant = make_merchant()
    cases(merchant, 1, 2, 3, 4)

    cursor = ask(merchant).next_cursor

    assert cursor
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert len(cursor) < 1000


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"page": "2"}, "page")],
)
def test_what_a_list_does_not_know_is_refused(query: dict[str, str], field: str) -> None:
    asked = PageParameters(data=query)

    assert not asked.is_valid()
    assert set(asked.errors) == {field}


def test_a_page_has_twenty_rows_unless_asked_otherwise() -> None:
    asked = PageParameters(data={})

    assert asked.is_valid()
    assert asked.validated_data == {"limit": 20}


# --- cost -------------------------------------------------------------------------------------


def test_a_page_is_one_query() -> None:
    merchant = make_merchant()
    cases(merchant, *range(9))
    cursor = ask(merchant).next_cursor

    with CaptureQueriesContext(
        connection,
    ) as asked:
        ask(merchant, cursor)

    assert len(asked) == 1
