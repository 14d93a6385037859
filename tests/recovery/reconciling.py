"""A merchant that is reconciled with the local Stripe, and what happened there before."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from recovery import reconciliation
from recovery.models import Merchant, Reconciliation, RecoveryCase, StripeEvent
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY

GRACE = timedelta(minutes=10)
A_WHILE = timedelta(minutes=30)


def connected(name: str = "Fern Tea Club", *, key: str = KEY) -> Merchant:
    """A merchant whose key was given an hour ago, with an endpoint of its own making."""
    merchant = make_merchant(name)
    merchant.stripe.api_key, merchant.stripe.livemode = key, False
    merchant.stripe.connected_at = timezone.now() - 2 * A_WHILE
    merchant.stripe.save()
    return merchant


def reconcile(merchant: Merchant, *, now: datetime | None = None) -> Reconciliation:
    """One run from beginning to end."""
    now = now or timezone.now()
    run = reconciliation.begin(merchant=merchant, by="", now=now)
    assert run is not None
    outcome = reconciliation.carry_out(run, now=now)
    reconciliation.end(run, outcome, now=now)
    return Reconciliation.objects.get(pk=run.pk)


def inbox(merchant: Merchant) -> list[str]:
    """The types of what is in it, in alphabetical order."""
    return sorted(StripeEvent.objects.of(merchant).values_list("type", flat=True))


def fails(local_stripe: LocalStripe, *, ago: timedelta = A_WHILE, **about: Any) -> dict[str, str]:
    """A renewal failed a while ago, and nobody was told."""
    at = timezone.now() - ago
    with local_stripe.world.time.pinned_at(int(at.timestamp())):
        return local_stripe.scenarios.renewal_fails(
            **{"email": "jo@example.com", "key": KEY, **about}
        )


def only_case(merchant: Merchant) -> RecoveryCase:
    return RecoveryCase.objects.get(merchant=merchant)
