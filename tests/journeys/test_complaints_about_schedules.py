"""What users of other systems complain of, and what is impossible here: schedules, the order of
events, and what became of it."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from dunning.models import DunningMessage, DunningRetry
from dunning.tasks import charge_due_retries, work_due_steps
from recovery import attempts, outbound, recording
from recovery.models import RecoveryCase, WebhookDelivery
from recovery.stripe_gateway import StripeGateway
from recovery.stripe_objects import Charged
from recovery.tasks import process_inbox
from tests.builders import event, make_merchant, post
from tests.connected import ask, down
from tests.dunning.own_campaigns import DAY, published, step
from tests.journeys.scene import (
    FAILED,
    REMINDER,
    Scene,
    given_to_recover,
    scene,
    status,
    told,
    words,
)
from tests.recovery.receivers import registered

__all__ = ["scene"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
EVERY_DAY = (1, 2, 3, 4, 5)


def test_retries_do_not_stop_half_way(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """woocommerce #25974: payment retries stopped after 2 of 5."""
    given_to_recover(scene.merchant, *EVERY_DAY)
    case = scene.fails()
    scene.live(days=1, hours=12)
    with down(scene.stripe, monkeypatch):
        scene.live(hours=18)
    scene.live(days=4)

    *before, late = scene.charges(case)[:2]
    assert (before, 2.25 <= late < 2.5) == ([1.0], True)
    assert scene.charges(case)[2:] == [3.0, 4.0, 5.0]
    assert told(case, "dunning_ended") == ["Dunning ended: every step was taken."]


@pytest.mark.parametrize("died_in", ["before it asked", "before it recorded"])
def test_a_crash_loses_no_attempt_and_makes_none_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    """lago (lack): the counter is saved before the job is queued, so a crash loses an attempt."""
    given_to_recover(scene.merchant, 1, 3)
    case = scene.fails()
    scene.move_to(scene.began_at + DAY)
    work_due_steps()
    module, name = (attempts, "_ask") if died_in == "before it asked" else (recording, "record")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, _dies)
        with pytest.raises(SystemExit):
            charge_due_retries()
    scene.live(days=3)

    first, second = scene.charges(case)
    assert (1.0 <= first < 1.1, second) == (True, 3.0)
    assert DunningRetry.objects.filter(state="done").count() == 2
    keys = [one.headers["idempotency-key"] for one in scene.asked()]
    assert (len(keys), len(set(keys))) == (2, 2)


def _dies(*_facts: object, **_named: object) -> None:
    raise SystemExit


def test_what_is_due_while_nobody_works_is_neither_lost_nor_piled_up(scene: Scene) -> None:
    """killbill #535: what comes late moves everything after it."""
    scene.fails()
    scene.move_to(scene.began_at + 11 * DAY)
    scene.settle()
    scene.live(days=8)

    assert scene.mails() == [(11.0, REMINDER), (18.0, REMINDER)]
    [case] = RecoveryCase.objects.all()
    assert len(told(case, "step_skipped")) == 2


def test_a_blocked_retry_strands_no_subscription(scene: Scene) -> None:
    """newspack-workspace #505: a subscription is on hold for ever once its retry was canceled."""
    given_to_recover(
        scene.merchant, 1, 2, default_for="hard", end_action="cancel_subscription"
    )  # fmt: skip
    case = scene.is_blocked("highest_risk_level")
    scene.live(days=10)

    subscription = ask(scene.stripe, "GET", f"subscriptions/{case.stripe_subscription_id}")
    assert (subscription["status"], scene.asked()) == ("canceled", [])
    assert status(case) == ("lost", "subscription_canceled")


def test_paying_one_debt_moves_no_other_schedule(scene: Scene) -> None:
    """killbill #2297: paying some invoices makes the account skip a state."""
    first = scene.fails()
    scene.live(days=3)
    second = scene.renews(first.stripe_subscription_id)
    scene.live(days=2)
    scene.stripe.scenarios.pay(invoice=first.stripe_invoice_id)
    scene.live(days=26)

    assert status(first)[0] == "recovered"
    about_second = DunningMessage.objects.filter(case=second, state="sent").order_by("sent_at")
    assert [scene.day(message.sent_at) for message in about_second] == [7.0, 13.0, 21.0, 30.0]


