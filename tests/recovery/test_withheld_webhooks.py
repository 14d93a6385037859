"""A third of all webhooks never comes, and after a reconciliation nobody can tell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from recovery.models import (
    Merchant,
    PaymentAttempt,
    Reconciliation,
    RecoveryCase,
    StripeEvent,
)
from recovery.tasks import process_inbox
from tests.builders import post
from tests.local_stripe import LocalStripe
from tests.recovery.lived_at_stripe import Shop
from tests.recovery.reconciling import connected, reconcile

HOURS = 3
DEEDS = 8  # an hour and shop
KEYS = ("rk_test_fern", "rk_test_moss")


@dataclass
class Twins:
    """Two merchants with the same Stripe: one is told everything, of the other a third never."""

    shop: Shop
    told: Merchant
    half_told: Merchant
    withheld: list[dict[str, Any]]

    def states(self) -> tuple[Any, Any]:
        return state(self.told), state(self.half_told)


CASE = (
    "stripe_invoice_id", "stripe_payment_intent_id", "stripe_subscription_id", "livemode",
    "status", "reason", "mechanism", "amount", "amount_recovered", "amount_refunded",
    "amount_paid_before", "currency", "decline_type", "decline_code", "advice_code",
    "payment_method_id", "card_brand", "card_last4", "attempt_count", "paid_attempt_count",
    "failed_at", "next_payment_attempt_at", "is_payment_under_way",
    "customer__stripe_customer_id", "customer__email", "customer__name",
)  # fmt: skip
ATTEMPT = ("case__stripe_invoice_id", "key", "state", "decline_code", "attempted_at")


def state(merchant: Merchant) -> tuple[list[Any], list[Any]]:
    """Everything that a history leaves behind, but for our own clock and ids."""
    cases = RecoveryCase.objects.of(merchant).order_by(*CASE[:2])
    attempts = PaymentAttempt.objects.of(merchant).order_by(*ATTEMPT)
    return list(cases.values(*CASE)), list(attempts.values(*ATTEMPT))


def deliver(merchant: Merchant, events: Sequence[dict[str, Any]]) -> None:
    for event in events:
        assert post(event, merchant=merchant).status_code == 200


def inbox(merchant: Merchant) -> set[str]:
    return set(StripeEvent.objects.of(merchant).values_list("stripe_event_id", flat=True))


@pytest.fixture
def local_stripe(settings: Settings) -> Iterator[LocalStripe]:
    with LocalStripe() as running:
        settings.STRIPE_API_BASE = running.url
        yield running


@pytest.fixture
def pairs(db: None, local_stripe: LocalStripe) -> list[Twins]:
    dice = Random(5)
    since = timezone.now() - timedelta(hours=HOURS + 1)
    made = []
    for key in KEYS:
        told, half_told = connected(f"{key} told", key=key), connected(f"{key} half", key=key)
        for merchant in (told, half_told):
            merchant.stripe.connected_at = since
            merchant.stripe.save()
        made.append(Twins(Shop(local_stripe, key, dice), told, half_told, []))
    return made


def live_an_hour(twins: Twins, hour: int, dice: Random) -> None:
    """What happens is told in any order, and worked before the rest of it is looked for."""
    begins = timezone.now() - timedelta(hours=HOURS - hour)
    events = twins.shop.live(since=int(begins.timestamp()), deeds=DEEDS)
    dice.shuffle(events)
    third = len(events) // 3
    twins.withheld += events[:third]
    deliver(twins.told, events)
    deliver(twins.half_told, events[third:])
    process_inbox()
    reconcile(twins.half_told, now=begins + timedelta(minutes=30))
    process_inbox()


def test_after_a_reconciliation_nobody_can_tell_that_a_third_was_withheld(
    pairs: list[Twins],
) -> None:
    dice = Random(7)
    for hour in range(HOURS):
        for twins in pairs:
            live_an_hour(twins, hour, dice)
            told, half_told = twins.states()
            assert half_told == told

    for twins in pairs:
        assert len(twins.withheld) > 5
        assert inbox(twins.half_told) == inbox(twins.told)
        runs = Reconciliation.objects.of(twins.half_told)
        assert sum(run.events_missed for run in runs) == len(twins.withheld)
        assert {run.state for run in runs} == {"done"}

        # And what comes at last is nothing new.
        deliver(twins.half_told, twins.withheld)
        process_inbox()
        assert twins.states()[1] == twins.states()[0]
        assert inbox(twins.half_told) == inbox(twins.told)
