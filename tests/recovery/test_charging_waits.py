"""From when a payment method may be charged, how often and without whom, as tables."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from recovery.charge_facts import Card, PastAttempt, RetryDriver
from recovery.charging_rules import Allowed, Refused, may_charge, told_facts, verdicts
from recovery.declines import (
    DECLINE_CODES,
    NETWORK_CODES,
    Decline,
    DeclineType,
)
from tests.recovery.charging import (
    ASKED,
    CARD,
    CUSTOMER,
    DAY,
    EVERYBODY,
    EXPIRED,
    HARD,
    HOUR,
    LIMITED,
    MOMENT,
    NOW,
    NOW_AT_ONCE,
    OPERATOR,
    PRESENT,
    RECOVER,
    SOFT,
    STRANGE,
    STRIPE_DRIVES,
    facts,
    refused,
    tried,
)

# --- authentication, India --------------------------------------------------------------------

ASKS = {
    "Stripe": ASKED,
    "Visa 1A": replace(SOFT, network_decline_code="1A"),
    "a bank that waits": Decline(code="invoice_payment_intent_requires_action"),
    "later declined for want of money": ASKED,
}


@pytest.mark.parametrize("decline", ASKS.values(), ids=ASKS)
@EVERYBODY
def test_a_bank_that_asks_for_its_cardholder_is_never_asked_without(
    decline: Decline, who: dict[str, object]
) -> None:
    decided = may_charge(facts(tried(SOFT), tried(decline, before=9 * DAY), **who), now=NOW)

    if who is PRESENT:
        assert decided == NOW_AT_ONCE
    else:
        assert isinstance(decided, Refused)
        assert decided.source


def test_another_debt_may_not_need_the_cardholder() -> None:
    assert may_charge(facts(tried(ASKED, is_this_debt=False)), now=NOW) == NOW_AT_ONCE


@pytest.mark.parametrize(
    ("who", "attempts", "is_allowed"),
    [
        ({}, (), False),
        ({}, (tried(),), False),
        ({"trigger": CUSTOMER}, (), True),  # its first charge is no retry
        ({"trigger": CUSTOMER}, (tried(),), False),
        ({"trigger": CUSTOMER}, (tried(None),), False),
        ({"trigger": CUSTOMER}, (tried(is_this_debt=False),), True),
        ({"trigger": OPERATOR}, (tried(),), False),
        (PRESENT, (tried(),), True),
    ],
)
def test_an_indian_card_is_not_retried_without_its_holder(
    who: dict[str, object], attempts: tuple[PastAttempt, ...], is_allowed: bool
) -> None:
    indian = replace(CARD, country="IN")
    of_it = tuple(replace(one, card=indian) for one in attempts)

    decided = may_charge(facts(*of_it, card=indian, **who), now=NOW)

    refusal = Refused(
        "India-issued cards are never retried off-session",
        "docs.stripe.com/billing/revenue-recovery/smart-retries",
    )
    assert decided == (NOW_AT_ONCE if is_allowed else refusal)


# --- waits ------------------------------------------------------------------------------------

MASTERCARD = replace(CARD, brand="mastercard")
WAITS = {
    "MAC 24": (Decline("insufficient_funds", brand="mastercard", network_advice_code="24"), HOUR),
    "MAC 25": (Decline(brand="mastercard", network_advice_code="25"), DAY),
    "MAC 26": (Decline(brand="mastercard", network_advice_code="26"), 2 * DAY),
    "MAC 27": (Decline(brand="mastercard", network_advice_code="27"), 4 * DAY),
    "MAC 28": (Decline(brand="mastercard", network_advice_code="28"), 6 * DAY),
    "MAC 29": (Decline(brand="mastercard", network_advice_code="29"), 8 * DAY),
    "MAC 30": (Decline(brand="mastercard", network_advice_code="30"), 10 * DAY),
    "MAC 02": (Decline(brand="mastercard", network_advice_code="02"), 3 * DAY),
    "MAC 30, though Stripe says later": (
        Decline(brand="mastercard", network_advice_code="30", advice_code="try_again_later"),
        10 * DAY,
    ),
    "advice": (replace(SOFT, advice_code="try_again_later"), HOUR),
    "code": (Decline("try_again_later"), HOUR),
    "Stripe's limit": (Decline(code="card_decline_rate_limit_exceeded"), DAY),
    "no chance yet": (replace(SOFT, block_reason="low_probability_of_authorization"), 3 * DAY),
}


@pytest.mark.parametrize(("decline", "wait"), WAITS.values(), ids=WAITS)
@pytest.mark.parametrize("is_this_debt", [True, False])
def test_a_card_is_left_alone_for_as_long_as_its_decline_says(
    decline: Decline, wait: timedelta, is_this_debt: bool
) -> None:
    card = MASTERCARD if decline.brand == "mastercard" else CARD
    just_now = tried(decline, before=timedelta(0), card=card, is_this_debt=is_this_debt)
    asked = facts(just_now, card=card, trigger=OPERATOR)

    decided = may_charge(asked, now=NOW)

    assert isinstance(decided, Allowed)
    assert decided.from_at == NOW + wait
    assert decided.source in {
        meaning.source for meaning in [*DECLINE_CODES.values(), *NETWORK_CODES.values()]
    }
    assert may_charge(asked, now=NOW + wait - MOMENT) == decided
    assert may_charge(asked, now=NOW + wait) == Allowed(NOW + wait)


@pytest.mark.parametrize(("decline", "wait"), WAITS.values(), ids=WAITS)
def test_a_customer_who_is_there_waits_for_a_network_alone(
    decline: Decline, wait: timedelta
) -> None:
    card = MASTERCARD if decline.brand == "mastercard" else CARD
    asked = facts(tried(decline, before=timedelta(0), card=card), card=card, **PRESENT)

    decided = may_charge(asked, now=NOW)

    assert isinstance(decided, Allowed)
    assert decided.from_at == (NOW + wait if card is MASTERCARD else NOW)


@pytest.mark.parametrize("code", ["05", "22", "43"])
def test_an_advice_code_without_advice_says_nothing_of_when(code: str) -> None:
    silent = Decline("insufficient_funds", brand="mastercard", network_advice_code=code)

    decided = may_charge(facts(tried(silent, card=MASTERCARD), card=MASTERCARD), now=NOW)

    assert decided == NOW_AT_ONCE


# --- few attempts -----------------------------------------------------------------------------


def test_an_unknown_code_gets_two_attempts_and_then_a_person() -> None:
    first, second = tried(STRANGE, before=4 * DAY), tried(STRANGE, before=2 * DAY)

    assert may_charge(facts(first), now=NOW) == NOW_AT_ONCE
    assert may_charge(facts(second, first), now=NOW) == Refused(
        "an unknown code gets two attempts, then a person", "researcher recommendation",
        needs_person=True,
    )  # fmt: skip
    for person in ({"trigger": OPERATOR}, PRESENT):
        assert may_charge(facts(second, first, **person), now=NOW) == NOW_AT_ONCE


def test_a_decline_without_any_code_counts_as_unknown() -> None:
    silent = (tried(Decline(), before=2 * DAY), tried(Decline(), before=3 * DAY))

    decided = may_charge(facts(*silent), now=NOW)

    assert isinstance(decided, Refused)
    assert decided.needs_person is True


def test_unknown_codes_of_another_debt_or_card_do_not_count() -> None:
    elsewhere = tried(STRANGE, is_this_debt=False)
    other = tried(STRANGE, card=Card("pm_2", "f2"))

    assert may_charge(facts(tried(STRANGE), elsewhere, other), now=NOW) == NOW_AT_ONCE


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ((tried(LIMITED, before=DAY),), NOW_AT_ONCE),
        ((tried(LIMITED, before=DAY - MOMENT),), NOW + MOMENT),
        ((tried(LIMITED, before=timedelta(0)),), NOW + DAY),
        ((tried(None, before=HOUR), tried(LIMITED, before=DAY)), NOW + DAY - HOUR),
        ((tried(LIMITED, trigger=RECOVER), tried(LIMITED, before=9 * DAY)), NOW_AT_ONCE),
        (
            (
                tried(LIMITED, trigger=RECOVER),
                tried(LIMITED, before=7 * DAY, trigger=RECOVER),
                tried(LIMITED, before=9 * DAY),
            ),
            "decline_code do_not_honor: two retries at most",
        ),
        (
            (
                tried(None, trigger=RECOVER),  # claimed: it counts
                tried(LIMITED, before=6 * DAY),
                tried(SOFT, before=7 * DAY, trigger=RECOVER),
            ),
            "decline_code do_not_honor: two retries at most",
        ),
        ((tried(LIMITED, before=HOUR, is_this_debt=False),), NOW_AT_ONCE),
        ((tried(SOFT, before=HOUR), tried(LIMITED, before=2 * HOUR)), NOW_AT_ONCE),
    ],
)
def test_what_promises_little_is_retried_twice_a_day_apart(
    attempts: tuple[PastAttempt, ...], expected: Allowed | datetime | str
) -> None:
    decided = may_charge(facts(*attempts), now=NOW)

    if isinstance(expected, str):
        assert decided == Refused(expected, DECLINE_CODES["do_not_honor"].source)
    elif isinstance(expected, datetime):
        assert decided == Allowed(
            expected, "decline_code do_not_honor: a day between attempts",
            DECLINE_CODES["do_not_honor"].source,
        )  # fmt: skip
    else:
        assert decided == expected
    for person in ({"trigger": OPERATOR}, PRESENT):
        assert may_charge(facts(*attempts, **person), now=NOW) == NOW_AT_ONCE


# --- the merchant's own view ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "override", "is_allowed"),
    [
        ("do_not_honor", DeclineType.HARD, False),
        ("do_not_honor", DeclineType.ACTION_REQUIRED, False),
        ("expired_card", DeclineType.SOFT, True),
        ("restricted_card", DeclineType.SOFT, True),
        ("never_heard_of", DeclineType.HARD, False),
        ("stolen_card", DeclineType.SOFT, False),  # a ceiling
        ("authentication_required", DeclineType.SOFT, False),  # a ceiling
    ],
)
def test_a_merchant_overrides_a_code_and_never_a_ceiling(
    code: str, override: DeclineType, is_allowed: bool
) -> None:
    declined = tried(Decline(code, advice_code="confirm_card_data" if is_allowed else ""))
    asked = facts(declined, overrides={code: override})

    assert isinstance(may_charge(asked, now=NOW), Allowed) is is_allowed


def test_a_networks_word_stands_before_the_merchants() -> None:
    declined = tried(replace(EXPIRED, network_decline_code="54"))

    decided = may_charge(facts(declined, overrides={"expired_card": DeclineType.SOFT}), now=NOW)

    assert decided == refused(NETWORK_CODES["visa", "54"])


def test_codes_that_the_merchant_knows_are_not_unknown() -> None:
    known = {"never_heard_of": DeclineType.SOFT}
    twice = (tried(STRANGE), tried(STRANGE, before=9 * DAY))

    assert may_charge(facts(*twice, overrides=known), now=NOW) == NOW_AT_ONCE


# --- what is told of it -----------------------------------------------------------------------


def test_a_decision_is_told_with_what_it_was_made_from_and_what_else_stood_against_it() -> None:
    asked = facts(
        tried(replace(SOFT, advice_code="try_again_later"), before=MOMENT),
        tried(HARD, before=2 * DAY),
        driver=RetryDriver.STRIPE, next_payment_attempt_at=NOW + HOUR,
    )  # fmt: skip

    found = verdicts(asked, now=NOW)
    told = told_facts(asked, found)

    assert told["verdict"] == {
        "rule": STRIPE_DRIVES.rule, "source": STRIPE_DRIVES.source, "needs_person": False,
    }  # fmt: skip
    assert [other["rule"] for other in told["alternatives"]] == [
        "decline_code stolen_card",
        "Stripe's own retry is about to happen",
        "advice_code try_again_later",
    ]
    assert told["alternatives"][1]["from_at"] == "2026-11-03T14:00:00+00:00"
    assert told["last_decline"]["decline_code"] == "insufficient_funds"
    assert (told["attempts_of_card"], told["attempts_on_debt"]) == (2, 2)
    assert (told["trigger"], told["driver"], told["amount"]) == ("recover", "stripe", 4900)
    assert told["next_payment_attempt_at"] == "2026-11-03T13:00:00+00:00"


def test_a_decision_without_any_history_is_told_too() -> None:
    asked = facts()

    told = told_facts(asked, verdicts(asked, now=NOW))

    assert (told["last_attempt_at"], told["last_decline"], told["alternatives"]) == (
        None,
        None,
        [],
    )
    assert told["verdict"] == {
        "rule": "no rule forbids it", "source": "architecture, charging rules",
        "from_at": "2026-11-03T12:00:00+00:00",
    }  # fmt: skip