def test_debts_in_two_currencies_share_a_mail_and_no_clock(scene: Scene) -> None:
    """lago (lack): one time of the last attempt for a customer, across currencies."""
    dollars = scene.fails()
    assert dollars.customer
    customer = dollars.customer.stripe_customer_id
    scene.stripe.scenarios.set_outcome(payment_method=dollars.payment_method_id)
    anew = ask(
        scene.stripe, "POST", "subscriptions", customer=customer,
        **{
            "items[0][price_data][currency]": "eur", "items[0][price_data][unit_amount]": "900",
            "items[0][price_data][product]": _product(scene),
            "items[0][price_data][recurring][interval]": "year",
        },
    )  # fmt: skip
    scene.stripe.scenarios.set_outcome(
        payment_method=dollars.payment_method_id, reason="generic_decline"
    )
    scene.live(hours=12)
    euros = scene.renews(anew["id"])
    scene.live(days=2)

    assert [run.case for run in _runs(dollars, euros)] == [dollars, euros]
    due = [run.due_at - scene.began_at for run in _runs(dollars, euros)]
    assert due == [4 * DAY, timedelta(days=4, hours=12)]
    assert "$49.00" in words(mail.outbox[0])
    assert "€9.00" in words(mail.outbox[0])


def _product(scene: Scene) -> str:
    made = ask(scene.stripe, "POST", "products", name="Euro plan")
    return str(made["id"])


def _runs(*cases: RecoveryCase) -> list[Any]:
    return [case.runs.get() for case in cases]


def test_the_end_does_not_come_before_the_last_retry_and_the_last_mail(scene: Scene) -> None:
    """killbill #455; firezone #13367, #9869; polar #5094: the clocks of retries and of the
    end disagree, and the account is shut while a retry is to come."""
    published(
        scene.merchant, step("email", DAY), step("retry", 2 * DAY),
        step("email", 3 * DAY, "final"), retries="recover", end_action="mark_lost",
    )  # fmt: skip
    case = scene.fails()
    scene.live(days=9, hours=23)
    assert (status(case), scene.charges(case)) == (("open", ""), [2.0])
    scene.live(hours=2)

    assert [day for day, _subject in scene.mails()] == [1.0, 3.0]
    assert status(case) == ("lost", "campaign_ended")
    assert scene.day(case.closed_at) == 10.0


def test_no_merchant_is_bound_to_a_schedule_of_ours(scene: Scene) -> None:
    """lago canny "set-up-payment-retry-logic"; polar (lack): one fixed schedule for everyone."""
    given_to_recover(scene.merchant, 2.5, 7)
    case = scene.fails()
    scene.live(days=8)

    assert scene.charges(case) == [2.5, 7.0]


def test_recover_does_not_wait_until_stripe_has_given_up(scene: Scene) -> None:
    """hyperswitch (lack): it picks up only after the billing system gave up, and writes to
    nobody."""
    case = scene.fails()
    scene.live(days=1)

    assert scene.mails() == [(1.0, FAILED)]
    assert case.next_payment_attempt_at is not None


def _story() -> Sequence[dict[str, Any]]:
    invoice = {
        "id": "in_1", "customer": "cus_1", "customer_email": "jo@example.com",
        "amount_due": 4900, "amount_remaining": 4900, "currency": "usd", "status": "open",
    }  # fmt: skip
    paid = invoice | {"status": "paid", "amount_paid": 4900, "amount_remaining": 0}
    return (
        event("invoice.payment_failed", invoice | {"attempt_count": 1}),
        event("invoice.updated", invoice | {"attempt_count": 1}),
        event("invoice.payment_failed", invoice | {"attempt_count": 2}),
        event("invoice.paid", paid | {"attempt_count": 3}),
    )


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::3])
def test_no_order_of_events_leaves_a_paid_debt_open(order: tuple[int, ...]) -> None:
    """cashier-stripe #1201; pay #282, #326; dj-stripe #1239; stripe-cli #418; stripe_event #75;
    frappe/press #277; solidus_stripe #188; open-saas #688; get-convex/stripe #53: events out of
    order or twice leave the wrong state."""
    merchant = make_merchant()
    told_in_order = _story()
    for place in (*order, *order):
        assert post(told_in_order[place], merchant=merchant).status_code == 200
        process_inbox()

    case = RecoveryCase.objects.get()
    assert (case.status, case.amount_recovered, case.mechanism) == (
        "recovered", 4900, "stripe_retry",
    )  # fmt: skip
    work_due_steps()
    assert mail.outbox == []


