"""A row that can't be worked stands before a good one and holds it up in none of the queues."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from billing_portal import links, new_cards
from billing_portal.tasks import charge_new_cards
from dunning import runs, tasks
from dunning.mail import delivery, messages
from dunning.models import DunningMessage, DunningRun
from recovery import cases, enrichment, timeline, turns
from recovery.models import Customer, RecoveryCase
from recovery.tasks import enrich_cases
from tests.builders import make_merchant
from tests.dunning.facts import close, fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db
END_OF_THE_CALENDAR = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


@pytest.fixture
def poison() -> RecoveryCase:
    make_merchant(time_zone="Pacific/Kiritimati")  # 14 hours ahead: there the year is over
    return fail("expired_card", email="poison@example.com")


@pytest.fixture
def good(poison: RecoveryCase) -> RecoveryCase:
    return fail("expired_card", email="good@example.com")


def spoil(case: RecoveryCase) -> None:
    """No step's delay and no day in the merchant's zone can be reckoned any more."""
    RecoveryCase.objects.filter(pk=case.pk).update(
        failed_at=END_OF_THE_CALENDAR, opened_at=END_OF_THE_CALENDAR
    )


def fails_for(case: RecoveryCase, work: Callable[..., Any]) -> Callable[..., Any]:
    """`work`, but for one case, or for what belongs to it."""

    def fail_or_work(*args: Any, **kwargs: Any) -> Any:
        told = [*args, *kwargs.values()]
        if any(case in {one, getattr(one, "case", None)} for one in told):
            raise ArithmeticError("poison")
        return work(*args, **kwargs)

    return fail_or_work


def runs_of(*cases_: RecoveryCase) -> list[str]:
    found = {run.case_id: run.state for run in DunningRun.objects.all()}
    return [found.get(case.pk, "") for case in cases_]


def messages_of(*cases_: RecoveryCase) -> list[str]:
    found = {message.case_id: message.state for message in DunningMessage.objects.all()}
    return [found.get(case.pk, "") for case in cases_]


def test_a_case_that_no_run_can_start_for(poison: RecoveryCase, good: RecoveryCase) -> None:
    spoil(poison)
    for _again in range(2):
        tasks.start_runs()

    assert runs_of(poison, good) == ["", "live"]


def test_more_cases_than_a_batch_for_which_nothing_can_be_started(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH", 1)
    spoil(poison)
    tasks.start_runs()

    assert runs_of(poison, good) == ["", "live"]


def test_a_turn_full_of_cases_for_which_nothing_can_be_started(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(turns, "SHORT", 0)
    monkeypatch.setattr(
        tasks.start_runs, "apply_async", lambda **told: asked.append(told["kwargs"])
    )
    spoil(poison)

    tasks.start_runs()
    assert runs_of(poison, good) == ["", ""]
    tasks.start_runs(after_id=asked.pop()["after_id"])

    assert runs_of(poison, good) == ["", "live"]
    assert asked == []


def test_a_run_whose_step_cannot_be_taken(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.start_runs()
    spoil(poison)
    monkeypatch.setattr(runs, "STEPS_AT_ONCE", 1)
    now = timezone.now()
    for _again in range(2):  # the first batch is the poison alone; then it isn't at the head
        runs.take_due_steps(now=now)

    assert messages_of(poison, good) == ["", "queued"]
    assert DunningRun.objects.get(case=poison).due_at == now + runs.PAUSE
    assert runs_of(poison, good) == ["live", "live"]


def test_a_run_that_was_put_off_goes_on_when_it_can(
    poison: RecoveryCase, good: RecoveryCase
) -> None:
    tasks.start_runs()
    spoil(poison)
    now = timezone.now()
    runs.take_due_steps(now=now)
    RecoveryCase.objects.filter(pk=poison.pk).update(failed_at=now, opened_at=now)

    assert runs.take_due_steps(now=now + runs.PAUSE - timedelta(seconds=1)) == []
    assert len(runs.take_due_steps(now=now + runs.PAUSE)) == 1
    assert messages_of(poison, good) == ["queued", "queued"]


def test_the_runs_of_a_dead_worker_wait_for_less_than_a_minute(good: RecoveryCase) -> None:
    tasks.start_runs()
    now = timezone.now()
    assert len(runs._lease(now=now)) == 2  # and there it died

    assert timedelta(minutes=1) > runs.LEASE
    assert runs.take_due_steps(now=now + runs.LEASE - timedelta(seconds=1)) == []
    assert len(runs.take_due_steps(now=now + runs.LEASE)) == 2


def test_a_worker_whose_lease_is_over_takes_no_step(good: RecoveryCase) -> None:
    tasks.start_runs()
    now = timezone.now()
    leased = runs._lease(now=now)
    runs.take_due_steps(now=now + runs.LEASE)

    assert [runs._take_due_step(run_id, now=now) for run_id in leased] == [None, None]
    assert DunningMessage.objects.count() == 2


def test_a_run_that_cannot_be_stopped(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.start_runs()
    for case in (poison, good):
        close(case, now=timezone.now())
    monkeypatch.setattr(runs, "BATCH", 1)
    monkeypatch.setattr(timeline, "append", fails_for(poison, timeline.append))
    runs.stop_for_closed_cases(now=timezone.now())

    assert runs_of(poison, good) == ["live", "stopped"]


def test_a_mail_that_cannot_be_written(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (poison, good):
        queue(case, now=timezone.now())
    spoil(poison)
    monkeypatch.setattr(delivery, "BATCH", 1)
    for _again in range(2):
        tasks.deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["good@example.com"]]
    assert messages_of(poison, good) == ["queued", "sent"]
    put_off = DunningMessage.objects.get(case=poison)
    assert put_off.tries == 1
    assert put_off.due_at > timezone.now() + timedelta(seconds=100)
    assert "OverflowError" in put_off.error


def test_a_mail_that_can_never_be_written_is_given_up_and_told_of(poison: RecoveryCase) -> None:
    message = queue(poison, now=timezone.now())
    spoil(poison)
    for _again in range(messages.MOST_TRIES + 1):
        deliver_one(message.pk, now=timezone.now())

    assert messages_of(poison) == ["failed"]
    assert poison.timeline.filter(kind="message_not_sent").count() == 1


def test_what_fails_after_the_mail_went_repeats_no_mail(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (poison, good):
        queue(case, now=timezone.now())
    monkeypatch.setattr(timeline, "append", fails_for(poison, timeline.append))
    for _again in range(2):
        tasks.deliver_queued()

    assert [sent.to for sent in mail.outbox] == [["poison@example.com"], ["good@example.com"]]
    assert messages_of(poison, good)[1] == "sent"
    assert messages_of(poison, good)[0] in {"sending", "sent"}


def test_a_message_that_cannot_be_set_aside(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (poison, good):
        queue(case, now=timezone.now())
    DunningMessage.objects.update(
        state="sending", claimed_at=timezone.now() - delivery.CLAIM - timedelta(seconds=1)
    )
    monkeypatch.setattr(timeline, "append", fails_for(poison, timeline.append))
    tasks.set_aside_unknown()

    assert messages_of(poison, good) == ["sending", "unknown"]


def test_a_link_that_cannot_be_replaced(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for case in (poison, good):
        link = links.create(case=case, now=timezone.now() - links.LIFETIME)
        token = link.partition("token=")[2]
        Client().post("/fourthngoal/recover/update/replace", {"token": token})
    monkeypatch.setattr("dunning.mail.replacements.BATCH", 1)
    monkeypatch.setattr(links, "replaced", fails_for(poison, links.replaced))
    tasks.replace_links()

    assert messages_of(poison, good) == ["", "queued"]


def test_a_customer_whose_new_card_cannot_be_charged(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    Customer.objects.update(new_payment_method_id="pm_1", new_payment_method_due_at=timezone.now())
    charge = new_cards.take_up

    def fail_for_poison(customer: Customer, *, now: datetime) -> None:
        if customer.email == "poison@example.com":
            raise ArithmeticError
        charge(customer, now=now)

    monkeypatch.setattr(new_cards, "take_up", fail_for_poison)
    charge_new_cards()

    left = Customer.objects.filter(new_payment_method_due_at__gt=timezone.now())
    assert [customer.email for customer in left] == ["poison@example.com"]


def test_a_case_that_cannot_be_enriched(
    poison: RecoveryCase, good: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    RecoveryCase.objects.update(enrich_at=timezone.now())
    asked: list[RecoveryCase] = []

    def ask(case: RecoveryCase, *, now: datetime) -> bool:
        asked.append(case)
        cases.is_enriched(case)
        return True

    monkeypatch.setattr(enrichment, "enrich", fails_for(poison, ask))
    enrich_cases()

    assert asked == [good]
