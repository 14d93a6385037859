"""Operations → Reconciliation: what was found, in words, and asking for it now."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from recovery import reconciliation, tasks
from recovery.models import (
    Coverage,
    Merchant,
    Reconciliation,
    RecoveryCase,
    Role,
    StripeEvent,
)
from recovery.reconciliation import Outcome
from tests.back_office.browsing import browser, person_at
from tests.back_office.people import log_in, make_world

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.django_db
LIST = "/admin/recovery/reconciliation/"
NOW = "/admin/reconciliation/now/"


@pytest.fixture
def ours() -> Merchant:
    merchant = make_world("fern")
    merchant.stripe.connected_at = timezone.now() - timedelta(days=1)
    merchant.stripe.save()
    return merchant


@pytest.fixture
def jo(ours: Merchant) -> Client:
    return log_in(ours)


def drifted(merchant: Merchant, **facts: Any) -> Reconciliation:
    """A run that found an event and a case of the merchant's."""
    run = reconciliation.begin(merchant=merchant, by="jo@example.com", now=timezone.now())
    assert run is not None
    facts = {
        "covered_from": timezone.now(), "events_read": 7, "events_missed": 3,
        "missed_ids": [StripeEvent.objects.of(merchant).get().stripe_event_id],
        "cases_asked": 4, "cases_moved": 2, "endpoint": "enabled",
        "moved_ids": [RecoveryCase.objects.of(merchant).get().public_id], **facts,
    }  # fmt: skip
    Reconciliation.objects.filter(pk=run.pk).update(**facts)
    reconciliation.end(run, Outcome(facts.get("error", "")), now=timezone.now())
    return Reconciliation.objects.get(pk=run.pk)


def shown(client: Client, address: str = LIST) -> str:
    return " ".join(client.get(address).content.decode().split())


def ask(client: Client, *, after: int | str | None) -> str:
    answer = client.post(NOW, {} if after is None else {"after": after}, follow=True)
    [said] = [str(message) for message in answer.context["messages"]]
    return said


def test_how_the_last_run_ended_is_said_in_words_and_when_the_next_is(
    ours: Merchant, jo: Client
) -> None:
    drifted(ours)

    page = shown(jo)

    assert "<strong>drift, mended</strong>" in page
    assert "7 events were read; 3 had been missed and are processed like any other." in page
    assert "The endpoint was disabled and is enabled again." in page
    assert "The next is " in page


def test_where_nothing_ran_yet_it_is_about_to(ours: Merchant, jo: Client) -> None:
    Reconciliation.objects.all().delete()

    page = shown(jo)

    assert "No run yet." in page
    assert "The next begins within a minute." in page


def test_a_run_that_is_under_way_is_told_and_can_t_be_asked_for(
    ours: Merchant, jo: Client
) -> None:
    run = reconciliation.begin(merchant=ours, by="", now=timezone.now())
    assert run is not None

    assert "A run has been under way since" in shown(jo)
    assert "Reconcile now" not in shown(jo)
    assert "It is under way." in shown(jo, f"{LIST}{run.pk}/change/")


def test_without_stripe_there_is_nothing_to_compare_with(ours: Merchant, jo: Client) -> None:
    ours.stripe.connected_at = None
    ours.stripe.save()

    assert "Stripe isn’t connected" in shown(jo)
    assert "Reconcile now" not in shown(jo)


def test_a_run_has_a_page_that_leads_to_what_it_found(ours: Merchant, jo: Client) -> None:
    run = drifted(ours)

    page = shown(jo, f"{LIST}{run.pk}/change/")

    event, case = StripeEvent.objects.of(ours).get(), RecoveryCase.objects.of(ours).get()
    assert reverse("admin:recovery_stripeevent_change", args=[event.pk]) in page
    assert reverse("admin:recovery_recoverycase_change", args=[case.pk]) in page
    assert "The first 1 of 3." in page
    assert "asked for by jo@example.com" in page


def test_a_run_names_nothing_of_another_merchant(ours: Merchant, jo: Client) -> None:
    theirs = RecoveryCase.objects.get(merchant=make_world("moss"))
    run = drifted(ours, missed_ids=["evt_moss"], moved_ids=[theirs.public_id])

    page = shown(jo, f"{LIST}{run.pk}/change/")

    assert "evt_moss" not in page
    assert theirs.public_id not in page


def test_runs_with_drift_and_runs_that_failed_are_found(ours: Merchant, jo: Client) -> None:
    drift, failed = drifted(ours), drifted(
        ours, events_missed=0, cases_moved=0, endpoint="left", error="Stripe says: no."
    )  # fmt: skip

    def found(which: str) -> list[Reconciliation]:
        return list(jo.get(LIST, {"which": which}).context["cl"].queryset)

    assert found("drift") == [drift]
    assert found("failed") == [failed]
    assert len(found("")) == 3
    assert drift.has_drift
    assert not failed.has_drift


def test_what_is_asked_for_is_due_at_once_and_says_by_whom(ours: Merchant, jo: Client) -> None:
    last = drifted(ours)

    assert ask(jo, after=last.pk) == "It begins within a minute. Look at this page again then."

    coverage = Coverage.objects.get()
    assert (coverage.due_at <= timezone.now(), coverage.asked_by) == (True, "jo@example.com")


@pytest.mark.parametrize("error", [OperationalError, ConnectionRefusedError])
def test_without_a_broker_it_is_due_all_the_same_and_the_sweep_begins_it(
    ours: Merchant, jo: Client, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(tasks.reconcile, "apply_async", refuse)
    last = drifted(ours)

    assert ask(jo, after=last.pk).startswith("It begins within a minute.")
    begun = reconciliation.claim(now=timezone.now())
    assert begun is not None
    assert (begun.merchant, begun.asked_by) == (ours, "jo@example.com")


@pytest.mark.parametrize("after", [None, "", "x", "-1", "²", "9" * 30])
def test_a_click_on_a_page_of_before_asks_for_nothing(
    ours: Merchant, jo: Client, after: str | None
) -> None:
    drifted(ours)

    assert "A run has begun since" in ask(jo, after=after)

    assert Coverage.objects.get().due_at > timezone.now()


def test_only_who_may_operate_asks_for_it(ours: Merchant, jo: Client) -> None:
    last = drifted(ours)
    viewer = log_in(ours, Role.VIEWER, "vi@example.com")

    assert "Reconcile now" in shown(jo)
    assert "Reconcile now" not in shown(viewer)
    assert viewer.post(NOW, {"after": last.pk}).status_code == 403
    assert jo.get(NOW).status_code == 405
    assert Coverage.objects.get().due_at > timezone.now()


@pytest.mark.django_db(transaction=True)
@pytest.mark.any_database
def test_the_pages_are_fine_and_an_impatient_double_click_asks_once(
    browser: Browser, live_server: LiveServer
) -> None:
    ours = make_world("fern")
    ours.stripe.connected_at = timezone.now()
    ours.stripe.save()
    run = drifted(ours)
    jo = person_at(browser, live_server, log_in(ours))

    jo.assert_fine(f"{LIST}{run.pk}/change/")
    jo.assert_fine(LIST)
    jo.page.goto(live_server.url + LIST)
    jo.page.get_by_role("button", name="Reconcile now").dblclick()
    jo.page.get_by_text("It begins within a minute.").first.wait_for()

    assert Coverage.objects.get().due_at <= timezone.now()
