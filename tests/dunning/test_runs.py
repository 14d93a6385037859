"""Each open case is worked by one run of the campaign for its type of decline."""

from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dunning import campaigns, runs
from dunning.models import DunningCampaign, DunningMessage, DunningRun
from dunning.plans.default_plans import SCHEDULES
from dunning.tasks import start_runs
from recovery.declines import DeclineType
from recovery.models import Merchant, RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import event, make_merchant, receive
from tests.dunning.facts import close, fail, queue
from tests.dunning.mail.sending import deliver_one
from tests.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    return fail()


def run_of(case: RecoveryCase) -> DunningRun:
    return DunningRun.objects.get(case=case)


def start(*, now: datetime) -> list[DunningRun | None]:
    return [runs.start(case, now=now) for case in runs.cases_to_start(now=now)]


def written() -> list[str]:
    return [message.template for message in DunningMessage.objects.order_by("id")]


@pytest.mark.parametrize(
    ("reason", "decline_type", "first_day", "first_words"),
    [
        ("insufficient_funds", "soft", 1, "failed"),
        ("stolen_card", "hard", 0, "new_card"),
        ("authentication_required", "action_required", 0, "action"),
    ],
)
def test_each_type_of_decline_gets_its_default_campaign(
    merchant: Merchant, reason: str, decline_type: str, first_day: int, first_words: str
) -> None:
    case = fail(reason)
    start(now=timezone.now())

    run = run_of(case)
    assert run.campaign.default_for == decline_type
    type_ = decline_type.replace("_", " ")
    assert str(run.campaign) == f"Default for {type_} declines (version 1)"
    steps = [(step.delay.days, step.template) for step in run.campaign.steps.order_by("position")]
    assert steps == list(SCHEDULES[DeclineType(decline_type)])
    assert steps[0] == (first_day, first_words)
    assert str(run) == f"{run.campaign} on {case}"
    told = case.timeline.get(kind="dunning_started")
    assert told.rule == f"default for {type_} declines"
    assert told.facts == {
        "campaign": run.campaign.name, "version": 1, "passed_over": [],
        "looked_at": {"decline_type": decline_type},
    }  # fmt: skip


def test_a_campaign_is_made_once_and_then_used_again(merchant: Merchant) -> None:
    made = [
        campaigns.default(merchant=merchant, decline_type=DeclineType.SOFT, now=timezone.now())
        for _again in range(2)
    ]
    assert made[0] == made[1]
    assert DunningCampaign.objects.count() == 1
    assert [str(step) for step in made[0].steps.all()] == [
        "1. failed", "2. reminder", "3. reminder", "4. reminder", "5. final",
    ]  # fmt: skip


def test_a_case_has_one_live_run(case: RecoveryCase) -> None:
    now = timezone.now()
    first, second = runs.start(case, now=now), runs.start(case, now=now)

    assert first == run_of(case)
    assert second is None
    assert list(runs.cases_to_start(now=now)) == []
    assert case.timeline.filter(kind="dunning_started").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_start_one_run(merchant: Merchant) -> None:
    case, now = fail(), timezone.now()
    at_once(lambda: runs.start(case, now=now), lambda: runs.start(case, now=now))
    assert run_of(case).state == "live"


def test_a_case_that_was_worked_to_the_end_is_not_worked_again(case: RecoveryCase) -> None:
    now = timezone.now()
    start(now=now)
    runs.end(run_of(case), state=DunningRun.State.FINISHED, reason="test", now=now)
    assert start(now=now) == []


def test_what_is_to_begin_is_found_without_looking_at_what_was_begun(
    case: RecoveryCase,
) -> None:
    start_runs()

    with CaptureQueriesContext(connection) as asked:
        start_runs()

    assert not any("dunning_dunningrun" in one["sql"] for one in asked)
    case.refresh_from_db()
    assert case.is_taken_up