def test_a_merchants_systems_hear_of_no_payment_that_failed(scene: Scene) -> None:
    """PaddleHQ #107; polar #9084: told that it is active, and then that it is past due."""
    registered(scene.merchant)
    case = scene.fails()
    scene.live(hours=1)
    assert _heard() == ["case.opened", "attempt.failed"]

    scene.stripe.scenarios.pay(invoice=case.stripe_invoice_id)
    scene.live(hours=1)
    assert _heard() == ["case.opened", "attempt.failed", "case.recovered"]


def _heard() -> list[str]:
    outbound.publish(now=timezone.now())
    told_outside = WebhookDelivery.objects.order_by("sequence")
    return list(told_outside.values_list("notice__type", flat=True))


def test_money_that_came_by_itself_is_not_claimed_for_a_retry(scene: Scene) -> None:
    """lago (lack); stripe (lack): "recovered" cannot tell dunning from payments of one's own."""
    given_to_recover(scene.merchant, 1, 2)
    by_retry, by_itself = scene.fails(), scene.fails(email="kim@example.com")
    scene.works_again(by_retry)
    scene.live(hours=1)
    scene.stripe.scenarios.pay(invoice=by_itself.stripe_invoice_id)
    scene.live(days=2)

    assert (status(by_retry)[0], by_retry.mechanism) == ("recovered", "recover_retry")
    assert (status(by_itself)[0], by_itself.mechanism) == ("recovered", "customer_paid")


def test_a_bank_that_needs_days_to_say_no_stops_no_retries(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """killbill #1832: no retry follows a payment that was pending and then failed."""
    given_to_recover(scene.merchant, 1, 4)
    case = scene.fails()
    id_ = scene.at_stripe("invoice", case.stripe_invoice_id)["_payment_intent"]
    intent = scene.at_stripe("payment_intent", id_)
    intent["status"] = "processing"
    with monkeypatch.context() as patch:
        patch.setattr(StripeGateway, "pay_invoice", lambda *_, **__: Charged("pending"))
        scene.live(days=2)
    intent["status"] = "requires_payment_method"
    error = {"code": "card_declined", "decline_code": "generic_decline"}
    scene.hears("payment_intent.payment_failed", {"id": id_, "last_payment_error": error})
    scene.live(days=3)

    assert scene.charges(case)[-1] == 4.0
    assert "generic_decline" in told(case, "attempt_failed")[-1]
    assert told(case, "dunning_ended") == ["Dunning ended: every step was taken."]


def test_what_was_not_done_is_told_with_its_reason(scene: Scene) -> None:
    """stripe (lack): nobody can see why something did not happen."""
    published(
        scene.merchant, step("email", DAY),
        step("email", 2 * DAY, conditions={"currencies": ["eur"]}), step("webhook", 3 * DAY),
    )  # fmt: skip
    case = scene.fails()
    scene.live(days=4)

    skipped = case.timeline.filter(kind="step_skipped").order_by("at")
    assert [(entry.summary, entry.rule) for entry in skipped] == [
        ("Step 2 (email “reminder”) was skipped: currency is usd, not eur.",
         "the step's condition"),
        ("Step 3 (webhook “banner”) was skipped: no webhook of the merchant's takes it.",
         "nobody has registered for dunning.step"),
    ]  # fmt: skip
