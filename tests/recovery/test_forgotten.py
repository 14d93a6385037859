"""A worker died between asking for money and writing the answer down, and nobody asks again."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from recovery import attempts, cases, forgotten, tasks
from recovery.models import Merchant, OperatorTask, PaymentAttempt, RecoveryCase
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from tests.builders import receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    asked_for_money,
    failed_payment,
    realm,
    stripe_is_down,
    told,
)
from tests.recovery.test_retries import made, retry, taken_over

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class KilledError(BaseException):
    """What a worker can't catch."""


def failed_yesterday(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    case = taken_over(local_stripe, merchant)
    case.attempts.update(attempted_at=timezone.now() - DAY)
    for charge in realm(local_stripe).all("charge"):
        charge["created"] -= int(DAY.total_seconds())
    return case


def die(*_: object, **__: object) -> None:
    raise KilledError


def killed(case: RecoveryCase, where: str, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A worker that died at `where` of its retry, and when it claimed it."""
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(where, die)
        with pytest.raises(KilledError):
            retry(case, now=now)
    assert made(case)[0].state == "claimed"
    return now


ASKING, RECORDING = "recovery.attempts._demand", "recovery.recording.record"


def sweep(now: datetime) -> int:
    batch = forgotten.claim(now=now)
    for attempt in batch:
        forgotten.settle(attempt, now=now)
    forgotten.look_after_payments(now=now)
    return len(batch)


def test_a_claim_is_forgotten_after_two_minutes_and_looked_up_every_ten(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, ASKING, monkeypatch)
    assert sweep(at + 2 * MINUTE - timedelta(microseconds=1)) == 0
    with stripe_is_down(local_stripe):
        found = [sweep(at + minutes * MINUTE) for minutes in range(2, 30)]

    assert [minutes for minutes, count in enumerate(found, 2) if count] == [2, 12, 22]
    assert made(case)[0].state == "claimed"
    assert OperatorTask.objects.count() == 0


def test_what_stripe_was_never_asked_for_is_released_and_may_be_asked_for_anew(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, ASKING, monkeypatch)

    sweep(at + 2 * MINUTE)

    assert made(case) == []
    assert case.timeline.filter(
        summary="Not charged: Stripe took no money by this attempt."
    ).exists()
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)
    assert retry(case, now=at + DAY).outcome == "paid"


@pytest.mark.parametrize("is_told", [True, False])
def test_what_stripe_was_paid_by_it_is_recovers_own_success(
    local_stripe: LocalStripe,
    merchant: Merchant,
    monkeypatch: pytest.MonkeyPatch,
    is_told: bool,
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)
    at = killed(case, RECORDING, monkeypatch)
    if is_told:
        receive(*told(local_stripe, "invoice.paid"), merchant=merchant)
        case.refresh_from_db()
        assert (case.status, case.mechanism) == ("recovered", "customer_paid")

    sweep(at + 2 * MINUTE)

    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "recover_retry")
    assert made(case)[0].state == "succeeded"
    assert asked_for_money(local_stripe) == [200]


def test_what_was_declined_is_kept_as_declined(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, RECORDING, monkeypatch)

    sweep(at + 2 * MINUTE)

    assert [(one.state, one.decline_code) for one in made(case)] == [
        ("failed", "insufficient_funds")
    ]
    assert asked_for_money(local_stripe) == [402]


@pytest.mark.parametrize("status", ["processing", "requires_capture"])
def test_what_a_bank_works_on_is_pending(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, RECORDING, monkeypatch)
    realm(local_stripe).get("payment_intent", case.stripe_payment_intent_id)["status"] = status

    sweep(at + 2 * MINUTE)

    assert made(case)[0].state == "pending"
    assert attempts.is_under_way(case)


def test_what_the_customer_paid_with_another_card_is_not_explained_by_a_forgotten_claim(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, ASKING, monkeypatch)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    receive(*told(local_stripe, "invoice.paid"), merchant=merchant)

    sweep(at + 2 * MINUTE)

    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "customer_paid")
    assert made(case) == []


def test_what_was_asked_for_again_meanwhile_is_not_released(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, ASKING, monkeypatch)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    [attempt] = forgotten.claim(now=at + 2 * MINUTE)
    PaymentAttempt.objects.update(asked_at=at + 3 * MINUTE)

    forgotten.settle(attempt, now=at + 3 * MINUTE)

    assert made(case)[0].state == "claimed"


def test_a_later_attempt_with_the_same_card_is_not_taken_for_the_forgotten_one(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    local_stripe.scenarios.set_outcome(payment_method=case.payment_method_id)
    at = killed(case, ASKING, monkeypatch)
    PaymentAttempt.objects.filter(trigger="recover").update(attempted_at=at - 5 * MINUTE)
    retry(case, "1.2", now=at)

    sweep(at)

    assert [one.state for one in made(case)] == ["succeeded"]


def test_what_can_never_be_told_becomes_a_task_once(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_payment(local_stripe, merchant)
    PaymentAttempt.objects.create(
        merchant=merchant, case=case, trigger="customer", state="claimed", key="k", amount=4900,
        payment_method_id="pm_1", currency="usd", attempted_at=timezone.now(),
    )  # fmt: skip
    now = timezone.now()
    with stripe_is_down(local_stripe):
        sweep(now + 22 * HOUR)
        assert OperatorTask.objects.count() == 0
        for hours in range(28, 60, 6):
            sweep(now + hours * HOUR)

    task = OperatorTask.objects.get()
    assert (task.case, task.kind) == (case, "charge_unresolved")
    assert task.summary.startswith("Whether a charge was made is not known, see in Stripe: ")


def test_a_pending_charge_whose_end_no_event_told_is_looked_up(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    now = timezone.now()
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        retry(case, now=now)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    assert sweep(now + 22 * HOUR) == 0

    assert sweep(now + DAY) == 1

    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "customer_paid")
    assert made(case) == []


@pytest.mark.parametrize("is_one_time", [True, False])
def test_money_under_way_is_asked_about_daily(
    local_stripe: LocalStripe, merchant: Merchant, is_one_time: bool
) -> None:
    make = failed_payment if is_one_time else failed_yesterday
    case = make(local_stripe, merchant)
    now = timezone.now()
    cases.note_payment(case=case, is_under_way=True, at=now)
    with stripe_is_down(local_stripe):
        sweep(now + 20 * DAY)
    sweep(now + DAY - MINUTE)
    assert attempts.is_under_way(case)

    sweep(now + DAY)

    assert not attempts.is_under_way(case)


def test_money_that_nobody_can_be_asked_about_is_not_waited_for_for_ever(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    now = timezone.now()
    cases.note_payment(case=case, is_under_way=True, at=now)
    with stripe_is_down(local_stripe):
        sweep(now + 21 * DAY)

    assert not attempts.is_under_way(case)


def test_the_timetable_looks_up_what_was_forgotten(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    killed(case, RECORDING, monkeypatch)
    PaymentAttempt.objects.filter(trigger="recover").update(
        attempted_at=timezone.now() - 2 * MINUTE
    )
    tasks.look_up_charges()

    assert made(case)[0].state == "failed"


def test_what_stripe_gives_no_reason_for_is_left_to_a_person(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_yesterday(local_stripe, merchant)
    at = killed(case, RECORDING, monkeypatch)
    intent = realm(local_stripe).get("payment_intent", case.stripe_payment_intent_id)
    intent["last_payment_error"] = None

    sweep(at + 2 * MINUTE)
    assert OperatorTask.objects.count() == 0
    sweep(at + 23 * HOUR)

    assert made(case)[0].state == "claimed"
    assert OperatorTask.objects.get().summary == (
        "Whether a charge was made is not known, see in Stripe: "
        "the payment requires payment method."
    )
