"""A campaign's own charges, against the local Stripe."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dunning import instructions, retries, runs
from dunning.models import DunningMessage, DunningRetry
from recovery.models import (
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    StripeConnection,
)
from tests.connected import asked_to_pay, down, fail_renewal, hear
from tests.dunning.mail.sending import deliver_one
from tests.dunning.own_campaigns import DAY, published, step
from tests.local_stripe import LocalStripe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """A soft decline at a merchant who gave the retries to Recover: charge after 1 and 3 days."""
    published(
        merchant, step("retry", DAY), step("retry", 3 * DAY), step("email", 4 * DAY),
        retries="recover",
    )  # fmt: skip
    return fail_renewal(local_stripe, reason="insufficient_funds", card="pm_card_visa")


def approve(local_stripe: LocalStripe, case: RecoveryCase) -> None:
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)


def take_over(*, now: datetime) -> None:
    for run in runs.claim_to_tell_stripe(now=now):
        instructions.give(run, now=now)


def start(case: RecoveryCase) -> datetime:
    """The run has started and Stripe's own retries are off; when that was."""
    now = timezone.now()
    assert runs.start(case, now=now)
    take_over(now=now)
    return now


def go_on(case: RecoveryCase, *, now: datetime) -> None:
    """One tick of everything that a charge needs, `now` by Stripe's clock too."""
    take_over(now=now)
    runs.take_due_steps(now=now)
    for retry_id in retries.due(now=now):
        retries.work(retry_id, now=now)
    case.refresh_from_db()


def states() -> list[str]:
    return [retry.state for retry in DunningRetry.objects.order_by("id")]


