"""Sets of events as a worker claims them, and what they leave behind."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from recovery import inbox
from recovery.models import Customer, Merchant, PaymentAttempt, RecoveryCase, StripeEvent
from recovery.models import TimelineEntry as Entry
from tests.builders import make_merchant, post
from tests.recovery.stories import KEY

INVOICE_FAILED = "invoice.payment_failed"
PAYMENT_FAILED = "payment_intent.payment_failed"
FACTS: Sequence[Any] = (Customer, RecoveryCase, PaymentAttempt, Entry)
OWN = {"id", "public_id", "case_id", "customer_id", "opened_at", "known_at", "at", "resolved_at",
       "payment_known_at", "enrich_at"}  # fmt: skip


def store(*payloads: dict[str, Any], merchant: Merchant | None = None) -> list[StripeEvent]:
    """As a worker that has just claimed them."""
    for payload in payloads:
        assert post(payload, merchant=merchant).status_code == 200
    return inbox.claim(now=timezone.now())


def of_the_same_account() -> Merchant:
    """Another merchant, whose key is the renewals' own."""
    other = make_merchant("Moss")
    other.stripe.api_key, other.stripe.livemode = KEY, False
    other.stripe.save()
    return other


def outlived(events: Sequence[StripeEvent]) -> Sequence[StripeEvent]:
    """Whose lease is over."""
    for one in events:
        one.due_at = timezone.now() - timedelta(seconds=1)
    return events


def facts() -> list[list[tuple[Any, ...]]]:
    """Customers, cases, attempts and entries, but for their ids and when they were written."""
    return [
        sorted(
            tuple(sorted((name, str(value)) for name, value in row.items() if name not in OWN))
            for row in model.objects.values()
        )
        for model in FACTS
    ]


def forget_facts() -> None:
    for model in reversed(FACTS):
        model.objects.all()._raw_delete("default")
