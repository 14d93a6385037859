"""Which events a list shows, and that PostgreSQL reads no more of them than it shows."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from recovery.models import Customer, Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.recovery.api.asking import NOON, case, customer, get

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LOST: dict[str, Any] = {"status": "lost", "reason": "campaign_ended", "closed_at": NOON}


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="America/New_York")


def invoices(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {shown["stripe_invoice_id"] for shown in answer.json()["data"]}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"in_1", "in_2", "in_3", "in_4"}),
        ({"status": "lost"}, {"in_2"}),
        ({"status": "open"}, {"in_1", "in_3", "in_4"}),
        ({"decline_type": "hard"}, {"in_3"}),
        ({"currency": "eur"}, {"in_4"}),
        ({"customer": "cus_ann"}, {"in_4"}),
        ({"customer": "cus_theirs"}, set()),
        ({"customer": "jo@example.com"}, set()),
        ({"status": "open", "currency": "usd"}, {"in_1", "in_3"}),
        ({"status": "recovered"}, set()),
    ],
)
def test_a_list_shows_what_all_its_filters_want(
    merchant: Merchant, query: dict[str, str], found: set[str]
) -> None:
    case(merchant)
    case(merchant, **LOST)
    case(merchant, decline_type="hard")
    case(merchant, currency="eur", customer=customer(merchant, "cus_ann", "ann@example.com"))
    theirs = make_merchant("Other")
    case(theirs, customer=customer(theirs, "cus_theirs"))

    assert invoices(get(merchant, "events", **query)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # days are the merchant's: New York is four hours behind, and five from noon of the 1st on
        ({"opened_after": "2026-10-31"}, {"in_2", "in_3", "in_4"}),
        ({"opened_after": "2026-11-01"}, {"in_3", "in_4"}),
        ({"opened_before": "2026-11-01"}, {"in_1", "in_2"}),
        ({"opened_after": "2026-10-31", "opened_before": "2026-11-01"}, {"in_2"}),
        ({"opened_before": "2026-11-02"}, {"in_1", "in_2", "in_3"}),
        # times are as they say, and the merchant's where they don't; the first is within, the
        # last is not
        ({"opened_after": "2026-11-02T05:00:00Z"}, {"in_4"}),
        ({"opened_after": "2026-11-02T06:00:00.000001+01:00"}, set()),
        ({"opened_before": "2026-11-02T00:00:00"}, {"in_1", "in_2", "in_3"}),
        ({"opened_before": "2026-11-02T05:00:00Z"}, {"in_1", "in_2", "in_3"}),
    ],
)
def test_times_may_be_days_of_the_merchant(
    merchant: Merchant, query: dict[str, str], found: set[str]
) -> None:
    for opened_at in (
        "2026-10-31T03:59:59Z",
        "2026-10-31T04:00:00Z",
        "2026-11-01T04:00:00Z",
        "2026-11-02T05:00:00Z",
    ):
        case(merchant, opened_at=datetime.fromisoformat(opened_at))

    assert invoices(get(merchant, "events", **query)) == found


# --- the plan ---------------------------------------------------------------------------------


def many(merchant: Merchant) -> None:
    """Thousands, of which one in a hundred is rare in each respect; some of one moment."""
    people = Customer.objects.bulk_create(
        Customer(merchant=merchant, stripe_customer_id=f"cus_{n}", known_at=NOON)
        for n in range(100)
    )
    RecoveryCase.objects.bulk_create(
        RecoveryCase(
            merchant=merchant, customer=people[n % 100], livemode=False,
            stripe_invoice_id=f"in_{n}", amount=4900, failed_at=NOON, known_at=NOON,
            opened_at=NOON + timedelta(minutes=n // 3),
            currency="sek" if n % 100 == 1 else "usd",
            decline_type="hard" if n % 100 == 2 else "soft",
            **(LOST if n % 100 == 3 else {}),
        )
        for n in range(6000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recovery_recoverycase")
        cursor.execute("ANALYZE recovery_customer")


def plan_of(merchant: Merchant, query: dict[str, str]) -> str:
    """Of the second page, as PostgreSQL reads it."""
    first = get(merchant, "events", limit="5", **query).json()
    with CaptureQueriesContext(connection) as asked:
        get(merchant, "events", limit="5", cursor=first["next_cursor"], **query)
    (listed,) = [
        one["sql"] for one in asked if "ORDER BY" in one["sql"] and "LIMIT 6" in one["sql"]
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {listed}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL plans for itself.")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "cases_newest_first"),
        ({"opened_after": "2026-11-03", "opened_before": "2026-11-04"}, "cases_newest_first"),
        ({"status": "lost"}, "cases_of_a_status"),
        ({"decline_type": "hard"}, "cases_of_a_decline_type"),
        ({"currency": "sek"}, "cases_of_a_currency"),
        ({"customer": "cus_7"}, "cases_by_customer"),
        ({"customer": "cus_7", "status": "open"}, "cases_by_customer"),
    ],
    ids=lambda told: "+".join(told) if isinstance(told, dict) else told,
)
def test_a_page_is_read_off_an_index_from_where_the_last_one_ended(
    merchant: Merchant, query: dict[str, str], index: str
) -> None:
    many(merchant)

    plan = plan_of(merchant, query)

    assert f"Index Scan using {index} on recovery_recoverycase" in plan
    (begins,) = [line for line in plan.splitlines() if "Index Cond" in line and "ROW(" in line]
    assert "ROW(opened_at, id) < ROW(" in begins.replace("recovery_recoverycase.", "")
    assert "Sort" not in plan
    assert "Seq Scan on recovery_recoverycase" not in plan
