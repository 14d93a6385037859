"""A bank takes days for a direct debit: the case knows that money is under way."""

from datetime import timedelta

import pytest
from django.utils import timezone

from recovery import attempts, cases
from recovery.attempts import ChargeResult, Outcome
from recovery.models import Merchant
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from tests.local_stripe import LocalStripe
from tests.recovery.stories import asked_for_money, charge, failed_renewal, new_card, ours

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_what_stripe_answers_with_pending_is_under_way_and_not_asked_for_again(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = failed_renewal(local_stripe, merchant)
    first, second = (new_card(local_stripe, case) for _ in range(2))
    now = timezone.now()
    assert not attempts.is_under_way(case)
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        assert charge(case, first, now=now) == ChargeResult(Outcome.PENDING)

    assert ours(case).state == "pending"
    assert attempts.is_under_way(case)
    for method in (first, second):
        assert charge(case, method, now=now + 48 * HOUR) == ChargeResult(Outcome.PENDING)
    assert asked_for_money(local_stripe) == []


@pytest.mark.parametrize("is_reversed", [False, True])
@pytest.mark.parametrize(("hours_later", "is_under_way"), [(-1, True), (0, False), (1, False)])
def test_the_newest_fact_wins_in_any_order_and_of_one_moment_the_end(
    local_stripe: LocalStripe,
    merchant: Merchant,
    hours_later: int,
    is_under_way: bool,
    is_reversed: bool,
) -> None:
    case = failed_renewal(local_stripe, merchant)
    at = timezone.now() + HOUR
    facts = [(True, at), (False, at + hours_later * HOUR)]
    for told, told_at in reversed(facts) if is_reversed else facts:
        cases.note_payment(case=case, is_under_way=told, at=told_at)

    assert attempts.is_under_way(case) is is_under_way
