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
HOUR = 3600  # seconds


def fails(local_stripe: LocalStripe) -> tuple[int, dict[str, str]]:
    """A renewal, for want of money, some hours ago: when, in Unix seconds, and what it is of."""
    at = int((timezone.now() - timedelta(hours=3)).timestamp())
    with local_stripe.world.time.pinned_at(at):
        return at, local_stripe.scenarios.renewal_fails(reason="insufficient_funds", key=KEY)


def fails_again(local_stripe: LocalStripe, ids: dict[str, str], *, at: int, reason: str) -> None:
    local_stripe.scenarios.set_outcome(payment_method=ids["payment_method"], reason=reason)
    with local_stripe.world.time.pinned_at(at):
        local_stripe.scenarios.retry(invoice=ids["invoice"])


def tries_since(moment: int) -> list[tuple[str, int]]:
    """The reason of each try, and how many seconds after `moment` it was."""
    tries = PaymentAttempt.objects.order_by("attempted_at")
    return [(one.decline_code, int(one.attempted_at.timestamp()) - moment) for one in tries]


def test_each_try_of_an_invoice_keeps_its_reason_in_whatever_order_it_is_heard_of(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """Asked about the invoice, Stripe tells of the second try also whoever hears of the first."""
    now, ids = fails(local_stripe)
    fails_again(local_stripe, ids, at=now + HOUR, reason="expired_card")
    events = told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed")
    assert len(events) == 4

    for order in itertools.islice(itertools.permutations(events), 0, None, 3):
        StripeEvent.objects.all().delete()
        RecoveryCase.objects.all().delete()
        receive(*order)

        assert tries_since(now) == [("insufficient_funds", 0), ("expired_card", HOUR)]
        assert RecoveryCase.objects.get().decline_code == "expired_card"


def test_a_try_that_no_event_has_told_of_yet_is_kept_at_its_own_time(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    first, ids = fails(local_stripe)
    with stripe_is_down(local_stripe):
        receive(*told(local_stripe, "invoice.payment_failed"))
    case = RecoveryCase.objects.get()
    fails_again(local_stripe, ids, at=first + HOUR, reason="expired_card")

    enrichment.enrich(case, now=timezone.now())
    receive(*told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed"))

    assert tries_since(first) == [("insufficient_funds", 0), ("expired_card", HOUR)]


def test_the_first_that_is_heard_of_a_debt_may_be_old_and_the_newest_reason_counts(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """Else a campaign for soft declines takes up, and charges, a card that was stolen."""
    first, ids = fails(local_stripe)
    fails_again(local_stripe, ids, at=first + HOUR, reason="stolen_card")
    events = told(local_stripe, "invoice.payment_failed")
    assert len(events) == 2

    receive(events[0])

    case = RecoveryCase.objects.get()
    assert (case.decline_type, case.decline_code) == ("hard", "stolen_card")
    assert tries_since(first) == [("", 0), ("stolen_card", HOUR)]

    receive(events[1], *told(local_stripe, "payment_intent.payment_failed"))

    assert tries_since(first) == [("insufficient_funds", 0), ("stolen_card", HOUR)]


def test_an_old_try_that_its_payment_tells_of_is_not_taken_for_the_latest(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    first, ids = fails(local_stripe)
    fails_again(local_stripe, ids, at=first + HOUR, reason="stolen_card")

    receive(told(local_stripe, "payment_intent.payment_failed")[0])

    case = RecoveryCase.objects.get()
    assert case.decline_code == "stolen_card"
    assert tries_since(first) == [("insufficient_funds", 0), ("stolen_card", HOUR)]

    receive(*told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed"))

    assert tries_since(first) == [("insufficient_funds", 0), ("stolen_card", HOUR)]