def test_a_step_charges_what_stripe_would_charge_and_the_case_is_recovered(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    approve(local_stripe, case)
    start(case)
    go_on(case, now=timezone.now() + DAY)

    assert states() == ["done"]
    assert (case.status, case.mechanism) == ("recovered", "recover_retry")
    attempt = PaymentAttempt.objects.get(trigger="recover")
    assert (attempt.state, attempt.payment_method_id) == ("succeeded", case.payment_method_id)
    assert len(asked_to_pay(local_stripe)) == 1


def test_an_event_from_before_stripes_retries_were_off_told_late_stops_no_charge(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case)
    RecoveryCase.objects.update(known_at=now, next_payment_attempt_at=now + 2 * DAY)
    go_on(case, now=now + DAY)

    assert states() == ["done"]
    assert (case.next_payment_attempt_at, case.known_at) == (None, now + DAY)


def test_each_step_asks_once_however_often_it_is_worked(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    for later in (0, 1, 2):
        go_on(case, now=now + timedelta(minutes=later))
    assert len(asked_to_pay(local_stripe)) == 1

    go_on(case, now=now + 2 * DAY)
    assert len(asked_to_pay(local_stripe)) == 2
    keys = {attempt.key for attempt in PaymentAttempt.objects.filter(trigger="recover")}
    assert len(keys) == 2


def test_nothing_is_charged_before_stripe_has_confirmed_that_it_will_not(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now() + DAY
    with down(local_stripe, monkeypatch, "/v1/invoice*"):
        runs.start(case, now=now - DAY)
        go_on(case, now=now)
        assert asked_to_pay(local_stripe) == []
        assert (states(), case.retry_driver) == (["due"], "stripe")

    go_on(case, now=now + timedelta(minutes=5))
    assert case.retry_driver == "recover"
    assert len(asked_to_pay(local_stripe)) == 1


def test_nothing_is_charged_before_stripe_has_told_why_the_payment_failed(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    """A card that was reported lost would be charged, for all that is known."""
    now = start(case) + DAY
    RecoveryCase.objects.filter(pk=case.pk).update(enrich_at=now)
    go_on(case, now=now)
    assert asked_to_pay(local_stripe) == []
    assert states() == ["due"]

    RecoveryCase.objects.filter(pk=case.pk).update(enrich_at=None)
    go_on(case, now=now + timedelta(minutes=5))
    assert len(asked_to_pay(local_stripe)) == 1


def test_a_stripe_that_is_down_delays_a_charge_and_never_doubles_it(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = start(case) + DAY
    with down(local_stripe, monkeypatch, "/v1/invoices/*/pay"):
        go_on(case, now=now)
        assert states() == ["due"]

    approve(local_stripe, case)
    go_on(case, now=now + timedelta(minutes=10))
    assert states() == ["done"]
    assert case.status == "recovered"
    assert PaymentAttempt.objects.filter(trigger="recover").count() == 1


def test_a_debt_that_was_paid_meanwhile_is_not_charged(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    hear(local_stripe)
    for retry_id in retries.due(now=now):
        retries.work(retry_id, now=now)

    assert states() == ["refused"]
    assert DunningRetry.objects.get().result == "the case is recovered"
    assert PaymentAttempt.objects.filter(trigger="recover").count() == 0


def test_a_later_step_takes_the_place_of_a_charge_that_still_waits(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = start(case) + DAY
    with down(local_stripe, monkeypatch):
        go_on(case, now=now)
        runs.take_due_steps(now=now + 2 * DAY)
    for minutes in range(0, 60, 10):
        go_on(case, now=now + 2 * DAY + timedelta(minutes=minutes))

    assert states() == ["refused", "done"]
    assert len(asked_to_pay(local_stripe)) == 1


def test_a_code_that_nobody_knows_is_left_to_a_person_after_two_attempts(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(
        merchant, *[step("retry", days * DAY) for days in (1, 3, 5)], retries="recover"
    )  # fmt: skip
    case = fail_renewal(local_stripe, reason="never_seen_before")
    now = start(case)
    for day in range(7):
        go_on(case, now=now + day * DAY + timedelta(minutes=day))

    assert len(asked_to_pay(local_stripe)) <= 2
    assert OperatorTask.objects.filter(case=case, kind="charge_refused").count() == 1
    assert states()[-1] == "refused"


def test_a_customer_without_a_card_is_not_charged(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    from tests.connected import ask

    ask(local_stripe, "POST", f"payment_methods/{case.payment_method_id}/detach")
    go_on(case, now=start(case) + DAY)

    assert states() == ["refused"]
    assert DunningRetry.objects.get().result == "the customer has no payment method"


def test_an_invoice_that_its_customer_pays_by_hand_is_not_charged(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    found = local_stripe.world.find("invoice", case.stripe_invoice_id)
    assert found
    found[1]["collection_method"] = "send_invoice"
    go_on(case, now=start(case) + DAY)

    assert states() == ["refused"]
    assert asked_to_pay(local_stripe) == []
    rule = "the invoice is one that its customer pays by hand"
    assert DunningRetry.objects.get().result == rule
    assert case.timeline.get(rule=rule).kind == "step_skipped"


def test_a_paused_case_is_not_charged_until_it_goes_on(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    RecoveryCase.objects.update(is_paused=True)
    assert retries.due(now=now) == []
    RecoveryCase.objects.update(is_paused=False)
    assert len(retries.due(now=now)) == 1


def test_a_debt_at_another_account_is_not_charged_and_what_was_planned_is_kept(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    StripeConnection.objects.update(account_since=now)

    go_on(case, now=now)

    assert (asked_to_pay(local_stripe), states()) == ([], ["due"])
    assert retries.due(now=now + timedelta(hours=23)) == []


def test_a_case_that_is_paused_while_a_charge_is_claimed_keeps_the_charge(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    (retry_id,) = retries.due(now=now)
    RecoveryCase.objects.update(is_paused=True)
    retries.work(retry_id, now=now)
    assert (states(), asked_to_pay(local_stripe)) == (["due"], [])

    RecoveryCase.objects.update(is_paused=False)
    approve(local_stripe, case)
    go_on(case, now=now + retries.PAUSE_CASE_IS_PAUSED)
    assert (states(), case.status) == (["done"], "recovered")


def test_a_charge_that_could_not_be_asked_for_in_days_is_left_to_a_person_who_hears_why(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    (retry_id,) = retries.due(now=now)
    with down(local_stripe, monkeypatch):
        retries.work(retry_id, now=now)
        retries.work(retry_id, now=now + 2 * DAY)
        assert states() == ["due"]
        retries.work(retry_id, now=now + retries.TOO_LONG + DAY)

    assert states() == ["refused"]
    (task,) = OperatorTask.objects.filter(kind="charge_refused")
    assert "it could not be asked for in three days" in task.summary
    assert not case.timeline.filter(kind="attempt_unresolved").exists()


def test_a_key_that_stripe_no_longer_takes_loses_no_charge(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    now = start(case) + DAY
    approve(local_stripe, case)
    key = merchant.stripe.api_key
    merchant.stripe.api_key = "nonsense"
    merchant.stripe.save()
    go_on(case, now=now)
    assert states() == ["due"]

    merchant.stripe.api_key = key
    merchant.stripe.save()
    go_on(case, now=now + timedelta(hours=1))
    assert (states(), case.status) == (["done"], "recovered")


def test_a_charge_that_a_rule_has_put_off_is_made_before_the_campaign_ends(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    published(merchant, step("retry", DAY), retries="recover", end_action="mark_lost")
    case = fail_renewal(local_stripe, reason="insufficient_funds", card="pm_card_visa")
    now = start(case) + DAY
    runs.take_due_steps(now=now)
    DunningRetry.objects.update(due_at=now + 10 * DAY)
    for day in range(8, 10):
        runs.take_due_steps(now=now + day * DAY)
        take_over(now=now + day * DAY)
    case.refresh_from_db()
    assert case.status == "open"

    approve(local_stripe, case)
    go_on(case, now=now + 10 * DAY)
    assert (states(), case.status) == (["done"], "recovered")


def test_a_mail_waits_for_the_charge_that_is_due_with_it(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    """Else its reader is asked for what is paid a moment later."""
    published(merchant, step("retry", DAY), step("email", DAY), retries="recover")
    case = fail_renewal(local_stripe, reason="insufficient_funds", card="pm_card_visa")
    start(case)
    now = timezone.now() + DAY
    runs.take_due_steps(now=now)
    runs.take_due_steps(now=now)
    message = DunningMessage.objects.get()

    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    assert (message.state, mail.outbox) == ("queued", [])
    assert case.timeline.filter(summary="Mail waits: the money is about to be asked for.").exists()

    go_on(case, now=now)
    deliver_one(message.pk, now=message.due_at)
    message.refresh_from_db()
    assert (states(), message.state) == (["done"], "sent")


def test_a_charge_that_is_late_waits_for_the_morning(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    start(case)
    night = (timezone.now() + 2 * DAY).replace(hour=2, minute=0, second=0, microsecond=0)
    runs.take_due_steps(now=night)
    Merchant.objects.update(send_from_hour=8, send_until_hour=20)

    for retry_id in retries.due(now=night):
        retries.work(retry_id, now=night)

    retry = DunningRetry.objects.get()
    assert (retry.state, retry.due_at) == ("due", night.replace(hour=8))
    assert asked_to_pay(local_stripe) == []
