"""A failure that is heard of after Stripe has tried again: each try keeps its own reason."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import enrichment
from recovery.models import Merchant, PaymentAttempt, RecoveryCase, StripeEvent
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY, stripe_is_down, told

pytestmark = pytest.mark.django_db


def test_each_try_of_an_invoice_keeps_its_reason_in_whatever_order_it_is_heard_of(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """Asked about the invoice, Stripe tells of the second try also whoever hears of the first."""
    now = int((timezone.now() - timedelta(hours=3)).timestamp())
    with local_stripe.world.time.pinned_at(now):
        ids = local_stripe.scenarios.renewal_fails(reason="insufficient_funds", key=KEY)
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"], reason="expired_card")
    with local_stripe.world.time.pinned_at(now + 3600):
        local_stripe.scenarios.retry(invoice=ids["invoice"])
    events = told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed")
    assert len(events) == 4

    for order in itertools.islice(itertools.permutations(events), 0, None, 3):
        StripeEvent.objects.all().delete()
        RecoveryCase.objects.all().delete()
        receive(*order)

        tries = PaymentAttempt.objects.order_by("attempted_at")
        reasons = [(one.decline_code, int(one.attempted_at.timestamp()) - now) for one in tries]
        assert reasons == [("insufficient_funds", 0), ("expired_card", 3600)]
        assert RecoveryCase.objects.get().decline_code == "expired_card"


def test_a_try_that_no_event_has_told_of_yet_is_kept_at_its_own_time(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    first = int((timezone.now() - timedelta(hours=3)).timestamp())
    with local_stripe.world.time.pinned_at(first):
        ids = local_stripe.scenarios.renewal_fails(reason="insufficient_funds", key=KEY)
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, "invoice.payment_failed"))
    case = RecoveryCase.objects.get()
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"], reason="expired_card")
    with local_stripe.world.time.pinned_at(first + 3600):
        local_stripe.scenarios.retry(invoice=ids["invoice"])

    enrichment.enrich(case, now=timezone.now())
    receive(*told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed"))

    tries = case.attempts.order_by("attempted_at")
    told_of = [(one.decline_code, int(one.attempted_at.timestamp()) - first) for one in tries]
    assert told_of == [("insufficient_funds", 0), ("expired_card", 3600)]
