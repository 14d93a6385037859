"""Charges that are not made: by a rule, for want of a permission, or with nothing left to pay."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import attempts, cases, operator_charges, recording
from recovery.attempts import ChargeResult, Outcome
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Trigger
from recovery.stripe_objects import PaymentMethod
from tests.builders import EXPIRED_CARD, make_merchant, receive
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    asked_for_money,
    charge,
    failed_payment,
    failed_renewal,
    new_card,
    ours,
    realm,
    sdk,
    stripe_is_down,
    told,
    told_on,
)

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=3)  # when a claim is surely nobody's any more


# --- by a rule --------------------------------------------------------------------------------


def refusal(case: RecoveryCase) -> tuple[str, str, str]:
    entry = case.timeline.get(kind="attempt_refused")
    return entry.summary, entry.rule, entry.source


@pytest.mark.parametrize(
    ("reason", "rule"),
    [
        ("lost_card", "advice_code do_not_try_again"),
        ("expired_card", "advice_code confirm_card_data"),
        ("do_not_honor", ""),
    ],
)
def test_the_card_that_failed_is_asked_again_only_if_its_decline_allows_it(
    local_stripe: LocalStripe, merchant: Merchant, reason: str, rule: str
) -> None:
    case = failed_renewal(local_stripe, merchant, reason)
    RecoveryCase.objects.update(next_payment_attempt_at=None)

    result = charge(case, case.payment_method_id)

    if not rule:
        assert result == ChargeResult(Outcome.DECLINED)
        assert asked_for_money(local_stripe) == [402]
        return
    assert result == ChargeResult(Outcome.REFUSED, rule)
    assert asked_for_money(local_stripe) == []
    assert case.attempts.count() == 1
    summary, named, source = refusal(case)
    assert (summary, named) == (f"Not charged: {rule}.", rule)
    assert source.startswith("docs.stripe.com/declines/")


def test_a_rule_that_refuses_twice_is_told_once(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, "lost_card")

    charge(case, case.payment_method_id)
    charge(case, case.payment_method_id)

    assert [kind for kind, _summary in told_on(case)].count("attempt_refused") == 1


def test_the_failed_card_is_left_alone_while_stripes_own_retry_is_about_to_happen(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    soon = timezone.now() + timedelta(hours=2)
    RecoveryCase.objects.update(next_payment_attempt_at=soon)

    result = charge(case, case.payment_method_id)

    assert result == ChargeResult(
        Outcome.NOT_YET, "Stripe's own retry is about to happen", soon + timedelta(hours=1)
    )
    assert refusal(case)[2] == "invoice.next_payment_attempt"
    assert asked_for_money(local_stripe) == []


def test_a_paused_case_is_charged_for_nobody_but_the_customer_who_is_there(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    RecoveryCase.objects.update(is_paused=True)

    refused = charge(case, method, is_customer_present=False)

    assert refused == ChargeResult(Outcome.REFUSED, "the case is paused")
    assert refusal(case)[1:] == ("the case is paused", "the merchant's own decision")
    assert asked_for_money(local_stripe) == []
    assert case.attempts.count() == 1
    assert charge(case, method) == ChargeResult(Outcome.PAID)


def test_a_case_that_was_given_up_is_charged_once_more_if_the_customer_pays(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    now = timezone.now()
    cases.advance(case=case, trigger=Trigger.OPERATOR_CLOSED, at=now, now=now, once="test")

    assert charge(case, new_card(local_stripe, case)) == ChargeResult(Outcome.PAID)

    case.refresh_from_db()
    assert (case.status, case.mechanism) == ("recovered", "card_update")


def test_a_voided_case_is_never_charged(local_stripe: LocalStripe, merchant: Merchant) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now()
    cases.advance(case=case, trigger=Trigger.DISPUTED, at=now, now=now, once="test")
    local_stripe.requests.clear()

    result = charge(case, method)

    assert result == ChargeResult(Outcome.REFUSED, "the case is voided")
    assert local_stripe.requests == []


def test_a_claim_of_a_case_that_was_voided_meanwhile_is_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    now = timezone.now()
    with stripe_is_down(local_stripe, "*/pay"):
        charge(case, method, now=now)
    local_stripe.requests.clear()
    cases.advance(case=case, trigger=Trigger.DISPUTED, at=now, now=now, once="test")

    result = charge(case, method, now=now + LATER)

    assert result == ChargeResult(Outcome.REFUSED, "the case is voided")
    assert asked_for_money(local_stripe) == []
    assert ours(case).state == "claimed"


# --- by the key -------------------------------------------------------------------------------


def test_a_key_without_the_permission_charges_nothing_until_it_has_it(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.world.restrict(KEY, missing={"rak_invoice_write"})

    refused = charge(case, method)

    why = "The Stripe key lacks the permission rak_invoice_write."
    assert refused == ChargeResult(Outcome.REFUSED, why)
    assert case.attempts.count() == 1
    assert told_on(case)[-1] == ("attempt_refused", f"Not charged: {why}")
    local_stripe.world.restrict(KEY, missing=set())
    assert charge(case, method) == ChargeResult(Outcome.PAID)


def test_a_disconnected_merchant_charges_nothing_and_stripe_is_not_asked(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()
    local_stripe.requests.clear()

    result = charge(RecoveryCase.objects.get(), method)

    assert result == ChargeResult(
        Outcome.REFUSED, "The merchant's Stripe account was disconnected."
    )
    assert local_stripe.requests == []
    assert case.attempts.count() == 1


def test_a_payment_method_that_stripe_does_not_know_is_refused_and_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)

    refused = charge(case, "pm_of_somebody_else")

    assert refused.outcome == Outcome.REFUSED
    assert refused.rule.startswith("No such PaymentMethod: 'pm_of_somebody_else'")
    assert ours(case).error == refused.rule
    assert charge(case, "pm_of_somebody_else") == refused
    assert asked_for_money(local_stripe) == [400]


def test_a_one_time_payment_refused_in_words_of_stripes_own_is_kept_with_them(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    stranger = local_stripe.scenarios.subscriber(key=KEY)["payment_method"]

    refused = charge(case, stranger)

    assert refused.outcome == Outcome.REFUSED
    assert "belongs to a customer" in refused.rule
    assert (ours(case).state, ours(case).error) == ("failed", refused.rule)


# --- there is nothing to charge any more ------------------------------------------------------


def test_an_invoice_that_was_paid_elsewhere_recovers_the_case_but_not_by_the_new_card(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)

    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "customer_paid",
    )  # fmt: skip
    assert case.attempts.count() == 1
    assert ("attempt_refused", "Not charged: it was paid already") in told_on(case)
    assert "attempt_succeeded" not in [kind for kind, _summary in told_on(case)]


def test_what_is_paid_while_the_card_is_looked_at_is_not_charged(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    look = attempts._method

    def paid_meanwhile(*asked: Any) -> PaymentMethod:
        local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
        receive(*told(local_stripe, "invoice.paid"))
        return look(*asked)

    monkeypatch.setattr(attempts, "_method", paid_meanwhile)

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)
    assert asked_for_money(local_stripe) == []
    assert case.attempts.filter(trigger="customer").count() == 0


def test_an_invoice_that_the_merchant_was_paid_for_elsewhere_came_back_out_of_band(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    sdk(merchant).invoices.pay(case.stripe_invoice_id, {"paid_out_of_band": True})

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)

    case.refresh_from_db()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "out_of_band",
    )  # fmt: skip


def test_an_invoice_that_was_settled_without_money_is_voided_and_counts_nothing(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    realm(local_stripe).tables["invoice"][case.stripe_invoice_id]["amount_paid"] = 0

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)

    case.refresh_from_db()
    assert (case.status, case.reason, case.amount_recovered) == ("voided", "nothing_due", 0)


def test_an_invoice_that_was_paid_elsewhere_is_told_as_paid_even_before_the_case_knows(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    local_stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    local_stripe.faults.add("reset", method="GET", path="/v1/invoice*", times=9)

    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)
    case.refresh_from_db()
    assert case.status == "open"
    assert charge(case, method) == ChargeResult(Outcome.ALREADY_PAID)


@pytest.mark.parametrize("end", ["void", "mark_uncollectible"])
def test_an_invoice_that_is_no_longer_open_is_not_charged(
    local_stripe: LocalStripe, merchant: Merchant, end: str
) -> None:
    case = failed_renewal(local_stripe, merchant)
    method = new_card(local_stripe, case)
    getattr(local_stripe.scenarios, end)(invoice=case.stripe_invoice_id)

    result = charge(case, method)

    assert result == ChargeResult(Outcome.REFUSED, "the invoice is no longer open")
    assert charge(case, method) == result
    assert (ours(case).state, ours(case).error) == ("failed", "the invoice is no longer open")
    assert told_on(case)[-1] == ("attempt_refused", "Not charged: the invoice is no longer open")


def test_a_one_time_payment_that_succeeded_elsewhere_is_recovered_and_not_charged_again(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case)
    other = new_card(local_stripe, case, "pm_card_mastercard")
    local_stripe.clock.advance(hours=1)
    sdk(merchant).payment_intents.confirm(case.stripe_payment_intent_id, {"payment_method": other})

    result = charge(case, method, now=timezone.now() + timedelta(hours=1))

    assert result == ChargeResult(Outcome.ALREADY_PAID)
    case.refresh_from_db()
    assert (case.status, case.amount_recovered) == ("recovered", 2500)
    assert len([one for one in realm(local_stripe).all("charge") if one["paid"]]) == 1


def test_a_one_time_payment_that_was_canceled_is_not_charged(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_payment(local_stripe, merchant)
    method = new_card(local_stripe, case)
    sdk(merchant).payment_intents.cancel(case.stripe_payment_intent_id)

    result = charge(case, method)

    assert result == ChargeResult(Outcome.REFUSED, "the payment is no longer open")
    case.refresh_from_db()
    assert case.amount_recovered == 0


def test_what_keeps_stripe_from_being_asked_is_told_as_it_is_answered() -> None:
    receive(EXPIRED_CARD, merchant=make_merchant())
    case = RecoveryCase.objects.get()

    result = operator_charges.charge(case=case, step="x", actor="jo", now=timezone.now())

    assert result.outcome is Outcome.REFUSED
    assert refusal(case)[1:] == (result.rule, result.source)
    assert result.source == recording.CONNECTION
