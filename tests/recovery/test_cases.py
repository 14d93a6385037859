"""The life of a case: how it opens, what moves it, and what leaves it where it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from recovery import cases, failures
from recovery.cases import Payment
from recovery.declines import Decline
from recovery.models import Merchant, RecoveryCase, StripeEvent
from recovery.state_machine import Trigger
from recovery.stripe_objects import Failure, PaymentMethod
from recovery.tasks import process_inbox
from tests.builders import event, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    charge,
    failed_payment,
    failed_renewal,
    new_card,
    ours,
    realm,
    told,
)
from tests.recovery.test_ingest import DAY, T0, failed, failing, intent, invoice, money_back, paid

pytestmark = pytest.mark.django_db


def only() -> RecoveryCase:
    return RecoveryCase.objects.get()


def one_time(type_: str, at: int, **facts: Any) -> dict[str, Any]:
    return event(f"payment_intent.{type_}", intent(**facts), created=at)


# --- opening ----------------------------------------------------------------------------------


def test_an_invoice_opens_one_case_with_what_stripe_said_of_it() -> None:
    make_merchant()
    receive(failed(1, 0), failed(2, 2))
    case = only()
    assert (case.stripe_invoice_id, case.stripe_subscription_id) == ("in_1", "sub_1")
    assert (case.amount, case.currency, case.attempt_count) == (4900, "eur", 2)
    assert case.failed_at == datetime.fromtimestamp(T0, tz=UTC)
    assert case.customer_email == "jo@x.org"


def test_an_invoice_without_an_address_opens_a_case_that_nobody_is_written_to() -> None:
    make_merchant()
    receive(event("invoice.payment_failed", invoice(customer_email=None)))
    assert only().customer_email == ""
    receive(event("invoice.payment_failed", invoice("in_2", customer_email=None, customer=None)))
    assert RecoveryCase.objects.get(stripe_invoice_id="in_2").customer is None


@pytest.mark.parametrize("currency", ["jpy", "kwd", "usd"])
def test_amounts_stay_in_the_minor_units_that_stripe_gave(currency: str) -> None:
    make_merchant()
    receive(
        event("invoice.payment_failed", invoice(currency=currency.upper(), amount_remaining=1001)),
        paid(1, currency=currency, amount_paid=1001),
    )
    assert (only().currency, only().amount, only().amount_recovered) == (currency, 1001, 1001)


@pytest.mark.parametrize("amount", [0, -500])
def test_what_owes_nothing_opens_nothing(amount: int) -> None:
    make_merchant()
    receive(
        event("invoice.payment_failed", invoice(amount_due=amount, amount_remaining=amount)),
        one_time("payment_failed", T0, amount=amount),
    )
    assert RecoveryCase.objects.count() == 0


def test_an_invoice_that_was_credited_down_to_nothing_meanwhile_opens_nothing(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(key=KEY)
    stored = realm(local_stripe).tables["invoice"][ids["invoice"]]
    stored |= {"amount_due": 0, "amount_remaining": 0, "status": "paid"}
    receive(*told(local_stripe, "invoice.payment_failed"))
    assert RecoveryCase.objects.count() == 0


def test_an_invoices_payment_opens_the_invoices_case_if_its_own_event_never_came(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="lost_card", key=KEY)
    receive(*told(local_stripe, "payment_intent.payment_failed"))
    assert (only().stripe_invoice_id, only().decline_code) == (ids["invoice"], "lost_card")


def test_nothing_concerns_an_object_without_an_id() -> None:
    merchant = make_merchant()
    receive(one_time("payment_failed", T0))
    assert cases.concerning(merchant, "") == []
    assert cases.concerning(merchant, "pi_1") == [only()]


# --- one-time payments ------------------------------------------------------------------------


def test_a_one_time_payments_case_is_never_there_without_why_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that died in between left a case that was taken up as if nobody knew why."""
    make_merchant()
    failure = one_time("payment_failed", 0, **failing("ch_1", "lost_card"))
    with monkeypatch.context() as patch:
        patch.setattr(failures, "record", mock.Mock(side_effect=RuntimeError))
        receive(failure)
    assert not RecoveryCase.objects.exists()

    StripeEvent.objects.update(due_at=timezone.now())
    process_inbox()

    assert only().decline_code == "lost_card"


