"""Cases as operators find them: by what they have at hand, and in views."""

import html
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign, DunningRun
from recover_project.back_office.cases import finding
from recovery import cases
from recovery.declines import DeclineType
from recovery.models import Merchant, OperatorTask, RecoveryCase
from tests.back_office.people import make_world
from tests.back_office.test_cases import LIST, case_of, case_of_copy, jo, ours

__all__ = ["jo", "ours"]  # fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.mark.parametrize(
    ("term", "is_found"),
    [
        ("fern@example.com", True), ("FERN@ex", True), ("fern-0001", True), ("in_fern", True),
        ("cus_fern", True), ("moss", False), ("%", False), ("in_", False), ("xfern", False),
    ],
)  # fmt: skip
def test_a_case_is_found_by_what_one_has_at_hand(
    ours: Merchant, jo: Client, term: str, is_found: bool
) -> None:
    make_world("moss")

    shown = jo.get(LIST, {"q": term})

    assert list(shown.context["cl"].queryset) == ([case_of(ours)] if is_found else [])


def test_an_invoices_number_is_found_however_it_is_typed(ours: Merchant, jo: Client) -> None:
    RecoveryCase.objects.filter(pk=case_of(ours).pk).update(invoice_number="EC014D3C-0002")

    for term, is_found in (("ec014d3c-0002", True), ("EC014D3C-0002", True), ("EC014D3C", False)):
        shown = jo.get(LIST, {"q": term})
        assert list(shown.context["cl"].queryset) == ([case_of(ours)] if is_found else [])
    assert "numbers and ids by the whole" in shown.content.decode()


def test_whoever_looks_for_what_very_many_begin_with_is_told_that_there_are_more(
    ours: Merchant, jo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(list_name: str) -> list[str]:
        shown = jo.get(reverse(f"admin:{list_name}_changelist"), {"q": "f"})
        return [str(message) for message in shown.context["messages"]]

    monkeypatch.setattr(finding, "MOST_CASES", 0)
    assert told("recovery_operatortask") == [
        "That is found in more than 0 cases; here are those of the newest."
    ]
    monkeypatch.setattr(finding, "MOST_CUSTOMERS", 0)
    assert told("recovery_customer") == [
        "More than 0 customers are found; type more to see the others."
    ]
    assert told("recovery_recoverycase") == told("recovery_customer")


@pytest.mark.parametrize("name", finding.VIEWS)
def test_each_view_says_what_it_holds(jo: Client, name: str) -> None:
    shown = jo.get(LIST, {"view": name}).content.decode()

    assert html.escape(finding.VIEWS[name].explained) in shown


def test_the_views_show_what_they_say(ours: Merchant, jo: Client) -> None:
    case = case_of(ours)

    def shows(view: str) -> bool:
        return list(jo.get(LIST, {"view": view}).context["cl"].queryset) == [case]

    assert shows("attention")
    OperatorTask.objects.update(done_at=timezone.now())
    assert not shows("attention")
    assert shows("action")
    assert shows("value")
    assert not shows("paused")
    cases.pause(case=case, until=None, actor="jo", now=timezone.now())
    assert shows("paused")


@pytest.mark.parametrize("asked", [{"view": "value"}, {"o": "2"}, {"o": "-2"}])
def test_amounts_of_several_currencies_are_not_compared_without_a_word(
    ours: Merchant, jo: Client, asked: dict[str, str]
) -> None:
    def is_said(**more: str) -> bool:
        return "Choose one currency" in jo.get(LIST, asked | more).content.decode()

    assert not is_said()
    other = case_of_copy(case_of(ours), 1)
    other.currency = "jpy"
    other.save()

    assert is_said()
    assert not is_said(currency="jpy")
    assert "Choose one currency" not in jo.get(LIST).content.decode()


def test_going_lost_is_what_ends_within_a_week(ours: Merchant, jo: Client) -> None:
    view = {"view": "going"}
    assert jo.get(LIST, view).context["cl"].result_count == 0
    run = DunningRun.objects.get(case=case_of(ours))
    DunningCampaign.objects.filter(pk=run.campaign_id).update(end_action="mark_lost")
    run.next_position, run.due_at = run.campaign.steps.count() + 1, timezone.now()
    run.save()

    assert jo.get(LIST, view).context["cl"].result_count == 1


def test_of_what_goes_lost_the_soonest_is_shown_whatever_its_campaign(
    ours: Merchant, jo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_URGENT", 1)
    now, case = timezone.now(), case_of(ours)
    for hours, decline_type in enumerate([DeclineType.SOFT, DeclineType.HARD]):
        campaign = campaigns.default(merchant=ours, decline_type=decline_type, now=now)
        DunningCampaign.objects.filter(pk=campaign.pk).update(end_action="mark_lost")
        ending = case_of_copy(case, hours)
        ending.save()
        DunningRun.objects.create(
            merchant=ours, case=ending, campaign=campaign, started_at=now,
            next_position=campaign.steps.count() + 1, due_at=now - timedelta(hours=hours),
        )  # fmt: skip

    shown = jo.get(LIST, {"view": "going"}).context["cl"].queryset

    assert [case.public_id for case in shown] == ["case_1"]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL plans for itself.")
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        ({"currency": "sek", "decline_type": "hard"}, "open_cases_of_a_decline_type"),
        ({"is_paused": True, "amount": 4900}, "paused_cases_by_amount"),
    ],
)
def test_open_cases_of_a_currency_are_counted_off_an_index(
    ours: Merchant, filters: dict[str, Any], index: str
) -> None:
    one = case_of(ours)
    names = [field.name for field in one._meta.fields if not field.primary_key]
    facts = {name: getattr(one, name) for name in names}
    RecoveryCase.objects.bulk_create(
        RecoveryCase(
            **facts
            | {"public_id": f"c{n}", "stripe_invoice_id": f"in_{n}", "is_paused": n % 50 == 0}
        )
        for n in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE recovery_recoverycase")

    counted = RecoveryCase.objects.of(ours).filter(status="open", **filters)

    assert index in counted.order_by().values("pk")[:501].explain()
