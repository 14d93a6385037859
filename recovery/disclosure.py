"""All that is kept about one person, as JSON can hold it (docs/people.md says what each part is).

Fields go by the names of their columns. Money is minor units of the `currency` beside it, times
are UTC as 2026-01-31T09:00:00Z. What only the database reads is left out, and so are secrets.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import ForeignKey, Model, QuerySet

from recovery import erasure, outbound
from recovery.models import (
    Checkout,
    Customer,
    OperatorTask,
    OutboundNotice,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
    WebhookDelivery,
)

Told = dict[str, Any]
# By what a row is found or known again, what opens something, and what is said elsewhere.
NOT_TOLD = frozenset(
    {"id", "once", "digest", "pseudonym", "events_read_to", "concerns", "payload", "data"}
)


def row(found: Model) -> Told:
    """What one row says, but for its relations."""
    fields = found._meta.concrete_fields  # noqa: SLF001 - documented
    return {
        field.name: plain(getattr(found, field.attname))
        for field in fields
        if field.name not in NOT_TOLD and not isinstance(field, ForeignKey)
    }


def plain(value: Any) -> Any:
    return value.total_seconds() if isinstance(value, timedelta) else outbound.plain(value)


def by_case(rows: QuerySet[Any], owed: Iterable[RecoveryCase]) -> Mapping[int, list[Told]]:
    """What rows of cases say, in the order in which they were written."""
    found: dict[int, list[Told]] = {case.pk: [] for case in owed}
    for one in rows.filter(case__in=list(found)).order_by("pk"):
        found[one.case_id].append(row(one))
    return found


def cases(owed: Iterable[RecoveryCase]) -> Mapping[int, Told]:
    """Each case with what recovery keeps of it, by the case's key."""
    parts = {
        "charges": by_case(PaymentAttempt.objects.all(), owed),
        "timeline": by_case(TimelineEntry.objects.all(), owed),
        "tasks": by_case(OperatorTask.objects.all(), owed),
        "checkouts": by_case(Checkout.objects.all(), owed),
        "notices": _notices(owed),
    }
    return {
        case.pk: {**row(case), **{name: told[case.pk] for name, told in parts.items()}}
        for case in owed
    }


def _notices(owed: Iterable[RecoveryCase]) -> Mapping[int, list[Told]]:
    """What the merchant's own systems were told, with what they answered."""
    found: dict[int, list[Told]] = {case.pk: [] for case in owed}
    answers: dict[int, list[Told]] = {}
    for delivery in WebhookDelivery.objects.filter(case__in=list(found)).order_by("pk"):
        answers.setdefault(delivery.notice_id, []).append(row(delivery))
    for notice in OutboundNotice.objects.filter(case__in=list(found)).order_by("pk"):
        assert notice.case_id  # noqa: S101 - it was found by it
        said = {"data": notice.data, "payload": notice.payload}
        told = {**row(notice), **said, "deliveries": answers.get(notice.pk, [])}
        found[notice.case_id].append(told)
    return found


def events(customer: Customer, owed: Iterable[RecoveryCase]) -> list[Told]:
    """What Stripe said of the customer or a case, or naming the customer, as far as it is kept.
    All payloads that the merchant has are looked through for that."""
    ids = erasure.stripe_ids(customer, list(owed))
    mine = StripeEvent.objects.of(customer.merchant_id).order_by("pk")
    told = {event.pk: event for event in mine.filter(concerns__in=ids)}
    if not customer.is_erased:
        named = customer.stripe_customer_id or customer.email
        likely = mine.filter(payload_forgotten_at=None, payload__icontains=named)
        told |= {event.pk: event for event in likely if erasure.is_named(customer, event.payload)}
    return [{**row(told[pk]), "payload": told[pk].payload} for pk in sorted(told)]