def test_a_one_time_payments_customer_is_left_alone_while_it_settles() -> None:
    make_merchant()
    receive(one_time("payment_failed", T0))
    case = only()
    assert case.settles_at == case.failed_at + timedelta(minutes=30)
    assert (case.is_one_time, case.amount, case.currency) == (True, 2500, "eur")


@pytest.mark.parametrize(
    ("seconds", "status", "reason"),
    [
        (1800, "voided", "paid_while_settling"),
        (1801, "recovered", "payment_succeeded"),
    ],
)
def test_settling_ends_after_exactly_half_an_hour(seconds: int, status: str, reason: str) -> None:
    make_merchant()
    receive(
        one_time("payment_failed", T0),
        one_time("succeeded", T0 + seconds, amount_received=2500),
    )
    assert (only().status, only().reason) == (status, reason)


def test_an_earlier_failure_heard_late_shows_that_the_payment_had_settled() -> None:
    make_merchant()
    receive(
        one_time("payment_failed", T0 + 1000),
        one_time("succeeded", T0 + 2000, amount_received=2500),
    )
    assert only().status == "voided"
    receive(one_time("payment_failed", T0))
    assert (only().status, only().reason) == ("recovered", "payment_succeeded")
    assert only().amount_recovered == 2500


def test_a_canceled_one_time_payment_was_never_owed() -> None:
    make_merchant()
    receive(one_time("payment_failed", T0), one_time("canceled", T0 + DAY))
    assert (only().status, only().reason) == ("voided", "payment_canceled")


def test_what_an_invoices_payment_tells_is_left_to_the_invoice() -> None:
    make_merchant()
    receive(
        failed(1, 0),
        one_time("succeeded", T0 + DAY, invoice="in_1", amount_received=4900),
        one_time("canceled", T0 + DAY, invoice="in_1"),
    )
    assert (only().status, only().amount_recovered) == ("open", 0)


