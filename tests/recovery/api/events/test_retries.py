"""POST events/{id}/retry: the money is asked for at most once, and never against a rule."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery import stripe_gateway, timeline
from recovery.api.events.retries import SAID
from recovery.charge_results import ChargeResult, Outcome
from recovery.models import IdempotentRequest, Merchant, RecoveryCase
from recovery.timeline import Kind
from tests.builders import make_merchant
from tests.local_stripe import LocalStripe
from tests.recovery.api.asking import case, post
from tests.recovery.stories import (
    asked_for_money,
    at_once,
    failed_renewal,
    new_card,
    stripe_is_down,
)

pytestmark = pytest.mark.django_db(transaction=True)


def retry(debt: RecoveryCase, key: str | None = None) -> tuple[int, Any]:
    answer = post(debt.merchant, f"events/{debt.public_id}/retry", key=key)
    return answer.status_code, answer.json()


@pytest.fixture
def debt(local_stripe: LocalStripe, merchant: Merchant) -> RecoveryCase:
    """Whose customer has saved another card; no retry of Stripe's is near."""
    made = failed_renewal(local_stripe, merchant)
    new_card(local_stripe, made)
    return made


def test_the_card_that_stripe_would_charge_is_charged(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    status, answer = retry(debt)

    assert (status, answer["outcome"], answer["message"]) == (
        200, "paid", "The payment went through.",
    )  # fmt: skip
    assert (answer["event"]["status"], answer["event"]["amount_recovered"]) == ("recovered", 4900)
    assert answer["event"]["mechanism"] == "recover_retry"
    assert asked_for_money(local_stripe) == [200]
    attempt = debt.attempts.get(trigger="operator")
    assert attempt.state == "succeeded"
    asked = debt.timeline.get(kind="charge_asked")
    assert asked.actor.startswith("api_key:")


def test_a_second_click_and_a_request_that_is_sent_again_charge_nothing_more(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    first = retry(debt, key="k1")
    again, click = retry(debt, key="k1"), retry(debt)

    assert again == first
    assert (click[0], click[1]["outcome"]) == (200, "already_paid")
    assert asked_for_money(local_stripe) == [200]


def test_two_clicks_at_once_make_one_charge(local_stripe: LocalStripe, debt: RecoveryCase) -> None:
    answers = at_once(lambda: retry(debt), lambda: retry(debt))

    assert {status for status, _answer in answers} <= {200, 202}
    assert asked_for_money(local_stripe).count(200) == 1
    assert debt.attempts.filter(trigger="operator").count() == 1


def test_a_card_that_declines_is_an_outcome_and_the_case_stays_open(
    local_stripe: LocalStripe, merchant: Merchant
) -> None:
    debt = failed_renewal(local_stripe, merchant)
    card = new_card(local_stripe, debt)
    local_stripe.scenarios.set_outcome(payment_method=card, reason="insufficient_funds")

    status, answer = retry(debt)
    once_more = retry(debt)

    assert (status, answer["outcome"], answer["event"]["status"]) == (200, "declined", "open")
    assert once_more[1]["outcome"] == "declined"
    assert asked_for_money(local_stripe) == [402]


def test_without_a_key_what_is_asked_within_a_minute_is_one_question_over_the_full_minute_too(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = failed_renewal(local_stripe, merchant)
    card = new_card(local_stripe, debt)
    local_stripe.scenarios.set_outcome(payment_method=card, reason="insufficient_funds")
    begun = timezone.now().replace(second=59, microsecond=900_000)
    answers = []

    for seconds in (0, 0.2, 59, 61):
        at = begun + timedelta(seconds=seconds)
        monkeypatch.setattr("recovery.api.events.retries.clock.now", lambda at=at: at)
        answers.append(retry(debt))

    assert [answer["outcome"] for _status, answer in answers[:3]] == ["declined"] * 3
    assert answers[3][0] == 409  # another question, and the card was declined a minute ago
    assert debt.timeline.filter(kind="charge_asked").count() == 2
    assert asked_for_money(local_stripe) == [402]


def test_who_asks_without_a_key_within_a_minute_of_one_with_a_key_asks_once(
    debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = timezone.now()
    steps: list[str] = []
    monkeypatch.setattr("recovery.api.events.retries.operator_charges.charge", noted(steps))

    for seconds, key in ((0, "k1"), (59.9, None), (60.1, None), (119, None), (121, None)):
        at = begun + timedelta(seconds=seconds)
        monkeypatch.setattr("recovery.api.events.retries.clock.now", lambda at=at: at)
        retry(debt, key=key)

    assert [steps.index(step) for step in steps] == [0, 1, 1, 1, 4]


def noted(steps: list[str]) -> Any:
    """A charge that only notes that it was asked for, and for which step."""

    def charge(*, case: RecoveryCase, step: str, actor: str, now: datetime) -> ChargeResult:
        steps.append(step)
        timeline.append(
            case=case, kind=Kind.CHARGE_ASKED, at=now, once=f"asked:{step}", actor=actor,
            summary="The money was asked for by hand.",
        )  # fmt: skip
        return ChargeResult(Outcome.PENDING)

    return charge


def test_a_rule_that_forbids_it_is_a_409_with_its_source(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    RecoveryCase.objects.update(is_paused=True)

    status, answer = retry(debt)

    assert (status, answer["error"]) == (
        409,
        {
            "code": "charge_refused", "message": "Not charged: the case is paused.",
            "fields": {
                "rule": "the case is paused", "source": "the merchant's own decision",
                "earliest_at": None,
            },
        },
    )  # fmt: skip
    assert asked_for_money(local_stripe) == []
    assert debt.timeline.filter(kind="attempt_refused").count() == 1


def test_a_wait_says_until_when(
    local_stripe: LocalStripe, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = failed_renewal(local_stripe, merchant)
    soon = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    monkeypatch.setattr("recovery.charge_methods.cases.take_over_invoice", lambda **_: None)
    RecoveryCase.objects.update(next_payment_attempt_at=soon)

    status, answer = retry(debt)

    told = answer["error"]
    assert (status, told["code"]) == (409, "charge_not_yet")
    assert told["fields"]["rule"] == "Stripe's own retry is about to happen"
    assert told["fields"]["source"] == "invoice.next_payment_attempt"
    earliest = datetime.fromisoformat(told["fields"]["earliest_at"])
    assert earliest == soon + timedelta(hours=1)
    assert told["message"].startswith(f"Not charged before {told['fields']['earliest_at']}: ")
    assert asked_for_money(local_stripe) == []


def closed(debt: RecoveryCase, status: str, reason: str) -> RecoveryCase:
    RecoveryCase.objects.update(status=status, reason=reason, closed_at=timezone.now())
    return debt


def test_what_was_never_owed_is_not_charged(local_stripe: LocalStripe, debt: RecoveryCase) -> None:
    code, answer = retry(closed(debt, "voided", "invoice_voided"))

    assert (code, answer["error"]["fields"]["rule"]) == (409, "the case is voided")
    assert asked_for_money(local_stripe) == []


@pytest.mark.parametrize(
    ("nature", "rule"),
    [
        ({"status": "draft"}, "the invoice is a draft"),
        ({"collection_method": "send_invoice"},
         "the invoice is one that its customer pays by hand"),
    ],
)  # fmt: skip
def test_what_paying_would_charge_against_its_nature_is_not_charged(
    local_stripe: LocalStripe, debt: RecoveryCase, nature: dict[str, str], rule: str
) -> None:
    found = local_stripe.world.find("invoice", debt.stripe_invoice_id)
    assert found
    found[1].update(nature)

    code, answer = retry(debt)

    assert (code, answer["error"]["fields"]["rule"]) == (409, rule)
    assert answer["error"]["fields"]["source"].startswith("docs.stripe.com/")
    assert asked_for_money(local_stripe) == []
    assert debt.timeline.get(kind="attempt_refused").summary == f"Not charged: {rule}."


def test_what_was_given_up_is_still_owed(debt: RecoveryCase) -> None:
    """An operator may ask for it; nothing asks for it by itself."""
    answer = retry(closed(debt, "lost", "campaign_ended"))[1]

    assert (answer["outcome"], answer["event"]["status"]) == ("paid", "recovered")


def test_without_a_payment_method_there_is_nothing_to_charge(
    local_stripe: LocalStripe, debt: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = stripe_gateway.StripeGateway
    monkeypatch.setattr(gateway, "method_to_charge", lambda *_: "")

    status, answer = retry(debt)

    assert (status, answer["error"]["fields"]["rule"]) == (
        409, "the customer has no payment method",
    )  # fmt: skip


def test_without_stripe_there_is_nobody_to_ask() -> None:
    debt = case(make_merchant())

    status, answer = retry(debt)

    assert (status, answer["error"]["code"]) == (409, "charge_refused")
    assert answer["error"]["message"] == "Not charged: The merchant has no Stripe key."
    assert answer["error"]["fields"]["source"] == "the merchant's connection to Stripe"
    assert debt.timeline.filter(kind="attempt_refused").count() == 1


def test_while_stripe_is_down_the_same_request_is_asked_again(
    local_stripe: LocalStripe, debt: RecoveryCase
) -> None:
    with stripe_is_down(local_stripe):
        answer = post(debt.merchant, f"events/{debt.public_id}/retry", key="k1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "stripe_unavailable")
    assert answer["Retry-After"] == "30"
    assert not IdempotentRequest.objects.exists()

    assert retry(debt, key="k1")[1]["outcome"] == "paid"
    assert asked_for_money(local_stripe).count(200) == 1


def test_a_bank_that_takes_its_time_is_a_202(
    debt: RecoveryCase, local_stripe: LocalStripe
) -> None:
    RecoveryCase.objects.update(is_payment_under_way=True, payment_known_at=timezone.now())

    status, answer = retry(debt)

    assert (status, answer["outcome"]) == (202, "pending")
    assert asked_for_money(local_stripe) == []


def test_every_outcome_is_said_or_refused() -> None:
    refused = {Outcome.UNAVAILABLE, Outcome.NOT_YET, Outcome.REFUSED}

    assert set(SAID) | refused == set(Outcome)
    assert set(SAID) & refused == set()
