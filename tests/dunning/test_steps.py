"""Each channel of a step, its condition, and what the timeline keeps of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dunning import runs
from dunning.models import DunningMessage, DunningRetry, DunningRun
from recovery import webhook_registrations
from recovery.models import Merchant, OperatorTask, OutboundNotice, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.own_campaigns import DAY, published, step

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def take(case: RecoveryCase, *, now: datetime | None = None) -> list[int]:
    """The run starts, if it hasn't, and takes what is due."""
    now = now or timezone.now()
    if not case.runs.exists():
        assert runs.start(case, now=now)
    return runs.take_due_steps(now=now)


def told(case: RecoveryCase, kind: str) -> list[str]:
    return list(case.timeline.filter(kind=kind).order_by("id").values_list("summary", flat=True))


def test_a_step_for_a_person_makes_one_task(merchant: Merchant) -> None:
    published(merchant, step("task", template="Call them."), step("email", DAY))
    case = fail()
    take(case)
    DunningRun.objects.update(next_position=1, due_at=timezone.now())  # the worker died just then
    take(case)

    task = OperatorTask.objects.get()
    assert (task.case, task.kind, task.summary) == (case, "campaign_step", "Call them.")
    assert told(case, "task_created") == ["For a person: Call them."]
    assert not DunningMessage.objects.exists()


def test_a_step_for_the_merchants_own_systems_is_told_once(merchant: Merchant) -> None:
    webhook_registrations.register(
        merchant=merchant, url="https://hooks.fern.example/dunning",
        event_types=["dunning.step"], now=timezone.now(),
    )  # fmt: skip
    published(merchant, step("webhook", template="banner"), step("email", DAY))
    case = fail()
    take(case)
    DunningRun.objects.update(next_position=1, due_at=timezone.now())
    take(case)

    notice = OutboundNotice.objects.get()
    assert (notice.type, notice.case) == ("dunning.step", case)
    assert told(case, "merchant_told") == ["The merchant's own systems are told: banner."]


def test_a_step_for_systems_that_nobody_registered_is_skipped_and_says_so(
    merchant: Merchant,
) -> None:
    published(merchant, step("webhook", template="banner"), step("email", DAY))
    case = fail()
    take(case)

    assert not OutboundNotice.objects.exists()
    assert told(case, "step_skipped") == [
        "Step 1 (webhook “banner”) was skipped: no webhook of the merchant's takes it."
    ]
    assert DunningRun.objects.get().next_position == 2


def test_a_silent_retry_before_the_first_mail_writes_to_nobody(merchant: Merchant) -> None:
    published(merchant, step("retry"), step("email", DAY), retries="recover")
    case = fail()
    assert take(case) == []

    assert DunningRetry.objects.get().step.channel == "retry"
    assert not DunningMessage.objects.exists()
    assert len(take(case, now=timezone.now() + DAY)) == 1


@pytest.mark.parametrize(
    ("conditions", "is_met"),
    [
        ({}, True),
        ({"decline_codes": ["insufficient_funds"]}, True),
        ({"decline_codes": ["expired_card"]}, False),
        ({"currencies": ["usd"], "amount_from": 4900}, True),
        ({"currencies": ["usd"], "amount_from": 4901}, False),
        ({"kinds": ["one_time"]}, False),
        ({"metadata": {"plan": ["enterprise"]}}, False),
    ],
)
def test_a_step_whose_condition_is_not_met_is_skipped_and_says_why(
    merchant: Merchant, conditions: dict[str, Any], is_met: bool
) -> None:
    published(merchant, step("email", conditions=conditions), step("email", DAY, "final"))
    case = fail()
    take(case)

    assert DunningMessage.objects.exists() is is_met
    assert len(told(case, "step_skipped")) == (0 if is_met else 1)
    take(case, now=timezone.now() + DAY)
    assert DunningMessage.objects.filter(step__template="final").exists()


def test_every_planned_step_says_when_and_by_which_rules(merchant: Merchant) -> None:
    published(merchant, step("email"), step("email", DAY))
    Merchant.objects.update(send_from_hour=9, send_until_hour=17, send_weekdays="12345")
    saturday = datetime(2027, 2, 6, 12, tzinfo=UTC)
    case = fail()
    RecoveryCase.objects.update(failed_at=saturday, opened_at=saturday)
    case.refresh_from_db()
    take(case, now=saturday)

    # Both mails are wanted by Monday morning: the later one is sent.
    planned = case.timeline.get(kind="step_planned")
    assert planned.summary == "Step 2 (email “reminder”) is planned for 2027-02-08 09:00 UTC."
    assert planned.source == "the merchant's send window"
    assert planned.facts["wanted_at"] == "2027-02-07T12:00:00+00:00"
    assert planned.facts["at"] == "2027-02-08T09:00:00+00:00"
    (move,) = planned.facts["moves"]
    assert (move["was"], move["at"]) == (planned.facts["wanted_at"], planned.facts["at"])

    take(case, now=saturday + 2 * DAY)
    assert told(case, "step_skipped") == [
        "Step 1 (email “reminder”) was skipped: a later step of its kind is due as well."
    ]


def test_a_window_that_changes_while_a_step_waits_moves_the_step(merchant: Merchant) -> None:
    published(merchant, step("email", DAY), step("email", 9 * DAY))
    tuesday = datetime(2027, 2, 2, 12, tzinfo=UTC)
    case = fail()
    RecoveryCase.objects.update(failed_at=tuesday, opened_at=tuesday)
    case.refresh_from_db()
    take(case, now=tuesday)
    Merchant.objects.update(send_weekdays="4", send_from_hour=0, send_until_hour=24)
    assert take(case, now=tuesday + DAY + timedelta(minutes=1)) == []

    assert DunningRun.objects.get().due_at == datetime(2027, 2, 4, tzinfo=UTC)
    assert not DunningMessage.objects.exists()


def test_the_mail_of_another_invoice_is_not_repeated_for_this_one(merchant: Merchant) -> None:
    now = timezone.now()
    first, second = fail(), fail()
    published(merchant, step("email"))
    message = queue(first, now=now)
    DunningMessage.objects.filter(pk=message.pk).update(
        state="sent", sent_at=now, claimed_at=now, recipient="jo@example.com"
    )
    message.also_about.add(second)
    assert take(second, now=now + timedelta(hours=1)) == []

    (why,) = told(second, "step_skipped")
    assert why.startswith("Step 1 (email “reminder”) was skipped: the customer was told of this")
    assert why.endswith(f"{message.public_id}.")


def test_the_choice_of_a_campaign_names_what_was_passed_over(merchant: Merchant) -> None:
    published(
        merchant, step("email"), name="For big debts", default_for="", priority=5,
        conditions={"currencies": ["usd"], "amount_from": 100_000},
    )  # fmt: skip
    case = fail()
    take(case)

    started = case.timeline.get(kind="dunning_started")
    assert started.rule == "default for soft declines"
    (passed,) = started.facts["passed_over"]
    assert passed["campaign"] == "For big debts"
    assert passed["why_not"]
