"""What users of other systems complain of, and what is impossible here: charges."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from billing_portal import links
from dunning.tasks import charge_due_retries, work_due_steps
from tests.connected import ask
from tests.dunning.own_campaigns import DAY, published, step
from tests.journeys.scene import (
    ONE_MORE_STEP,
    Scene,
    given_to_recover,
    link_in,
    scene,
    status,
    told,
)
from tests.local_stripe.cards import Card
from tests.threads import at_once

__all__ = ["scene"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)
MASTERCARD = Card("5200000000000007", "mastercard")


def test_two_workers_do_not_both_charge_for_one_step(scene: Scene) -> None:
    """woocommerce-gateway-stripe #2474: a scheduled charge is made twice."""
    given_to_recover(scene.merchant, 1)
    case = scene.fails()
    scene.works_again(case)
    scene.move_to(scene.began_at + DAY)
    work_due_steps()
    at_once(charge_due_retries, charge_due_retries)
    scene.live(hours=1)

    assert (len(scene.asked()), scene.taken(case)) == (1, 1)


def test_a_charge_whose_answer_is_lost_takes_the_money_once(scene: Scene) -> None:
    """woocommerce-gateway-stripe #3444: after a timeout the renewal is charged once more."""
    given_to_recover(scene.merchant, 1, 2)
    case = scene.fails()
    scene.works_again(case)
    scene.stripe.faults.add("lost_response", path="*/pay", times=3)
    scene.live(days=3)

    assert status(case) == ("recovered", "invoice_paid")
    assert (scene.charges(case), scene.taken(case)) == ([1.0], 1)


def test_no_charge_is_asked_for_without_a_name_of_its_own(scene: Scene) -> None:
    """polar (lack): charges in the background carry no idempotency key."""
    given_to_recover(scene.merchant, 1, 2)
    case = scene.fails()
    scene.live(days=3)

    run = case.runs.get()
    assert [one.headers["idempotency-key"] for one in scene.asked()] == [
        f"{case.public_id}:recover:{run.pk}.{position}:{case.payment_method_id}"
        for position in (1, 2)
    ]


def test_who_cancels_is_not_charged_by_a_retry_that_was_queued(scene: Scene) -> None:
    """recurly-client-php #222; polar #13077, #13125, #13188; polarsource/feedback #131;
    breatheco #9446; askthecode #20: charged after the cancellation."""
    given_to_recover(scene.merchant, 1, 2)
    case = scene.fails()
    scene.works_again(case)
    scene.stripe.scenarios.cancel(subscription=case.stripe_subscription_id)
    scene.live(days=3)

    assert status(case) == ("lost", "subscription_canceled")
    assert (scene.asked(), scene.taken(case)) == ([], 0)
    assert told(case, "dunning_ended") == ["Dunning ended: the case is lost."]


def test_a_new_card_does_not_pay_for_what_was_canceled(scene: Scene) -> None:
    """cashier-stripe #1090: the old invoice is charged when the customer subscribes anew."""
    canceled = scene.fails()
    scene.stripe.scenarios.cancel(subscription=canceled.stripe_subscription_id)
    scene.works_again(canceled)
    anew = scene.subscribes_anew(canceled)
    scene.stripe.scenarios.set_outcome(payment_method=canceled.payment_method_id, reason="3ds")
    current = scene.renews(anew)
    scene.has_new_card(current)
    scene.live(hours=1)

    assert status(current) == ("recovered", "invoice_paid")
    assert status(canceled) == ("lost", "subscription_canceled")
    assert (scene.taken(current), scene.taken(canceled)) == (1, 0)


def test_a_card_saved_just_before_the_cancellation_is_not_charged_after_it(scene: Scene) -> None:
    """polar #13188: a cancellation does not stop the collection that is under way."""
    case = scene.fails()
    scene.has_new_card(case)
    scene.stripe.scenarios.cancel(subscription=case.stripe_subscription_id)
    scene.live(hours=1)

    assert status(case) == ("lost", "subscription_canceled")
    assert scene.taken(case) == 0
    assert told(case, "attempt_refused") == ["Not charged: the case is lost."]


