"""Whether a payment method may be charged, as tables: each row one fact that decides."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recovery.charge_facts import Card, PastAttempt, RetryDriver
from recovery.charging_rules import Allowed, Refused, Verdict, may_charge, verdicts
from recovery.declines import (
    DECLINE_CODES,
    NETWORK_CODES,
    Decline,
    Retryable,
    classify,
)
from recovery.state_machine import Status
from tests.recovery.charging import (
    CARD,
    CUSTOMER,
    DAY,
    EVERYBODY,
    EXPIRED,
    HARD,
    HOUR,
    MOMENT,
    NOW,
    NOW_AT_ONCE,
    OPERATOR,
    PRESENT,
    SOFT,
    STRANGE,
    STRIPE_DRIVES,
    WHO,
    facts,
    refused,
    tried,
)

# --- the debt ---------------------------------------------------------------------------------


@EVERYBODY
def test_a_card_that_nothing_is_known_of_may_be_charged(who: dict[str, object]) -> None:
    assert may_charge(facts(**who), now=NOW) == NOW_AT_ONCE


def closed(status: str) -> Refused:
    return Refused(f"the case is {status}", "architecture, invariant 3")


@pytest.mark.parametrize(
    ("status", "who", "expected"),
    [
        (Status.OPEN, {}, NOW_AT_ONCE),
        (Status.LOST, {}, closed("lost")),
        (Status.LOST, {"trigger": CUSTOMER}, closed("lost")),  # a card saved for something else
        (Status.LOST, PRESENT, NOW_AT_ONCE),  # given up is not paid: the customer still may
        (Status.LOST, {"trigger": OPERATOR}, NOW_AT_ONCE),
        (Status.RECOVERED, {}, closed("recovered")),
        (Status.RECOVERED, PRESENT, closed("recovered")),
        (Status.VOIDED, PRESENT, closed("voided")),
    ],
)
def test_only_what_is_still_owed_is_charged(
    status: Status, who: dict[str, object], expected: Verdict
) -> None:
    assert may_charge(facts(status=status, **who), now=NOW) == expected


@EVERYBODY
def test_a_pause_binds_everybody_but_the_customer(who: dict[str, object]) -> None:
    paused = Refused("the case is paused", "the merchant's own decision")

    expected = NOW_AT_ONCE if who is PRESENT else paused
    assert may_charge(facts(is_paused=True, **who), now=NOW) == expected


# --- who drives the retries -------------------------------------------------------------------

NOT_OFF = Refused("Stripe's retries are not off yet", "invoice.next_payment_attempt")


@pytest.mark.parametrize(
    ("driver", "stripes_next", "expected"),
    [
        (RetryDriver.STRIPE, None, STRIPE_DRIVES),
        (RetryDriver.STRIPE, 30 * DAY, STRIPE_DRIVES),
        (RetryDriver.RECOVER, 30 * DAY, NOT_OFF),
        (RetryDriver.RECOVER, MOMENT, NOT_OFF),
        (RetryDriver.RECOVER, -HOUR + MOMENT, NOT_OFF),  # perhaps it is happening now
        (RetryDriver.RECOVER, -HOUR, NOW_AT_ONCE),
        (RetryDriver.RECOVER, None, NOW_AT_ONCE),
    ],
)
@pytest.mark.parametrize("attempts", [(), (tried(),)])
def test_a_retry_is_made_by_whoever_drives_them_and_by_nobody_else(
    driver: RetryDriver, stripes_next: timedelta | None, expected: Verdict,
    attempts: tuple[PastAttempt, ...],
) -> None:  # fmt: skip
    at = None if stripes_next is None else NOW + stripes_next

    asked = facts(*attempts, driver=driver, next_payment_attempt_at=at)

    assert may_charge(asked, now=NOW) == expected


@pytest.mark.parametrize("who", [who for who in WHO.values() if who])
@pytest.mark.parametrize("driver", RetryDriver)
@pytest.mark.parametrize(
    ("in_", "is_allowed"),
    [
        (-HOUR, True),
        (-HOUR + MOMENT, False),
        (timedelta(0), False),
        (6 * HOUR, False),
        (6 * HOUR + MOMENT, True),
        (3 * DAY, True),
        (None, True),
    ],
)
def test_nobody_meets_stripe_at_its_own_retry_of_the_card_that_failed(
    who: dict[str, object], driver: RetryDriver, in_: timedelta | None, is_allowed: bool
) -> None:
    at = None if in_ is None else NOW + in_
    asked = facts(tried(), next_payment_attempt_at=at, driver=driver, **who)

    decided = may_charge(asked, now=NOW)

    if is_allowed or at is None:
        assert decided == NOW_AT_ONCE
    else:
        assert decided == Allowed(
            at + HOUR, "Stripe's own retry is about to happen", "invoice.next_payment_attempt"
        )


def test_what_another_card_need_not_wait_for_is_said_to_be_about_the_card() -> None:
    network = tried(replace(SOFT, brand="mastercard", network_advice_code="25"), before=HOUR)
    waits = [
        facts(network, **PRESENT),
        facts(*[tried(before=HOUR)] * 15, **PRESENT),
        facts(tried(), next_payment_attempt_at=NOW, **PRESENT),
    ]
    found = [may_charge(asked, now=NOW) for asked in waits]

    assert [isinstance(one, Allowed) and one.from_at > NOW for one in found] == [True] * 3
    assert [one.is_about_card for one in found] == [True] * 3
    assert not NOW_AT_ONCE.is_about_card


@pytest.mark.parametrize("driver", RetryDriver)
def test_a_new_card_needs_not_wait_for_stripes_retry_of_the_old_one(driver: RetryDriver) -> None:
    old = tried(card=Card("pm_0", "f0"))
    asked = facts(old, next_payment_attempt_at=NOW + HOUR, driver=driver, trigger=CUSTOMER)

    assert may_charge(asked, now=NOW) == NOW_AT_ONCE


def test_a_wait_that_ends_just_before_stripes_retry_lasts_until_after_it() -> None:
    waits = tried(replace(SOFT, advice_code="try_again_later"), before=timedelta(0))
    asked = facts(waits, trigger=OPERATOR, next_payment_attempt_at=NOW + 6.5 * HOUR)

    first, second = verdicts(asked, now=NOW)

    assert first == Allowed(
        NOW + 7.5 * HOUR, "Stripe's own retry is about to happen", "invoice.next_payment_attempt"
    )
    assert (second.rule, second) == (
        "advice_code try_again_later",
        Allowed(NOW + HOUR, second.rule, second.source),
    )
    assert may_charge(asked, now=NOW + 7.5 * HOUR) == Allowed(NOW + 7.5 * HOUR)


# --- codes ------------------------------------------------------------------------------------

CODES = [code for code in DECLINE_CODES if ":" not in code and code != "UNKNOWN"]


@pytest.mark.parametrize("code", CODES)
def test_every_code_binds_a_retry_as_its_row_says(code: str) -> None:
    meaning = DECLINE_CODES[code]
    ago = tried(Decline(decline_code=code), before=30 * DAY)

    is_bound = meaning.retryable in {Retryable.NO, Retryable.AFTER_CUSTOMER_ACTION}
    assert may_charge(facts(ago), now=NOW) == (refused(meaning) if is_bound else NOW_AT_ONCE)


@pytest.mark.parametrize("code", CODES)
def test_a_customer_who_is_there_can_authenticate_and_cannot_mend_a_card_by_being_there(
    code: str,
) -> None:
    meaning = DECLINE_CODES[code]
    just_now = tried(Decline(decline_code=code), before=MOMENT)

    is_bound = meaning.retryable in {Retryable.NO, Retryable.AFTER_CUSTOMER_ACTION}
    expected = refused(meaning) if is_bound and not meaning.needs_authentication else NOW_AT_ONCE
    assert may_charge(facts(just_now, **PRESENT), now=NOW) == expected


NEVER = {
    "a hard decline": HARD,
    "Stripe does not retry it": Decline(decline_code="transaction_not_allowed"),
    "Stripe's advice": replace(SOFT, advice_code="do_not_try_again"),
    "Mastercard 03": Decline("insufficient_funds", brand="mastercard", network_advice_code="03"),
    "Mastercard 21": Decline("insufficient_funds", brand="mastercard", network_advice_code="21"),
    "Visa category 1": replace(SOFT, network_decline_code="04"),
    "Radar": replace(SOFT, block_reason="highest_risk_level"),
    "a rule of the merchant's own": replace(SOFT, block_reason="a_new_reason"),
    "Stripe's block after too many": replace(
        SOFT, block_reason="previously_declined_do_not_retry"
    ),
    "though Stripe says later": replace(HARD, advice_code="try_again_later"),
    "Visa's, though Stripe says later": replace(
        SOFT, advice_code="try_again_later", network_decline_code="R1"
    ),
}


@pytest.mark.parametrize("decline", NEVER.values(), ids=NEVER)
@EVERYBODY
@pytest.mark.parametrize("is_this_debt", [True, False])
def test_a_card_that_was_refused_for_good_is_charged_for_nobody_and_for_no_debt(
    decline: Decline, who: dict[str, object], is_this_debt: bool
) -> None:
    long_ago = tried(decline, before=400 * DAY, is_this_debt=is_this_debt)

    decided = may_charge(facts(tried(SOFT), long_ago, **who), now=NOW)

    assert isinstance(decided, Refused)
    assert decided.rule != "decline_code insufficient_funds"
    assert decided.source


@pytest.mark.parametrize(
    ("decline", "rule", "needs_person"),
    [
        (HARD, "decline_code stolen_card", False),
        (replace(HARD, advice_code="do_not_try_again"), "advice_code do_not_try_again", False),
        (replace(SOFT, network_decline_code="43"), "visa 43 (Stolen)", False),
        (replace(SOFT, block_reason="highest_risk_level"), "highest_risk_level", True),
        (Decline("duplicate_transaction"), "decline_code duplicate_transaction", True),
    ],
)  # fmt: skip
def test_a_refusal_names_the_fact_that_outranks_the_others_and_who_can_go_on(
    decline: Decline, rule: str, needs_person: bool
) -> None:
    decided = may_charge(facts(tried(decline)), now=NOW)

    assert isinstance(decided, Refused)
    assert decided.rule.endswith(rule)
    assert decided.needs_person is needs_person


def test_a_duplicate_is_a_matter_of_its_own_debt() -> None:
    elsewhere = tried(Decline("duplicate_transaction"), is_this_debt=False)

    assert may_charge(facts(elsewhere), now=NOW) == NOW_AT_ONCE


# --- the same card ----------------------------------------------------------------------------

OTHER_CARDS = {
    # how the card differs from the one that failed: bound after (a hard decline, expired_card)
    "the very same": (CARD, True, True),
    "saved again": (replace(CARD, payment_method_id="pm_2"), True, False),
    "saved again with another expiry": (
        replace(CARD, payment_method_id="pm_2", expiry="2035-01"), True, False,
    ),
    "another number by the same id": (replace(CARD, fingerprint="f2"), False, False),
    "another expiry by the same id": (replace(CARD, expiry="2035-01"), False, False),
    "a fingerprint that isn't known": (replace(CARD, fingerprint=""), True, True),
    "an expiry that isn't known": (replace(CARD, expiry=""), True, True),
    "another card": (Card("pm_2", "f2", "2030-01", "visa"), False, False),
    "another, nothing known": (Card("pm_2"), False, False),
}  # fmt: skip


@pytest.mark.parametrize(
    ("card", "after_hard", "after_expired"), OTHER_CARDS.values(), ids=OTHER_CARDS
)
def test_a_decline_binds_the_same_card_and_no_other(
    card: Card, after_hard: bool, after_expired: bool
) -> None:
    for decline, is_bound in ((HARD, after_hard), (EXPIRED, after_expired)):
        meaning = classify(decline)
        for who in ({"trigger": CUSTOMER}, PRESENT):
            decided = may_charge(facts(tried(decline), card=card, **who), now=NOW)
            assert decided == (refused(meaning) if is_bound else NOW_AT_ONCE)


def test_what_the_customer_has_put_right_since_binds_no_longer() -> None:
    waits, went_further = tried(EXPIRED, before=2 * DAY), tried(SOFT, before=DAY)

    assert may_charge(facts(went_further, waits), now=NOW) == NOW_AT_ONCE
    later_expired = replace(waits, at=NOW - HOUR)
    assert may_charge(facts(later_expired, went_further), now=NOW) == refused(classify(EXPIRED))


def test_visas_category_three_waits_for_the_customer_whatever_stripe_says() -> None:
    told = replace(SOFT, advice_code="try_again_later", network_decline_code="54")

    for who in WHO.values():
        decided = may_charge(facts(tried(told), **who), now=NOW)
        assert decided == refused(NETWORK_CODES["visa", "54"])


@given(
    status=st.sampled_from([Status.RECOVERED, Status.VOIDED]),
    is_paused=st.booleans(),
    who=st.sampled_from(list(WHO.values())),
    declines=st.lists(st.sampled_from([SOFT, HARD, STRANGE, None]), max_size=3),
)
def test_nothing_makes_a_closed_case_chargeable(
    status: Status, is_paused: bool, who: dict[str, object], declines: list[Decline | None]
) -> None:
    asked = facts(*map(tried, declines), status=status, is_paused=is_paused, **who)

    assert may_charge(asked, now=NOW) == closed(status)


@EVERYBODY
def test_what_is_paid_at_checkout_is_charged_by_nobody(who: dict[str, object]) -> None:
    decided = may_charge(facts(is_given_up=True, **who), now=NOW)
    assert decided == Refused("it is paid at Stripe's Checkout or not at all", "docs/adr/0009")
