"""Which cases a list shows: the views that everybody has, and what is searched for."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower

from dunning.models import DunningRun, DunningStep, EndAction
from recovery.declines import DeclineType
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from recovery.state_machine import Status

Rows = QuerySet[RecoveryCase]
A_WEEK = timedelta(days=7)
MOST_CUSTOMERS = 200  # that one search may mean


def _open(rows: Rows) -> Rows:
    return rows.filter(status=Status.OPEN)


def _needs_attention(rows: Rows, _now: datetime) -> Rows:
    """Something is to be done by a person."""
    tasks = OperatorTask.objects.filter(case=OuterRef("pk"), done_at=None)
    return _open(rows).filter(Exists(tasks))


def _action_required(rows: Rows, _now: datetime) -> Rows:
    """Only the customer can go on: another card, or a word to the bank."""
    return _open(rows).filter(decline_type=DeclineType.ACTION_REQUIRED)


def _high_value(rows: Rows, _now: datetime) -> Rows:
    """What is open, the largest first (ORDERS)."""
    return _open(rows)


def _going_lost(rows: Rows, now: datetime) -> Rows:
    """Every step was taken, and what the campaign does then is due within a week."""
    to_come = DunningStep.objects.filter(
        campaign=OuterRef("campaign"), position__gte=OuterRef("next_position")
    )
    ending = DunningRun.objects.filter(
        ~Exists(to_come), case=OuterRef("pk"), state=DunningRun.State.LIVE,
        due_at__lte=now + A_WEEK,
    ).exclude(campaign__end_action=EndAction.LEAVE_OPEN)  # fmt: skip
    return _open(rows).filter(Exists(ending))


def _paused(rows: Rows, _now: datetime) -> Rows:
    return _open(rows).filter(is_paused=True)


VIEWS: Mapping[str, tuple[str, Callable[[Rows, datetime], Rows]]] = MappingProxyType(
    {
        "attention": ("Needs attention", _needs_attention),
        "action": ("Action required", _action_required),
        "value": ("High value", _high_value),
        "going": ("Going lost this week", _going_lost),
        "paused": ("Paused", _paused),
    }
)


NEWEST_FIRST = ("-opened_at", "-id")
ORDERS: Mapping[str, tuple[str, ...]] = MappingProxyType({"value": ("-amount", "-id")})


def search(rows: Rows, term: str, *, merchant: Merchant) -> Rows:
    """By what a person has at hand: an address, a name, an invoice's number, or any id. What one
    begins with is enough for addresses, names and numbers; ids are whole."""
    term = term.strip()
    if not term:
        return rows
    prefix = term.partition("_")[0]
    by_id: Mapping[str, str] = {
        "case": "public_id", "in": "stripe_invoice_id", "pi": "stripe_payment_intent_id",
        "sub": "stripe_subscription_id",
    }  # fmt: skip
    if prefix == "cus" and "_" in term:
        known = Customer.objects.of(merchant).filter(stripe_customer_id=term)
        return rows.filter(customer__in=list(known.values_list("pk", flat=True)))
    if "_" in term and prefix in by_id:
        return rows.filter(**{by_id[prefix]: term})
    return rows.filter(Q(invoice_number=term) | Q(customer__in=_customers(merchant, term.lower())))


def _customers(merchant: Merchant, term: str) -> list[int]:
    """Read first: the cases are then found by their customers, not all of them looked through."""
    known: Any = Customer.objects.of(merchant)
    known = known.annotate(lower_email=Lower("email"), lower_name=Lower("name"))
    found: list[int] = []
    for field in ("lower_email", "lower_name"):
        found += known.filter(**{f"{field}__startswith": term}).values_list("pk", flat=True)[
            :MOST_CUSTOMERS
        ]
    return found


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
