"""What got lost between Stripe and Recover is found, kept once, and said."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recovery.endpoints import EVENTS
from recovery.models import (
    Coverage,
    Merchant,
    Reconciliation,
    RecoveryCase,
    StripeEvent,
)
from recovery.reconciliation import missed_events
from recovery.tasks import process_inbox
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.reconciling import (
    A_WHILE,
    GRACE,
    connected,
    fails,
    inbox,
    only_case,
    reconcile,
)
from tests.recovery.stories import told

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(db: None, local_stripe: LocalStripe) -> Merchant:
    return connected()


def listed(local_stripe: LocalStripe) -> int:
    """How often Stripe was asked for a page of events."""
    return sum(one.path == "/v1/events" for one in local_stripe.requests)


# --- events -----------------------------------------------------------------------------------


def test_what_nobody_delivered_is_found_and_processed_like_any_other(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = fails(local_stripe, reason="expired_card")

    run = reconcile(merchant)
    process_inbox()

    case = only_case(merchant)
    assert (case.stripe_invoice_id, case.status) == (ids["invoice"], "open")
    assert case.decline_code == "expired_card"
    assert (run.state, run.error) == ("done", "")
    assert run.events_missed == run.events_read == StripeEvent.objects.count() > 1
    assert set(run.missed_ids) == set(
        StripeEvent.objects.values_list("stripe_event_id", flat=True)
    )


def test_what_came_by_itself_is_no_drift(local_stripe: LocalStripe, merchant: Merchant) -> None:
    fails(local_stripe)
    receive(*told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed"))
    came = inbox(merchant)
    run = reconcile(merchant)

    assert came == ["invoice.payment_failed", "payment_intent.payment_failed"]
    assert run.events_read - run.events_missed == 2
    reconcile(merchant, now=timezone.now() + timedelta(hours=1))
    assert not Reconciliation.objects.latest("id").has_drift


def test_a_webhook_that_comes_after_all_is_here_already(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe)
    reconcile(merchant)
    process_inbox()
    before = list(RecoveryCase.objects.values()), list(StripeEvent.objects.values())

    receive(*told(local_stripe, "invoice.payment_failed", "payment_intent.payment_failed"))

    assert (list(RecoveryCase.objects.values()), list(StripeEvent.objects.values())) == before


def test_what_is_young_may_still_be_on_its_way(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe, ago=GRACE / 2)

    reconcile(merchant)
    assert inbox(merchant) == []
    reconcile(merchant, now=timezone.now() + GRACE)
    assert "invoice.payment_failed" in inbox(merchant)


def test_nothing_is_looked_up_from_before_recover_was_asked_to_recover(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    fails(local_stripe)
    merchant.stripe.connected_at = timezone.now() - A_WHILE / 2
    merchant.stripe.save()

    run = reconcile(merchant)

    assert (inbox(merchant), run.events_read, run.covered_from) == (
        [], 0, merchant.stripe.connected_at,
    )  # fmt: skip


def test_who_connects_again_misses_nothing_of_before(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    reconcile(merchant, now=timezone.now() - A_WHILE)
    fails(local_stripe)
    merchant.stripe.connected_at = timezone.now() - A_WHILE / 2
    merchant.stripe.save()

    reconcile(merchant)

    assert "invoice.payment_failed" in inbox(merchant)


def test_another_account_is_gone_through_from_its_connection_on(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    reconcile(merchant)
    connection = merchant.stripe
    connection.account_id, connection.connected_at = "acct_other", timezone.now()
    connection.save()

    reconcile(merchant)

    assert Coverage.objects.get().covered_until == connection.connected_at


def test_a_long_list_is_gone_on_with_where_it_was_left(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_events, "MOST_PAGES", 1)
    monkeypatch.setattr("recovery.stripe_gateway.events.PAGE", 5)
    for _each in range(3):
        fails(local_stripe)

    first = reconcile(merchant)
    coverage = Coverage.objects.get()
    assert (first.events_missed, first.covered_until) == (5, None)
    assert coverage.read_down_to == first.missed_ids[-1]
    assert coverage.due_at <= timezone.now()
    runs = 1
    while Coverage.objects.get().reading_until:
        reconcile(merchant)
        runs += 1

    a_day_ago = (timezone.now() - timedelta(days=1)).timestamp()
    wanted = {
        event["id"] for event in told(local_stripe, *EVENTS)
        if event["created"] > a_day_ago
    }  # fmt: skip
    here = set(StripeEvent.objects.values_list("stripe_event_id", flat=True))
    assert here == wanted
    assert listed(local_stripe) == runs == -(-len(here) // 5)


def test_a_run_that_is_cut_off_keeps_what_it_has_and_the_next_goes_on(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recovery.stripe_gateway.events.PAGE", 5)
    for _each in range(3):
        fails(local_stripe)
    local_stripe.faults.add("429", path="/v1/events", after=1)

    first = reconcile(merchant)

    assert first.state == "failed"
    assert "Stripe can't be asked now" in first.error
    assert first.events_missed == 5
    assert Coverage.objects.get().covered_until == merchant.stripe.connected_at
    second = reconcile(merchant)
    assert second.state == "done"
    assert second.events_read == second.events_missed
    assert not reconcile(merchant).has_drift
