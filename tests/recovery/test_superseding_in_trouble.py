"""A one-time payment is never paid twice, whatever fails or happens between the steps."""

from typing import Any

import pytest
from django.utils import timezone

from recovery import checkouts, settling, superseding
from recovery.attempts import Outcome
from recovery.checkouts import NotPayableError
from recovery.models import Checkout, Merchant, RecoveryCase
from recovery.stripe_errors import (
    MissingPermissionError,
    NotConnectedError,
    RefusedError,
    StripeUnavailableError,
)
from recovery.stripe_gateway import StripeGateway
from recovery.tasks import look_after_checkouts
from tests.connected import down
from tests.local_stripe import LocalStripe
from tests.recovery.purchases import (
    BACK,
    GOOD,
    age_checkouts,
    failed_purchase,
    hear_all,
    intents,
    money_taken,
    sessions,
    set_out,
    standing,
    states,
    type_in,
)
from tests.recovery.stories import (
    KEY,
    charge,
    new_card,
    realm,
    sdk,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    return failed_purchase(local_stripe, merchant)


# --- the failed payment was quicker -----------------------------------------------------------


@pytest.mark.parametrize("status", ["succeeded", "processing", "requires_capture"])
def test_a_payment_that_went_on_by_itself_is_not_asked_for_once_more(
    local_stripe: LocalStripe, case: RecoveryCase, status: str
) -> None:
    intent = realm(local_stripe).tables["payment_intent"][case.stripe_payment_intent_id]
    intent |= {"status": status, "amount_received": 2500 if status == "succeeded" else 0}

    with pytest.raises(NotPayableError):
        set_out(case)

    assert sessions(local_stripe) == []
    case.refresh_from_db()
    assert case.is_payment_under_way == (status != "succeeded")
    assert case.status == ("voided" if status == "succeeded" else "open")  # still typing


@pytest.mark.parametrize("status", ["succeeded", "processing"])
def test_a_payment_that_goes_on_while_the_page_is_made_ends_that_page(
    local_stripe: LocalStripe, case: RecoveryCase, status: str
) -> None:
    intent = realm(local_stripe).tables["payment_intent"][case.stripe_payment_intent_id]

    def go_on(exchange: Any) -> None:
        if exchange.operation == "POST /v1/checkout/sessions":
            intent["status"] = status

    local_stripe._on_exchange = go_on
    with pytest.raises(NotPayableError):
        set_out(case)

    assert sessions(local_stripe) == ["expired"]
    assert states(case) == ["closed"]
    assert not checkouts.is_given_up(case)
    case.refresh_from_db()
    assert case.is_payment_under_way == (status == "processing")


def test_a_bank_that_works_on_what_was_paid_at_checkout_is_waited_for(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    intent = realm(local_stripe).all("payment_intent")[-1]
    intent |= {"status": "processing", "amount_received": 0}

    with pytest.raises(NotPayableError):
        set_out(case)
    age_checkouts(hours=1)
    look_after_checkouts()
    assert states(case) == ["open"]
    case.refresh_from_db()
    assert case.is_payment_under_way

    intent |= {"status": "succeeded", "amount_received": 2500}
    settling.settle(case=case, now=timezone.now())
    assert standing(case) == ("recovered", "customer_paid", 2500)


# --- one page at a time -----------------------------------------------------------------------


def test_who_sets_out_anew_gets_a_page_of_its_own_and_the_first_one_is_closed(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    first, second = set_out(case), set_out(case)

    assert first != second
    assert sessions(local_stripe) == ["expired", "open"]
    assert states(case) == ["closed", "open"]
    assert [type_in(first, GOOD), type_in(second, GOOD)] == [410, 303]
    hear_all(local_stripe, merchant)
    assert money_taken(local_stripe) == 2500
    with pytest.raises(NotPayableError):
        set_out(case)


def test_a_page_that_is_paid_while_another_one_is_asked_for_is_the_only_one(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    first = set_out(case)

    def pay_in_the_other_tab(exchange: Any) -> None:
        if exchange.operation == "GET /v1/checkout/sessions/{session}":
            local_stripe._on_exchange = None
            assert type_in(first, GOOD) == 303

    local_stripe._on_exchange = pay_in_the_other_tab
    with pytest.raises(NotPayableError):
        set_out(case)

    assert sessions(local_stripe) == ["complete"]
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert states(case) == ["paid", "closed"]


def test_who_comes_back_after_the_page_expired_gets_another_one(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> None:
    set_out(case)
    sdk(merchant).checkout.sessions.expire(Checkout.objects.get().session_id)
    age_checkouts(hours=1)
    look_after_checkouts()
    assert states(case) == ["closed"]

    assert type_in(set_out(case), GOOD) == 303
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)


# --- what the key may not do ------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["rak_checkout_session_write", "rak_payment_intent_write"])
def test_without_a_permission_all_is_as_it_was(
    local_stripe: LocalStripe, case: RecoveryCase, missing: str
) -> None:
    local_stripe.world.restrict(KEY, missing=[missing])

    with pytest.raises(MissingPermissionError, match=missing):
        set_out(case)

    assert intents(local_stripe) == ["requires_payment_method"]
    assert "open" not in sessions(local_stripe)
    assert states(case) == ["closed"]
    assert not checkouts.is_given_up(case)
    local_stripe.world.restrict(KEY, missing=[])
    assert charge(case, new_card(local_stripe, case)).outcome is Outcome.PAID


def test_a_payment_that_stripe_does_not_cancel_stays_chargeable(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise RefusedError("You cannot cancel this PaymentIntent.")

    monkeypatch.setattr("recovery.stripe_gateway.StripeGateway.cancel_payment", refuse)

    with pytest.raises(RefusedError, match="cannot cancel"):
        set_out(case)

    assert sessions(local_stripe) == ["expired"]
    assert states(case) == ["closed"]
    assert not checkouts.is_given_up(case)


# --- a crash between any two steps ------------------------------------------------------------

STEPS = {
    "before the page is made": "/v1/checkout/sessions",
    "before the failed payment is canceled": "*/cancel",
}


@pytest.mark.parametrize("path", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("fault", ["reset", "lost_response"])
@pytest.mark.parametrize("is_swept", [True, False], ids=["then the sweep", "then another click"])
def test_a_step_that_fails_leaves_what_is_put_right(
    local_stripe: LocalStripe, case: RecoveryCase, path: str, fault: str, is_swept: bool
) -> None:
    merchant = case.merchant
    local_stripe.faults.add(fault, method="POST", path=path, times=3)  # and both retries
    with pytest.raises(StripeUnavailableError):
        set_out(case)
    assert states(case) == ["claimed"]
    hear_all(local_stripe, merchant)
    assert standing(case) == ("open", "", 0)

    if is_swept:
        age_checkouts(hours=1)
        look_after_checkouts()
        assert states(case) == ["closed"]
        was_canceled = intents(local_stripe) == ["canceled"]
        assert checkouts.is_given_up(case) == was_canceled == ((path, fault) == (
            "*/cancel", "lost_response",
        ))  # fmt: skip

    url = set_out(case)
    assert intents(local_stripe) == ["canceled"]
    assert states(case) == ["closed", "open"]
    type_in(url, GOOD)
    hear_all(local_stripe, merchant)
    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert money_taken(local_stripe) == 2500


def test_a_page_whose_worker_died_before_it_was_handed_out_is_ended(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkouts, "hand_out", die)
        with pytest.raises(KeyboardInterrupt):
            set_out(case)
    assert sessions(local_stripe) == ["open"]

    look_after_checkouts()
    assert states(case) == ["claimed"]  # the worker may still be at it
    age_checkouts(minutes=11)
    look_after_checkouts()

    assert sessions(local_stripe) == ["expired"]
    assert states(case) == ["closed"]
    assert checkouts.superseded_at(case)
    assert set_out(case)


def test_a_payment_that_no_event_told_of_is_found_by_the_sweep(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    type_in(set_out(case), GOOD)
    age_checkouts(hours=1)
    look_after_checkouts()

    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert states(case) == ["paid"]


def test_a_sweep_that_cannot_reach_stripe_looks_again_later(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_out(case)
    age_checkouts(hours=1)
    with down(local_stripe, monkeypatch):
        look_after_checkouts()
    assert states(case) == ["open"]
    due_at = Checkout.objects.get().due_at
    assert due_at
    assert due_at > timezone.now()

    age_checkouts(hours=1)
    look_after_checkouts()
    assert states(case) == ["closed"]


def test_a_checkout_of_a_merchant_that_left_is_closed_without_a_word(
    merchant: Merchant, case: RecoveryCase
) -> None:
    set_out(case)
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()
    age_checkouts(hours=1)

    look_after_checkouts()

    checkout = Checkout.objects.get()
    assert (checkout.state, checkout.reason) == (
        "closed", "The merchant's Stripe account was disconnected.",
    )  # fmt: skip
    assert str(checkout).startswith("chk_")
    with pytest.raises(NotConnectedError):
        superseding.open_checkout(
            case=RecoveryCase.objects.get(), return_url=BACK, locale="", now=timezone.now()
        )


@pytest.mark.parametrize("is_swept", [True, False], ids=["then the sweep", "then another click"])
def test_a_page_that_could_not_be_ended_keeps_another_one_from_being_handed_out(
    local_stripe: LocalStripe, case: RecoveryCase, is_swept: bool
) -> None:
    first = set_out(case)
    local_stripe.faults.add("reset", method="POST", path="*/expire", times=3)
    with pytest.raises(StripeUnavailableError):
        set_out(case)
    assert sessions(local_stripe) == ["open"]
    assert states(case) == ["replaced", "claimed"]

    if is_swept:
        age_checkouts(minutes=11)
        look_after_checkouts()
        assert sessions(local_stripe) == ["expired"]
        assert states(case) == ["closed", "closed"]
    second = set_out(case)

    assert [type_in(first, GOOD), type_in(second, GOOD)] == [410, 303]
    assert sessions(local_stripe) == ["expired", "complete"]


def test_a_page_that_stripe_refuses_to_end_is_tried_again_until_it_has_expired(
    local_stripe: LocalStripe, case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_out(case)

    def refuse(*_: object) -> None:
        raise RefusedError("Not today.")

    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "expire_checkout", refuse)
        for _again in range(2):
            with pytest.raises(RefusedError, match="Not today"):
                set_out(case)
        age_checkouts(minutes=11)
        look_after_checkouts()
        assert states(case) == ["replaced", "closed", "closed"]
        age_checkouts(hours=1)
        look_after_checkouts()

    assert sessions(local_stripe) == ["open"]
    assert states(case) == ["closed", "closed", "closed"]


def test_a_page_that_is_paid_while_it_is_replaced_is_found_by_the_sweep(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    first = set_out(case)
    local_stripe.faults.add("reset", method="POST", path="*/expire", times=3)
    with pytest.raises(StripeUnavailableError):
        set_out(case)
    type_in(first, GOOD)
    age_checkouts(minutes=11)

    look_after_checkouts()

    assert standing(case) == ("recovered", "customer_paid", 2500)
    assert states(case) == ["paid", "closed"]


def test_a_page_that_stripe_no_longer_knows_is_closed(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    set_out(case)
    realm(local_stripe).tables["checkout.session"].clear()
    age_checkouts(hours=1)

    look_after_checkouts()

    assert states(case) == ["closed"]


def test_what_a_dead_click_left_open_is_resolved_by_the_next_one_that_is_refused(
    local_stripe: LocalStripe, case: RecoveryCase
) -> None:
    local_stripe.faults.add("reset", method="POST", path="*/cancel", times=3)
    with pytest.raises(StripeUnavailableError):
        set_out(case)
    assert checkouts.is_given_up(case)
    local_stripe.world.restrict(KEY, missing=["rak_payment_intent_write"])

    with pytest.raises(MissingPermissionError):
        set_out(case)

    assert not checkouts.is_given_up(case)
    assert states(case) == ["closed", "closed"]