def test_a_case_that_an_older_recover_took_up_is_not_begun_anew(case: RecoveryCase) -> None:
    start_runs()
    DunningRun.objects.update(state="finished", ended_at=timezone.now(), due_at=None)
    RecoveryCase.objects.update(is_taken_up=False)

    start_runs()

    assert DunningRun.objects.count() == 1
    case.refresh_from_db()
    assert case.is_taken_up


def test_a_case_that_stripe_is_still_asked_about_waits_a_moment_for_its_campaign(
    case: RecoveryCase,
) -> None:
    RecoveryCase.objects.update(enrich_at=timezone.now())
    soon = case.opened_at + runs.STRIPE_TELLS_WITHIN
    assert start(now=soon - timedelta(seconds=1)) == []
    assert start(now=soon) == [run_of(case)]


def test_a_paused_case_gets_no_run_until_it_goes_on(case: RecoveryCase) -> None:
    RecoveryCase.objects.update(is_paused=True)
    assert start(now=timezone.now()) == []
    RecoveryCase.objects.update(is_paused=False)
    assert start(now=timezone.now()) == [run_of(case)]


def test_a_one_time_payment_is_left_alone_until_it_has_settled(merchant: Merchant) -> None:
    intent = {
        "id": "pi_1", "amount": 2500, "currency": "usd", "receipt_email": "sam@example.com",
        "last_payment_error": {"code": "card_declined", "decline_code": "generic_decline"},
    }  # fmt: skip
    receive(event("payment_intent.payment_failed", intent))
    case = RecoveryCase.objects.get()
    assert case.settles_at

    assert start(now=case.settles_at - timedelta(seconds=1)) == []
    assert start(now=case.settles_at) == [run_of(case)]


def test_nobody_writes_for_a_merchant_that_was_disconnected(
    merchant: Merchant, case: RecoveryCase
) -> None:
    merchant.stripe.disconnected_at = timezone.now()
    merchant.stripe.save()
    assert start(now=timezone.now()) == []


def test_a_merchant_that_disconnects_is_written_for_no_more(
    merchant: Merchant, case: RecoveryCase
) -> None:
    now = timezone.now()
    message = queue(case, now=now)
    merchant.stripe.disconnected_at = now
    merchant.stripe.save()

    assert runs.take_due_steps(now=now + timedelta(days=30)) == []
    deliver_one(message.pk, now=now)
    message.refresh_from_db()
    assert (message.state, message.error) == ("skipped", "the merchant has disconnected Stripe")
    assert mail.outbox == []


def test_a_stripe_whose_clock_is_ahead_delays_no_mail(merchant: Merchant) -> None:
    now = timezone.now()
    invoice = {"id": "in_ahead", "customer_email": "jo@example.com", "amount_due": 4900}
    ahead = int((now + timedelta(days=31)).timestamp())
    receive(event("invoice.payment_failed", invoice, created=ahead))
    case = RecoveryCase.objects.get()

    assert start(now=case.opened_at)
    first = timedelta(days=SCHEDULES[DeclineType.SOFT][0][0])
    assert run_of(case).due_at == case.opened_at + first


@pytest.mark.parametrize("trigger", [Trigger.INVOICE_PAID, Trigger.SUBSCRIPTION_CANCELED])
def test_a_closed_case_gets_no_run(case: RecoveryCase, trigger: Trigger) -> None:
    close(case, now=timezone.now(), trigger=trigger)
    assert start(now=timezone.now()) == []


def test_a_campaign_without_steps_starts_nothing(case: RecoveryCase) -> None:
    campaigns.default(
        merchant=case.merchant, decline_type=DeclineType.SOFT, now=timezone.now()
    ).steps.all().delete()
    assert start(now=timezone.now()) == [None]
    assert not DunningRun.objects.exists()


