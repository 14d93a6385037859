"""When a payment method may be charged, as a table: each row one fact that decides."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.charging_rules import Allowed, ChargeFacts, Refused, may_charge
from recovery.declines import DECLINE_CODES, Decline, DeclineType, Retryable, classify
from recovery.state_machine import Status

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
SOFT = Decline(decline_code="insufficient_funds", code="card_declined", brand="visa")
HARD = Decline(decline_code="stolen_card", code="card_declined", brand="visa")
NEW_CARD = ChargeFacts(
    status=Status.OPEN, is_paused=False, declines=(), is_customer_present=True,
    next_payment_attempt_at=None,
)  # fmt: skip
FAILED_CARD = dataclasses.replace(NEW_CARD, declines=(SOFT,))


def test_a_card_that_has_not_failed_on_the_debt_may_be_charged() -> None:
    assert may_charge(NEW_CARD, now=NOW) == Allowed()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (Status.OPEN, Allowed()),
        (Status.LOST, Allowed()),  # given up is not paid: the customer still may
        (Status.RECOVERED, Refused("the case is recovered", "architecture, invariant 3")),
        (Status.VOIDED, Refused("the case is voided", "architecture, invariant 3")),
    ],
)
def test_only_what_is_still_owed_is_charged(status: Status, expected: Allowed | Refused) -> None:
    assert may_charge(dataclasses.replace(NEW_CARD, status=status), now=NOW) == expected


@pytest.mark.parametrize(
    ("is_paused", "is_customer_present", "is_allowed"),
    [(False, False, True), (False, True, True), (True, True, True), (True, False, False)],
)
def test_a_pause_binds_us_and_not_the_customer(
    is_paused: bool, is_customer_present: bool, is_allowed: bool
) -> None:
    facts = dataclasses.replace(
        NEW_CARD, is_paused=is_paused, is_customer_present=is_customer_present
    )

    expected = Allowed() if is_allowed else Refused("the case is paused",
                                                    "the merchant's own decision")  # fmt: skip
    assert may_charge(facts, now=NOW) == expected


@pytest.mark.parametrize(
    "code", [code for code in DECLINE_CODES if ":" not in code and code != "UNKNOWN"]
)
@pytest.mark.parametrize("is_customer_present", [True, False])
def test_every_code_binds_as_its_row_says(code: str, is_customer_present: bool) -> None:
    meaning = DECLINE_CODES[code]
    facts = dataclasses.replace(
        NEW_CARD, declines=(Decline(decline_code=code),), is_customer_present=is_customer_present
    )

    is_bound = meaning.retryable in {Retryable.NO, Retryable.AFTER_CUSTOMER_ACTION}
    expected = Refused(f"decline_code {code}", meaning.source) if is_bound else Allowed()
    assert may_charge(facts, now=NOW) == expected


@pytest.mark.parametrize(
    "decline",
    [
        HARD,
        dataclasses.replace(SOFT, advice_code="do_not_try_again"),
        dataclasses.replace(SOFT, brand="mastercard", network_advice_code="03"),
        dataclasses.replace(SOFT, brand="mastercard", network_advice_code="21"),
        dataclasses.replace(SOFT, network_decline_code="04"),
        dataclasses.replace(SOFT, block_reason="highest_risk_level"),
        Decline(code="authentication_required"),
        Decline(code="expired_card"),
    ],
)
def test_a_card_that_may_not_be_tried_again_is_not(decline: Decline) -> None:
    meaning = classify(decline)

    refused = may_charge(dataclasses.replace(NEW_CARD, declines=(decline,)), now=NOW)

    assert refused == Refused(meaning.rule, meaning.source)
    assert meaning.decline_type in {DeclineType.HARD, DeclineType.ACTION_REQUIRED}


def test_an_unknown_code_is_not_refused() -> None:
    facts = dataclasses.replace(NEW_CARD, declines=(Decline(decline_code="never_heard_of"),))

    assert may_charge(facts, now=NOW) == Allowed()


def test_a_card_refused_for_good_stays_so_when_a_softer_decline_follows() -> None:
    facts = dataclasses.replace(NEW_CARD, declines=(SOFT, HARD))

    assert may_charge(facts, now=NOW) == Refused("decline_code stolen_card", classify(HARD).source)


def test_what_the_customer_has_put_right_since_binds_no_longer() -> None:
    asked = Decline(decline_code="authentication_required")
    before = dataclasses.replace(NEW_CARD, declines=(asked, SOFT))
    since = dataclasses.replace(NEW_CARD, declines=(SOFT, asked))

    assert may_charge(before, now=NOW) == Refused(
        "decline_code authentication_required", classify(asked).source
    )
    assert may_charge(since, now=NOW) == Allowed()


@pytest.mark.parametrize(
    ("in_", "is_allowed"),
    [
        (timedelta(seconds=-1), True),
        (timedelta(0), False),
        (timedelta(hours=1), False),
        (timedelta(hours=6), False),
        (timedelta(hours=6, seconds=1), True),
        (timedelta(days=3), True),
        (None, True),
    ],
)
def test_stripe_is_not_overtaken_just_before_its_own_retry(
    in_: timedelta | None, is_allowed: bool
) -> None:
    facts = dataclasses.replace(
        FAILED_CARD, next_payment_attempt_at=None if in_ is None else NOW + in_
    )

    about_to = Refused("Stripe's own retry is about to happen", "invoice.next_payment_attempt")
    assert may_charge(facts, now=NOW) == (Allowed() if is_allowed else about_to)


def test_a_new_card_needs_not_wait_for_stripes_retry_of_the_old_one() -> None:
    facts = dataclasses.replace(NEW_CARD, next_payment_attempt_at=NOW + timedelta(hours=1))

    assert may_charge(facts, now=NOW) == Allowed()


@given(
    status=st.sampled_from([Status.RECOVERED, Status.VOIDED]),
    is_paused=st.booleans(),
    is_customer_present=st.booleans(),
    declines=st.lists(st.sampled_from([SOFT, HARD]), max_size=3).map(tuple),
)
def test_nothing_makes_a_closed_case_chargeable(
    status: Status, is_paused: bool, is_customer_present: bool, declines: tuple[Decline, ...]
) -> None:
    facts = ChargeFacts(status, is_paused, declines, is_customer_present, None)

    assert may_charge(facts, now=NOW) == Refused(
        f"the case is {status}", "architecture, invariant 3"
    )
