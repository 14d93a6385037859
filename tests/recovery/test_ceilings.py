"""What a merchant may see in its own way, and the ceilings that nobody lifts."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from recovery import failures, merchants
from recovery.declines import (
    DECLINE_CODES,
    NETWORK_CODES,
    UNKNOWN,
    Decline,
    DeclineType,
    Retryable,
    ceilings,
    classify,
    is_ceiling,
)
from recovery.models import DeclineOverride, Merchant, RecoveryCase
from recovery.stripe_objects import Failure, PaymentMethod
from tests.local_stripe import LocalStripe
from tests.recovery.stories import failed_renewal

HARD, SOFT = DeclineType.HARD, DeclineType.SOFT
ACTION = DeclineType.ACTION_REQUIRED


@pytest.mark.parametrize("code", DECLINE_CODES)
def test_every_code_is_a_ceiling_or_the_merchants_to_judge(code: str) -> None:
    meaning = DECLINE_CODES[code]
    never = meaning.retryable is Retryable.NO
    first_action = meaning.needs_authentication
    waits = meaning.wait > timedelta(0)

    assert is_ceiling(code) is (never or first_action or waits)


def test_what_nobody_has_heard_of_is_no_ceiling() -> None:
    assert is_ceiling("never_heard_of") is False


def test_a_networks_advice_is_a_ceiling_where_it_forbids_or_has_one_wait() -> None:
    free = {code for code, meaning in NETWORK_CODES.items() if not meaning.is_ceiling}

    assert {network for network, _code in free} == {"visa"}
    assert {NETWORK_CODES[code].decline_type for code in free} == {SOFT}
    assert NETWORK_CODES["mastercard_mac", "30"].wait == timedelta(days=10)
    assert NETWORK_CODES["mastercard_mac", "02"].wait == timedelta(hours=72)
    assert NETWORK_CODES["mastercard_mac", "30"].retryable is Retryable.YES


def test_each_ceiling_of_a_decline_is_seen_whatever_outranks_it() -> None:
    decline = Decline(
        "stolen_card", advice_code="try_again_later", network_decline_code="43", brand="visa"
    )

    assert classify(decline).decline_type is SOFT
    assert [meaning.rule for meaning in ceilings(decline)] == [
        "advice_code try_again_later", "visa 43 (Stolen)", "decline_code stolen_card",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("decline", "chosen", "expected", "retryable"),
    [
        (Decline("do_not_honor"), HARD, HARD, Retryable.NO),
        (Decline("do_not_honor"), SOFT, SOFT, Retryable.LIMITED),
        (Decline("insufficient_funds"), SOFT, SOFT, Retryable.YES),
        (Decline("expired_card"), SOFT, SOFT, Retryable.LIMITED),
        (Decline(code="expired_card"), SOFT, SOFT, Retryable.LIMITED),
        (Decline("expired_card", advice_code="confirm_card_data"), SOFT, SOFT, Retryable.LIMITED),
        (Decline("never_heard_of"), SOFT, SOFT, Retryable.LIMITED),
        (Decline("never_heard_of"), ACTION, ACTION, Retryable.AFTER_CUSTOMER_ACTION),
        # ceilings
        (Decline("stolen_card"), SOFT, HARD, Retryable.NO),
        (Decline("do_not_honor", advice_code="do_not_try_again"), SOFT, HARD, Retryable.NO),
        (Decline("do_not_honor", block_reason="rule"), SOFT, HARD, Retryable.NO),
        (
            Decline("authentication_required"), SOFT, ACTION, Retryable.AFTER_CUSTOMER_ACTION,
        ),
        (
            Decline("do_not_honor", brand="visa", network_decline_code="R0"), SOFT, HARD,
            Retryable.NO,
        ),
    ],
)  # fmt: skip
def test_the_merchants_view_stands_before_all_but_ceilings(
    decline: Decline, chosen: DeclineType, expected: DeclineType, retryable: Retryable
) -> None:
    meaning = classify(decline, {decline.best_code: chosen})

    assert (meaning.decline_type, meaning.retryable) == (expected, retryable)
    if meaning.rule.endswith(f"counts as {chosen.replace('_', ' ')}"):
        assert meaning.source.startswith("the merchant's own decision; ")


def test_a_view_of_another_code_changes_nothing() -> None:
    assert (
        classify(Decline("do_not_honor"), {"expired_card": HARD}) is DECLINE_CODES["do_not_honor"]
    )
    assert classify(Decline(), {"expired_card": HARD}) is UNKNOWN


@pytest.mark.parametrize(
    "code", ["stolen_card", "authentication_required", "try_again_later", "rule",
             "advice_code:confirm_card_data", ""],
)  # fmt: skip
@pytest.mark.django_db
def test_a_ceiling_is_not_the_merchants_to_override(merchant: Merchant, code: str) -> None:
    with pytest.raises(ValidationError, match="not the merchant's to say"):
        merchants.override_decline(merchant=merchant, decline_code=code, decline_type=SOFT)

    assert DeclineOverride.objects.count() == 0


@pytest.mark.django_db
def test_open_cases_show_the_merchants_view_at_once_and_later_failures_too(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, "restricted_card")
    assert (case.decline_code, case.decline_type) == ("restricted_card", "action_required")

    merchants.override_decline(
        merchant=merchant, decline_code="restricted_card", decline_type=HARD
    )

    case.refresh_from_db()
    assert case.decline_type == "hard"
    now = timezone.now() + timedelta(hours=1)
    failures.record(
        case=case, key="again", at=now, now=now,
        failure=Failure(Decline("restricted_card"), PaymentMethod(id="pm_1"), "ch_again"),
    )  # fmt: skip
    assert case.attempts.get(stripe_charge_id="ch_again").decline_type == "hard"
    told = case.timeline.get(once="failed:ch_again")
    assert told.rule == "decline_code restricted_card counts as hard"


@pytest.mark.django_db
def test_a_merchant_that_changes_its_mind_has_one_view_and_another_merchant_its_own(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    case = failed_renewal(local_stripe, merchant, "restricted_card")
    for chosen in (HARD, SOFT):
        merchants.override_decline(
            merchant=merchant, decline_code="restricted_card", decline_type=chosen
        )

    assert DeclineOverride.by_code(merchant.pk) == {"restricted_card": SOFT}
    assert DeclineOverride.by_code(merchant.pk + 1) == {}
    assert RecoveryCase.objects.get(pk=case.pk).decline_type == "soft"
