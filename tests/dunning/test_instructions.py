"""What Stripe is told of a run, against the local Stripe."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from dunning import instructions, runs
from dunning.models import DunningMessage, DunningRun
from recovery.models import Merchant, OperatorTask, RecoveryCase, StripeConnection
from tests.builders import make_merchant
from tests.connected import KEY, ask, down, fail_renewal, hear
from tests.dunning.facts import fail
from tests.dunning.mail.sending import deliver_one
from tests.dunning.own_campaigns import DAY, published, step
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


def start(case: RecoveryCase, *, now: datetime) -> DunningRun:
    run = runs.start(case, now=now)
    assert run
    return run


def tell(*, now: datetime) -> None:
    for run in runs.claim_to_tell_stripe(now=now):
        instructions.give(run, now=now)


def take_the_step(case: RecoveryCase) -> datetime:
    """The run starts and queues its one mail; when that is."""
    now = timezone.now()
    start(case, now=now)
    runs.take_due_steps(now=now)
    return now


def work_to_the_end(case: RecoveryCase) -> datetime:
    """Every step is taken and the last link has expired; when that is."""
    now = take_the_step(case)
    deliver_one(DunningMessage.objects.get().pk, now=now)
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


def test_nothing_is_ended_before_the_last_mail_has_gone_and_its_link_has_expired(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    now = take_the_step(case)
    runs.take_due_steps(now=now + runs.LAST_CHANCE)
    run = DunningRun.objects.get()
    assert (run.state, run.due_at) == ("live", now + runs.LAST_CHANCE + DAY)

    late = now + runs.LAST_CHANCE + DAY / 2
    deliver_one(DunningMessage.objects.get().pk, now=late)
    runs.take_due_steps(now=late + DAY / 2)

    assert runs.claim_to_tell_stripe(now=late + DAY) == []
    assert DunningRun.objects.get().due_at == late + runs.LAST_CHANCE
    runs.take_due_steps(now=late + runs.LAST_CHANCE)
    assert DunningRun.objects.get().state == "finished"


def test_a_mail_that_went_to_somebody_else_because_the_last_one_came_back_is_the_last(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    now = take_the_step(case)
    last = DunningMessage.objects.get()
    deliver_one(last.pk, now=now)
    went = now + 3 * DAY
    DunningMessage.objects.create(
        merchant=merchant, case=case, instead_of=last, state="sent", claimed_at=went,
        sent_at=went, due_at=went,
    )  # fmt: skip

    runs.take_due_steps(now=now + runs.LAST_CHANCE)

    run = DunningRun.objects.get()
    assert (run.state, run.due_at) == ("live", went + runs.LAST_CHANCE)


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


def test_the_end_of_a_campaign_rests_with_a_debt_at_another_account(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="mark_lost")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    later = work_to_the_end(case)
    StripeConnection.objects.update(account_since=later)

    tell(now=later)

    case.refresh_from_db()
    assert (case.status, OperatorTask.objects.count()) == ("open", 0)


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


def test_a_subscription_that_had_ended_before_its_last_invoice_failed_is_over(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    local_stripe.scenarios.cancel(subscription=case.stripe_subscription_id)
    tell(now=end)

    case.refresh_from_db()
    assert (case.status, case.reason) == ("lost", "campaign_ended")
    assert not OperatorTask.objects.exists()


def test_a_payment_that_nobody_has_told_of_yet_costs_nobody_the_subscription(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)  # the webhook is still on its way
    tell(now=end)

    found = ask(local_stripe, "GET", f"subscriptions/{case.stripe_subscription_id}")
    case.refresh_from_db()
    assert (found["status"], case.status) == ("active", "recovered")
    concluded = case.timeline.get(kind="campaign_concluded").summary
    assert concluded == "Not done: cancel subscription; the case is recovered."


@pytest.mark.parametrize("action", ["mark_lost", "cancel_subscription"])
def test_a_paused_case_keeps_its_subscription_until_it_goes_on(
    local_stripe: LocalStripe, merchant: Merchant, action: str
) -> None:
    published(merchant, step("email"), end_action=action)
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    RecoveryCase.objects.update(is_paused=True)
    tell(now=end)
    case.refresh_from_db()
    assert case.status == "open"

    RecoveryCase.objects.update(is_paused=False)
    tell(now=end + DAY)
    hear(local_stripe)
    case.refresh_from_db()
    assert case.status == "lost"


def test_a_key_that_stripe_no_longer_takes_ends_nothing_and_a_better_one_goes_on(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    end = work_to_the_end(case)
    key = merchant.stripe.api_key
    merchant.stripe.api_key = "nonsense"
    merchant.stripe.save()
    for days in (0, 1, 2):
        tell(now=end + days * DAY)

    case.refresh_from_db()
    assert case.status == "open"
    assert [task.kind for task in OperatorTask.objects.all()] == ["stripe_refused"]

    merchant.stripe.api_key = key
    merchant.stripe.save()
    tell(now=end + 3 * DAY)
    hear(local_stripe)
    case.refresh_from_db()
    assert (case.status, case.reason) == ("lost", "subscription_canceled")


def test_a_merchant_without_stripe_can_still_have_debts_marked_lost() -> None:
    merchant = make_merchant()
    published(merchant, step("email"), end_action="mark_lost")
    case = fail()
    end = work_to_the_end(case)
    tell(now=end)

    case.refresh_from_db()
    assert (case.status, case.reason) == ("lost", "campaign_ended")
    told = case.timeline.get(kind="campaign_concluded").summary
    assert told == "Nobody paid, so as the campaign says: mark lost."


def test_what_only_stripe_can_do_is_left_to_a_person_where_there_is_none() -> None:
    merchant = make_merchant()
    published(merchant, step("email"), end_action="cancel_subscription")
    case = fail()
    RecoveryCase.objects.update(stripe_subscription_id="sub_1")
    end = work_to_the_end(case)
    tell(now=end)

    assert OperatorTask.objects.get().summary == (
        "Stripe would not cancel subscription: no Stripe account is connected"
    )
    assert runs.claim_to_tell_stripe(now=end + DAY) == []


def test_a_case_that_is_paid_before_the_hand_over_is_left_as_it_is(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("retry", DAY), retries="recover")
    case = fail_renewal(local_stripe, reason="insufficient_funds")
    start(case, now=timezone.now())
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    hear(local_stripe)
    tell(now=timezone.now())

    case.refresh_from_db()
    assert (case.status, case.retry_driver) == ("recovered", "stripe")
    assert not case.timeline.filter(kind="retries_taken_over").exists()
