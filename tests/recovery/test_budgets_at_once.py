"""Two debts of one card, charged at the same moment by two workers: one budget for both."""

import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from recovery import attempts, card_history, failed_invoices, stripe_gateway
from recovery.attempts import ChargeResult, Outcome
from recovery.charge_facts import PastAttempt
from recovery.mechanisms import AttemptTrigger
from recovery.models import Merchant, PaymentAttempt, RecoveryCase
from tests.local_stripe import LocalStripe
from tests.recovery.stories import (
    KEY,
    asked_for_money,
    at_once,
    failed_renewal,
    realm,
)

pytestmark = pytest.mark.django_db(transaction=True)


def another_debt(
    local_stripe: LocalStripe, merchant: Merchant, case: RecoveryCase
) -> RecoveryCase:
    """The same customer's next renewal."""
    made = local_stripe.scenarios.renews(subscription=case.stripe_subscription_id, key=KEY)
    now = timezone.now()
    told = stripe_gateway.of(merchant).invoice(made["invoice"])
    found = failed_invoices.invoice_failed(merchant=merchant, told=told, failed_at=now, now=now)
    assert found
    local_stripe.requests.clear()
    return RecoveryCase.objects.get(pk=found.pk)


def retry(case: RecoveryCase, *, now: Any) -> ChargeResult:
    return attempts.charge(
        case=case, payment_method_id=case.payment_method_id, trigger=AttemptTrigger.RECOVER,
        is_customer_present=False, step="1.1", now=now,
    )  # fmt: skip


def share_card(local_stripe: LocalStripe, first: RecoveryCase, second: RecoveryCase) -> None:
    """Two customers who have the same number, or one who has it anyway."""
    card = realm(local_stripe).tables["payment_method"][first.payment_method_id]["card"]
    realm(local_stripe).tables["payment_method"][second.payment_method_id]["card"] = dict(card)
    second.attempts.update(fingerprint=card["fingerprint"])


@pytest.mark.parametrize("is_one_customer", [True, False])
def test_two_debts_of_one_card_do_not_overrun_its_budget(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch,
    is_one_customer: bool,
) -> None:  # fmt: skip
    first = failed_renewal(local_stripe, merchant)
    second = (
        another_debt(local_stripe, merchant, first)
        if is_one_customer
        else failed_renewal(local_stripe, merchant)
    )
    share_card(local_stripe, first, second)
    RecoveryCase.objects.update(retry_driver="recover", next_payment_attempt_at=None)
    known = first.attempts.get()
    now = timezone.now() + timedelta(hours=2)
    for number in range(12):  # with the two failures above it makes fourteen
        PaymentAttempt.objects.create(
            merchant=merchant, case=first, trigger="stripe", state="succeeded", key=f"k{number}",
            payment_method_id="pm_elsewhere", fingerprint=known.fingerprint, card_brand="visa",
            amount=4900, currency="usd", attempted_at=now - timedelta(hours=2), resolved_at=now,
        )  # fmt: skip
    read = card_history.attempts

    def slowly(*args: Any, **facts: Any) -> tuple[PastAttempt, ...]:
        """Whoever isn't held up reads before the other has written."""
        found = read(*args, **facts)
        time.sleep(0.5)
        return found

    monkeypatch.setattr(card_history, "attempts", slowly)
    for method in realm(local_stripe).all("payment_method"):
        local_stripe.scenarios.set_outcome(payment_method=method["id"])

    results = at_once(*(partial(retry, case, now=now) for case in (first, second)))

    assert sorted(result.outcome for result in results) == [Outcome.NOT_YET, Outcome.PAID]
    assert asked_for_money(local_stripe) == [200]
    same = PaymentAttempt.objects.filter(fingerprint=known.fingerprint, amount=4900)
    assert same.count() == 15