def test_one_failure_sets_off_one_retry_rule(scene: Scene) -> None:
    """subscriptions-core #628; woocommerce-gateway-stripe #1070: two or three retry rules at
    once."""
    given_to_recover(scene.merchant, 1, 3)
    given_to_recover(scene.merchant, 2, name="Other", default_for="", priority=-1)
    case = scene.fails()
    for _again in range(2):
        scene.tells_again()
    scene.live(days=4)

    assert case.runs.count() == 1
    assert scene.charges(case) == [2.0]
    assert told(case, "dunning_started") == ["Other (version 1) was started."]


def test_stripe_and_recover_never_both_ask_for_the_money(scene: Scene) -> None:
    """woocommerce-payments #4788; chargebee (lack); hyperswitch #13654: the billing system and
    whoever retries for it both charge, or hand over an attempt too late."""
    given_to_recover(scene.merchant, 1, 5)
    case = scene.fails()
    invoice = ask(scene.stripe, "GET", f"invoices/{case.stripe_invoice_id}")
    scene.live(days=17)

    assert invoice["next_payment_attempt"] is None
    assert scene.charges(case, "stripe") == [0.0]
    assert scene.charges(case) == [1.0, 5.0]


def test_a_card_is_not_asked_more_often_than_its_network_allows(scene: Scene) -> None:
    """hyperswitch #9742, #13805: retries exceeded the network's limits."""
    hourly = [step("retry", number * HOUR) for number in range(1, 15)]
    published(scene.merchant, *hourly, retries="recover")
    case = scene.fails(card=MASTERCARD)
    scene.live(hours=23)

    assert len(scene.charges(case)) == 9  # and Stripe's own before: ten within a day
    [refused] = {entry.rule for entry in case.timeline.filter(kind="attempt_refused")}
    assert refused == "Mastercard: 10 attempts in 24 hours for a card"


def test_all_debts_of_a_card_share_what_its_network_allows(scene: Scene) -> None:
    """hyperswitch #8870: nobody counts what a card is asked for over all payments."""
    hourly = [step("retry", number * HOUR) for number in range(1, 15)]
    published(scene.merchant, *hourly, retries="recover")
    one = scene.fails(card=MASTERCARD)
    two = scene.renews(one.stripe_subscription_id)
    scene.live(hours=23)

    assert len(scene.charges(one)) + len(scene.charges(two)) == 8


def test_a_networks_not_before_is_kept(scene: Scene) -> None:
    """hyperswitch (lack): passes no network_advice_code on, so "retry after 4 days" is unheard."""
    given_to_recover(scene.merchant, 1, 6)
    case = scene.fails("insufficient_funds", card=MASTERCARD, network_advice_code="27")
    scene.works_again(case)
    scene.live(days=7)

    [refused] = told(case, "attempt_refused")[:1]
    assert (
        refused == "Not charged before 2028-01-14 10:30 UTC: mastercard_mac 27 (Retry after 4d)."
    )
    assert scene.charges(case)[0] >= 4.0


@pytest.mark.parametrize("reason", ["previously_declined_do_not_retry", "highest_risk_level"])
def test_what_stripe_blocks_is_not_retried(scene: Scene, reason: str) -> None:
    """woocommerce-gateway-stripe #5169, #5170, #5361; subscriptions-core #604;
    woocommerce-payments #8638: blocked cards are retried and never reach the network."""
    given_to_recover(scene.merchant, 1, 2, default_for="hard")
    case = scene.is_blocked(reason)
    scene.works_again(case)
    scene.live(days=3)

    assert (status(case), scene.asked()) == (("open", ""), [])
    assert len(told(case, "attempt_refused")) >= 1
    assert scene.at_stripe("invoice", case.stripe_invoice_id)["status"] == "open"


