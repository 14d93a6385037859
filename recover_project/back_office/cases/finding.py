"""Which cases a list shows: the views that everybody has, and what is searched for."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce, Lower

from dunning.models import DunningCampaign, DunningRun, EndAction
from recover_project.back_office.rows import Tell
from recovery.declines import DeclineType
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from recovery.state_machine import Status

Rows = QuerySet[RecoveryCase]
LIVE = DunningRun.State.LIVE
A_WEEK = timedelta(days=7)
MOST_CUSTOMERS = 50  # that one search may mean
MOST_URGENT = 100  # that a view holds whose cases are found by something else
MOST_CASES = 100  # of them, where what is looked for belongs to cases


def _open(rows: Rows) -> Rows:
    return rows.filter(status=Status.OPEN)


def _needs_attention(rows: Rows, merchant: Merchant, _now: datetime) -> Rows:
    to_do = OperatorTask.objects.of(merchant).filter(done_at=None, case__isnull=False)
    newest = to_do.order_by("-created_at").values_list("case", flat=True)
    return _open(rows).filter(pk__in=list(newest[:MOST_URGENT]))


def _action_required(rows: Rows, _merchant: Merchant, _now: datetime) -> Rows:
    return _open(rows).filter(decline_type=DeclineType.ACTION_REQUIRED)


def _high_value(rows: Rows, _merchant: Merchant, _now: datetime) -> Rows:
    return _open(rows)


# What ends soonest of each campaign: of all together, every run would be read to find it.
ENDING = """
    SELECT case_id, due_at FROM (
        SELECT case_id, due_at FROM dunning_dunningrun
        WHERE campaign_id = %s AND next_position = %s AND state = %s AND due_at <= %s
        ORDER BY due_at LIMIT %s
    ) soonest
"""


def _going_lost(rows: Rows, merchant: Merchant, now: datetime) -> Rows:
    until = connection.ops.adapt_datetimefield_value(now + A_WEEK)
    endings = [(plan, last + 1, LIVE, until, MOST_URGENT) for plan, last in _last_steps(merchant)]
    if not endings:
        return rows.none()
    statement = f"{' UNION ALL '.join([ENDING] * len(endings))} ORDER BY due_at LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*chain(*endings), MOST_URGENT])
        return _open(rows).filter(pk__in=[case for case, _due_at in cursor.fetchall()])


def _last_steps(merchant: Merchant) -> Iterable[tuple[int, int]]:
    """Of each version that does something at its end."""
    known = DunningCampaign.objects.of(merchant).exclude(end_action=EndAction.LEAVE_OPEN)
    return known.annotate(last=Coalesce(Max("steps__position"), 0)).values_list("pk", "last")


def _paused(rows: Rows, _merchant: Merchant, _now: datetime) -> Rows:
    return _open(rows).filter(is_paused=True)


class View(NamedTuple):
    """`explained`: what it holds, as the list says it."""

    label: str
    explained: str
    rows: Callable[[Rows, Merchant, datetime], Rows]


VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "attention": View(
            "Needs attention",
            f"A person has something to do: the cases of the newest {MOST_URGENT} tasks.",
            _needs_attention,
        ),
        "action": View(
            "Action required",
            "Only the customer can go on: with another card, or a word to the bank.",
            _action_required,
        ),
        "value": View("High value", "What is open, the largest first.", _high_value),
        "going": View(
            "Going lost this week",
            "Every step was taken, and the campaign ends within a week: the "
            f"{MOST_URGENT} that are due soonest.",
            _going_lost,
        ),
        "paused": View("Paused", "Nobody is written to or charged until the pause ends.", _paused),
    }
)


NEWEST_FIRST = ("-opened_at", "-id")
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType({"value": ("-amount", "-id")})


def search(rows: Rows, term: str, *, merchant: Merchant, tell: Tell) -> Rows:
    """By what a person has at hand: an address, a name, an invoice's number, or any id. What one
    begins with is enough for addresses and names; numbers and ids are whole."""
    term = term.strip()
    if not term:
        return rows
    prefix = term.partition("_")[0]
    by_id: Mapping[str, str] = {
        "case": "public_id", "in": "stripe_invoice_id", "pi": "stripe_payment_intent_id",
        "sub": "stripe_subscription_id",
    }  # fmt: skip
    if "_" in term and prefix in by_id:
        return rows.filter(**{by_id[prefix]: term})
    found = Q(customer__in=customers(merchant, term, tell=tell))
    if not _is_customers_id(term):
        found |= Q(invoice_number__in={term, term.upper()})  # as Stripe writes its own
    return rows.filter(found)


def cases(term: str, *, merchant: Merchant, tell: Tell) -> list[int]:
    """The newest that `search` finds, for lists of what belongs to cases."""
    found = search(RecoveryCase.objects.of(merchant), term, merchant=merchant, tell=tell)
    newest = found.order_by(*NEWEST_FIRST).values_list("pk", flat=True)
    pks = list(newest[: MOST_CASES + 1])
    if len(pks) > MOST_CASES:
        tell(f"That is found in more than {MOST_CASES} cases; here are those of the newest.")
    return pks[:MOST_CASES]


def customers(merchant: Merchant, term: str, *, tell: Tell) -> list[int]:
    """Read first: cases are then found by their customers, not all of them looked through."""
    known: Any = Customer.objects.of(merchant)
    if _is_customers_id(term):
        return list(known.filter(stripe_customer_id=term).values_list("pk", flat=True))
    known = known.annotate(lower_email=Lower("email"), lower_name=Lower("name"))
    found: list[int] = []
    for field in ("lower_email", "lower_name"):
        alike = known.filter(**{f"{field}__startswith": term.lower()})
        pks = list(alike.values_list("pk", flat=True)[: MOST_CUSTOMERS + 1])
        found += pks[:MOST_CUSTOMERS]
        if len(pks) > MOST_CUSTOMERS:
            tell(f"More than {MOST_CUSTOMERS} customers are found; type more to see the others.")
    return found


def _is_customers_id(term: str) -> bool:
    return term.startswith("cus_")


# One look into the index for each currency; DISTINCT would read every case.
CURRENCIES = """
    WITH RECURSIVE known (currency) AS (
        SELECT min(currency) FROM recovery_recoverycase WHERE merchant_id = %s
        UNION ALL
        SELECT (SELECT min(one.currency) FROM recovery_recoverycase one
                WHERE one.merchant_id = %s AND one.currency > known.currency)
        FROM known WHERE known.currency IS NOT NULL
    )
    SELECT currency FROM known WHERE currency IS NOT NULL
"""


def currencies(merchant: Merchant) -> list[str]:
    """Those that the merchant's cases are in, by the alphabet."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENCIES, [merchant.pk, merchant.pk])
        return [currency for (currency,) in cursor.fetchall()]