def test_every_step_makes_one_message_at_its_time_and_then_the_run_is_over(
    case: RecoveryCase,
) -> None:
    now = case.failed_at
    start(now=now)
    queued = []
    for hour in range(24 * 28):
        queued += [hour for _ in runs.take_due_steps(now=now + timedelta(hours=hour))]

    assert queued == [1 * 24, 4 * 24, 10 * 24, 18 * 24, 27 * 24]
    assert written() == ["failed", "reminder", "reminder", "reminder", "final"]
    run = run_of(case)
    assert (run.state, run.reason, run.due_at) == ("finished", "every step was taken", None)
    assert case.timeline.get(kind="dunning_ended").summary == (
        "Dunning ended: every step was taken."
    )


@pytest.mark.parametrize(
    ("late", "words", "following"),
    [(4, ["reminder"], 10), (11, ["reminder"], 18), (30, ["final"], 0)],
)
def test_steps_that_are_overdue_when_a_run_starts_collapse_into_the_latest(
    case: RecoveryCase, late: int, words: list[str], following: int
) -> None:
    now = case.failed_at + timedelta(days=late)
    start(now=now)
    for _tick in range(3):
        runs.take_due_steps(now=now)

    assert written() == words
    run = run_of(case)
    assert run.due_at == (case.failed_at + timedelta(days=following) if following else None)


def test_steps_that_fell_due_while_no_worker_ran_collapse_into_the_latest(
    case: RecoveryCase,
) -> None:
    start(now=case.failed_at)
    runs.take_due_steps(now=case.failed_at + timedelta(days=1))
    for _tick in range(3):
        runs.take_due_steps(now=case.failed_at + timedelta(days=11))

    assert written() == ["failed", "reminder"]
    run = run_of(case)
    assert (run.next_position, run.due_at) == (4, case.failed_at + timedelta(days=18))


def test_a_paused_case_takes_no_step_and_then_the_latest_alone(case: RecoveryCase) -> None:
    start(now=case.failed_at)
    RecoveryCase.objects.update(is_paused=True)
    assert runs.take_due_steps(now=case.failed_at + timedelta(days=9)) == []
    assert not DunningMessage.objects.exists()

    RecoveryCase.objects.update(is_paused=False)
    for _tick in range(3):
        runs.take_due_steps(now=case.failed_at + timedelta(days=9))
    assert written() == ["reminder"]


def test_a_step_that_was_taken_already_makes_no_second_message(case: RecoveryCase) -> None:
    now = case.failed_at + timedelta(days=1)
    start(now=now)
    (first,) = runs.take_due_steps(now=now)
    DunningRun.objects.update(next_position=1, due_at=now)  # as if the worker had died just then
    assert runs.take_due_steps(now=now) == [first]
    assert written() == ["failed"]


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        (Trigger.INVOICE_PAID, "the case is recovered"),
        (Trigger.INVOICE_VOIDED, "the case is voided"),
        (Trigger.SUBSCRIPTION_CANCELED, "the case is lost"),
    ],
)
def test_a_close_stops_the_run_though_its_next_step_is_days_away(
    case: RecoveryCase, trigger: Trigger, reason: str
) -> None:
    now = timezone.now()
    start(now=now)
    runs.take_due_steps(now=now)
    other = fail()
    start(now=now)
    close(case, now=now, trigger=trigger)

    for _again in range(2):
        runs.stop_for_closed_cases(now=now)

    run = run_of(case)
    assert (run.state, run.reason, run.ended_at) == ("stopped", reason, now)
    assert run_of(other).state == "live"
    assert case.timeline.filter(kind="dunning_ended").count() == 1


def test_a_step_that_is_due_for_a_closed_case_ends_the_run_instead(case: RecoveryCase) -> None:
    now = case.failed_at + timedelta(days=1)
    start(now=now)
    close(case, now=now)

    assert runs.take_due_steps(now=now) == []
    assert run_of(case).state == "stopped"
    assert not DunningMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_stop_a_run_once(merchant: Merchant) -> None:
    case, now = fail(), timezone.now()
    start(now=now)
    close(case, now=now)
    at_once(*[lambda: runs.stop_for_closed_cases(now=now)] * 2)

    assert run_of(case).state == "stopped"
    assert case.timeline.filter(kind="dunning_ended").count() == 1
