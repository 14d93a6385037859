"""What Stripe is told of a run, against the local Stripe."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from dunning import instructions, runs
from dunning.models import DunningRun
from recovery.models import Merchant, OperatorTask, RecoveryCase
from tests.connected import KEY, ask, down, fail_renewal, hear
from tests.dunning.plans import DAY, published, step
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


def start(case: RecoveryCase, *, now: datetime) -> DunningRun:
    run = runs.start(case, now=now)
    assert run
    return run


def tell(*, now: datetime) -> None:
    for run in runs.claim_to_tell_stripe(now=now):
        instructions.give(run, now=now)


def work_to_the_end(case: RecoveryCase) -> datetime:
    """Every step is taken and the last link has expired; when that is."""
    now = timezone.now()
    start(case, now=now)
    runs.take_due_steps(now=now)
    later = now + runs.LAST_CHANCE
    runs.take_due_steps(now=later - timedelta(seconds=1))
    assert DunningRun.objects.get().state == "live"
    runs.take_due_steps(now=later)
    return later


def test_stripe_stops_its_own_retries_when_recover_is_to_ask_for_the_money(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("retry", DAY), retries="recover")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    assert case.next_payment_attempt_at
    start(case, now=timezone.now())
    tell(now=timezone.now())

    case.refresh_from_db()
    assert case.retry_driver == "recover"
    assert case.next_payment_attempt_at is None
    invoice = ask(local_stripe, "GET", f"invoices/{case.stripe_invoice_id}")
    assert (invoice["auto_advance"], invoice["next_payment_attempt"]) == (False, None)
    assert case.timeline.filter(kind="retries_taken_over").count() == 1
    assert runs.claim_to_tell_stripe(now=timezone.now() + DAY) == []


def test_stripe_goes_on_by_itself_where_the_merchant_leaves_it_the_retries(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    start(case, now=timezone.now())
    assert runs.claim_to_tell_stripe(now=timezone.now()) == []
    invoice = ask(local_stripe, "GET", f"invoices/{case.stripe_invoice_id}")
    assert invoice["next_payment_attempt"]


def test_a_stripe_that_is_down_is_told_later(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(merchant, step("retry", DAY), retries="recover")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    now = timezone.now()
    start(case, now=now)
    with down(local_stripe, monkeypatch):
        tell(now=now)
    case.refresh_from_db()
    assert case.retry_driver == "stripe"
    assert runs.claim_to_tell_stripe(now=now) == []

    tell(now=now + timedelta(minutes=1))
    case.refresh_from_db()
    assert case.retry_driver == "recover"


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ("mark_lost", "campaign_ended"),
        ("cancel_subscription", "subscription_canceled"),
        ("mark_uncollectible", "marked_uncollectible"),
    ],
)
def test_a_campaign_ends_as_the_merchant_chose_once_the_last_link_has_expired(
    local_stripe: LocalStripe, merchant: Merchant, action: str, reason: str
) -> None:
    published(merchant, step("email"), end_action=action)
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    tell(now=end)
    hear(local_stripe)

    case.refresh_from_db()
    assert (case.status, case.reason) == ("lost", reason)
    run = DunningRun.objects.get()
    assert run.state == "finished"
    assert run.reason.startswith("every step was taken; then: ")
    assert runs.claim_to_tell_stripe(now=end + DAY) == []


def test_by_default_a_debt_is_left_open_when_every_step_was_taken(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"))
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    now = timezone.now()
    start(case, now=now)
    runs.take_due_steps(now=now)

    case.refresh_from_db()
    assert (case.status, DunningRun.objects.get().state) == ("open", "finished")
    assert runs.claim_to_tell_stripe(now=now + 90 * DAY) == []


def test_a_debt_that_was_paid_at_the_last_moment_costs_nobody_the_subscription(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    hear(local_stripe)
    tell(now=end)

    found = ask(local_stripe, "GET", f"subscriptions/{case.stripe_subscription_id}")
    assert found["status"] == "active"
    case.refresh_from_db()
    assert case.status == "recovered"


def test_what_stripe_refuses_is_left_to_a_person(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    local_stripe.world.restrict(KEY, missing={"rak_subscription_write"})
    tell(now=end)

    task = OperatorTask.objects.get()
    assert (task.case, task.kind) == (case, "stripe_refused")
    assert task.summary.startswith("Stripe would not cancel subscription: ")
    case.refresh_from_db()
    assert case.status == "open"
    assert runs.claim_to_tell_stripe(now=end + DAY) == []