def test_a_payment_that_the_customer_must_confirm_is_not_retried_blindly(scene: Scene) -> None:
    """woocommerce-gateway-stripe #995, #1055; woocommerce-payments #2113; cashier-stripe #808;
    polar (lack): SCA renewals are retried, or just wait, and nobody asks the customer."""
    published(
        scene.merchant, step("email", template="action"), step("retry", DAY),
        step("retry", 2 * DAY), retries="recover", default_for="action_required",
    )  # fmt: skip
    case = scene.fails("authentication_required")
    scene.live(days=3)

    assert (scene.asked(), scene.mails()) == ([], [(0.0, ONE_MORE_STEP)])
    assert told(case, "attempt_refused") == [
        "Not charged: decline_code authentication_required."
    ] * 2  # fmt: skip
    link = link_in(mail.outbox[0])
    assert f'action="{links.INVOICE_PATH}"' in Client().get(link).content.decode()
    asked = Client().post(links.INVOICE_PATH, {"token": link.partition("token=")[2]})
    assert (asked.status_code, asked["Location"]) == (303, case.hosted_invoice_url)


@pytest.mark.parametrize(
    ("code", "default_for", "charges"),
    [("never_seen_before", "soft", [1.0]), ("resource_missing", "hard", [])],
)
def test_a_code_that_promises_nothing_is_not_tried_for_ever(
    scene: Scene, code: str, default_for: str, charges: list[float]
) -> None:
    """themegrill/user-registration #1420: resource_missing was retried 1,596 times in 51 days."""
    given_to_recover(scene.merchant, *range(1, 15), default_for=default_for)
    case = scene.fails(code)
    scene.live(days=15)

    assert (scene.charges(case), len(scene.asked())) == (charges, len(charges))
    assert case.tasks.filter(kind="charge_refused").count() == 1


def test_a_campaign_has_an_end(scene: Scene) -> None:
    """solidus_subscriptions (lack): retries every day without a maximum."""
    given_to_recover(scene.merchant, 1, 2)
    case = scene.fails()
    scene.live(days=20)

    assert scene.charges(case) == [1.0, 2.0]
    assert told(case, "dunning_ended") == ["Dunning ended: every step was taken."]


@pytest.mark.parametrize("code", ["do_not_honor", "insufficient_funds"])
def test_a_bank_that_may_say_yes_tomorrow_is_asked_again(scene: Scene, code: str) -> None:
    """polar (lack): do_not_honor counts as final."""
    given_to_recover(scene.merchant, 1, 3)
    case = scene.fails(code)
    scene.live(hours=1)
    scene.works_again(case)
    scene.live(days=8)

    assert status(case) == ("recovered", "invoice_paid")
    assert case.mechanism == "recover_retry"
    assert (len(scene.charges(case)), scene.taken(case)) == (1, 1)


def test_a_charge_that_was_not_made_says_why_with_its_source(scene: Scene) -> None:
    """stripe (lack): no reason why a retry happened when it did, or did not happen."""
    given_to_recover(scene.merchant, 1, default_for="hard")
    case = scene.fails("stolen_card")
    scene.live(days=2)

    refusal = case.timeline.get(kind="attempt_refused")
    assert refusal.rule == "advice_code do_not_try_again"
    assert refusal.source.startswith("docs.stripe.com/declines/ca")
    assert refusal.facts["last_decline"]["decline_code"] == "stolen_card"
    assert refusal.facts["verdict"]["rule"] == refusal.rule
    planned = case.timeline.get(kind="step_planned")
    assert planned.rule == "1 day after the failure"


def test_no_merchant_lives_by_anothers_schedule(scene: Scene) -> None:
    """killbill #455: one retry schedule for every tenant."""
    other = scene.opens("Other", "rk_test_other")
    given_to_recover(scene.merchant, 1)
    given_to_recover(other, 2)
    ours, theirs = scene.fails(), scene.fails(key="rk_test_other")
    scene.live(days=3)

    assert (scene.charges(ours), scene.charges(theirs)) == ([1.0], [2.0])