def test_a_one_time_payments_buyer_is_asked_for_where_the_event_names_no_address(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    local_stripe.scenarios.one_time_fails(email="sam@x.org", key=KEY)
    [failure] = told(local_stripe, "payment_intent.payment_failed")
    failure["data"]["object"]["receipt_email"] = None
    failure["data"]["object"]["last_payment_error"]["payment_method"]["billing_details"] = {}
    receive(failure)
    assert only().customer_email == "sam@x.org"


# --- money that came and went -----------------------------------------------------------------


@pytest.mark.parametrize("attempts", [1, 2])
def test_how_the_money_came_is_told_by_the_attempts_that_stripe_counted(attempts: int) -> None:
    make_merchant()
    receive(failed(1, 0), paid(3, attempt_count=attempts))
    assert only().mechanism == {1: "customer_paid", 2: "stripe_retry"}[attempts]


def test_an_invoice_paid_out_of_band_says_so() -> None:
    make_merchant()
    receive(failed(1, 0), paid(3, amount_paid=0, amount_paid_off_stripe=4900))
    assert (only().mechanism, only().amount_recovered) == ("out_of_band", 4900)
    receive(failed(2, 1))
    assert only().mechanism == "out_of_band"


def test_an_invoice_paid_with_nothing_is_voided() -> None:
    make_merchant()
    receive(failed(1, 0), paid(3, amount_paid=0))
    assert (only().status, only().reason, only().amount_recovered) == ("voided", "nothing_due", 0)


def test_a_partial_refund_lowers_what_counts_and_leaves_the_case_recovered() -> None:
    make_merchant()
    back = money_back("charge.refunded", 4, amount_refunded=900)
    receive(failed(1, 0, "in_3"), paid(3, "in_3"), back)
    assert (only().status, only().amount_recovered, only().amount_refunded) == (
        "recovered", 4900, 900,
    )  # fmt: skip
    entry = only().timeline.get(kind="refund")
    assert (entry.summary, entry.actor) == ("9.00 EUR of the payment went back in all.", "stripe")


@pytest.mark.parametrize(
    ("type_", "facts", "reason"),
    [
        ("charge.refunded", {"amount_refunded": 4900}, "refunded"),
        ("charge.dispute.created", {"object": "dispute", "charge": "ch_3"}, "disputed"),
    ],
)
@pytest.mark.parametrize("is_late", [True, False])
def test_a_payment_that_went_back_whole_is_voided_in_either_order(
    type_: str, facts: dict[str, Any], reason: str, is_late: bool
) -> None:
    make_merchant()
    history = [paid(3, "in_3"), money_back(type_, 4, **facts)]
    receive(failed(1, 0, "in_3"), *(history if is_late else history[::-1]))
    assert (only().status, only().reason) == ("voided", reason)
    assert (only().amount_recovered, only().amount_refunded) == (4900, 4900)


def test_the_greatest_refund_is_kept_whatever_order_they_come_in() -> None:
    make_merchant()
    back = [money_back("charge.refunded", 4, amount_refunded=amount) for amount in (900, 500)]
    receive(failed(1, 0, "in_3"), paid(3, "in_3"), *back)
    assert only().amount_refunded == 900


# --- what leaves it where it is ---------------------------------------------------------------


def test_what_changes_nothing_is_told_once_with_its_reason() -> None:
    make_merchant()
    receive(failed(1, 0), event("invoice.voided", invoice(), created=T0 + DAY))
    now = timezone.now()
    for _again in range(2):
        cases.pay(
            case=only(), trigger=Trigger.INVOICE_PAID, payment=Payment(4900), at=now, now=now,
            once="test",
        )  # fmt: skip
    assert only().status == "voided"
    stayed = only().timeline.get(kind="stayed")
    assert stayed.summary == "Invoice paid: nothing was owed, so nothing can change that."


def test_an_older_fact_does_not_replace_a_newer_one() -> None:
    make_merchant()
    newer = event("invoice.updated", invoice(number="B"), created=T0 + 2 * DAY)
    older = event("invoice.updated", invoice(number="A"), created=T0 + DAY)
    receive(failed(1, 0), newer, older)
    assert only().invoice_number == "B"


def test_stripes_next_retry_is_known_from_whichever_event_tells_it() -> None:
    make_merchant()
    told_later = invoice(next_payment_attempt=T0 + 9 * DAY)
    receive(failed(1, 0), event("invoice.payment_action_required", told_later, created=T0 + 30))
    assert only().next_payment_attempt_at == datetime.fromtimestamp(T0 + 9 * DAY, tz=UTC)


def test_a_case_shows_no_decline_of_an_attempt_that_could_not_be_made(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, "lost_card")
    charge(case, "pm_of_somebody_else")
    cases.project_decline(case)
    case.refresh_from_db()
    assert case.decline_code == "lost_card"


def test_a_case_without_a_failed_attempt_keeps_the_decline_it_opened_with(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    case.attempts.all().delete()
    cases.project_decline(case)
    case.refresh_from_db()
    assert case.decline_code == "insufficient_funds"


def test_a_failure_heard_just_after_our_charge_went_through_is_not_told_as_that_charges(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    charge(case, new_card(local_stripe, case))
    at = ours(case).attempted_at
    declined = Failure(Decline(decline_code="do_not_honor"), PaymentMethod(), "ch_stripes_own")

    failures.record(case=case, failure=declined, key="in#2", at=at, now=at)

    assert (ours(case).state, ours(case).stripe_charge_id) == ("succeeded", "")
    assert case.attempts.get(stripe_charge_id="ch_stripes_own").trigger == "stripe"


def test_a_claim_that_waits_for_the_cardholder_is_not_failed_by_what_is_heard_meanwhile(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    charge(case, new_card(local_stripe, case, "pm_card_threeDSecure2Required"))
    at = ours(case).attempted_at
    declined = Failure(Decline(code="authentication_required"), PaymentMethod(), "ch_absent")

    failures.record(case=case, failure=declined, key=ours(case).key, at=at, now=at)

    assert ours(case).state == "requires_action"
