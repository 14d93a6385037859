"""The editor of a draft: every fault beside its field, and nothing that was written is lost."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign
from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver
from recovery.models import Merchant, Role
from tests.back_office.people import log_in
from tests.back_office.test_campaigns import DAY, address, errors, said, save, sheet, steps
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, mails, publish
from tests.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant("fern")


@pytest.fixture
def olga(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER, "olga@example.com")


@pytest.fixture
def drafted(merchant: Merchant) -> DunningCampaign:
    return draft(merchant)


def read(campaign: DunningCampaign) -> CampaignFacts:
    return campaigns.read(DunningCampaign.objects.get(pk=campaign.pk))


def shown_steps(answer: Any) -> list[tuple[Any, Any]]:
    return [
        (step["amount"].value(), step["words"].value()) for step in answer.context["sheet"].steps
    ]


# --- saving -----------------------------------------------------------------------------------


def test_what_is_saved_is_what_was_written(olga: Client, drafted: DunningCampaign) -> None:
    answer = save(
        olga, drafted, name=" Large ones ", priority="7", retries="recover",
        end_action="mark_lost", currencies="EUR", amount_from="200.50", kinds="subscription",
        decline_codes="insufficient_funds, expired_card", metadata="plan = gold, silver\n\n",
        **steps(
            StepFacts(0 * DAY, template="failed"),
            StepFacts(2 * DAY, Channel.RETRY, delay_from=DelayFrom.PREVIOUS),
            StepFacts(9 * DAY, Channel.TASK, "Call them."),
        ),
    )  # fmt: skip

    assert said(olga, answer) == [
        "Large ones (version 1) is saved. It is a draft: publish it to use it."
    ]
    assert read(drafted) == CampaignFacts(
        name="Large ones", priority=7, retries=RetryDriver.RECOVER,
        end_action=EndAction.MARK_LOST,
        conditions={
            "currencies": ["eur"], "amount_from": 20050, "kinds": ["subscription"],
            "decline_codes": ["insufficient_funds", "expired_card"],
            "metadata": {"plan": ["gold", "silver"]},
        },
        steps=(
            StepFacts(0 * DAY, template="failed", conditions={}),
            StepFacts(2 * DAY, Channel.RETRY, delay_from=DelayFrom.PREVIOUS, conditions={}),
            StepFacts(9 * DAY, Channel.TASK, "Call them.", conditions={}),
        ),
    )  # fmt: skip


def test_what_is_shown_and_saved_again_says_the_same(merchant: Merchant, olga: Client) -> None:
    made = draft(
        merchant, conditions={"currencies": ["jpy"], "amount_to": 5000,
                              "metadata": {"plan": ["gold"]}},
        steps=(
            StepFacts(DAY * 1.5, template="failed"),
            StepFacts(3 * DAY, template="final", conditions={"decline_types": ["hard"]}),
        ),
    )  # fmt: skip
    before = read(made)
    page = olga.get(address("edit", made))

    form: dict[str, Any] = {"based_on": page.context["based_on"], "steps": "2", "do": "save"}
    for fields in (page.context["sheet"].settings, *page.context["sheet"].steps):
        form |= {
            field.html_name: value for field in fields if (value := field.value()) is not None
        }
    answer = olga.post(address("edit", made), form)

    assert answer.status_code == 302, errors(answer)
    assert read(made) == before
    assert page.context["sheet"].steps[0]["amount"].value() == 36
    assert page.context["sheet"].steps[0]["unit"].value() == "hour"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"name": " "}, ("", "A campaign's name has 1 to 100 characters.", "id_name")),
        ({"priority": "9999999"}, ("", "less than or equal to 1000000", "id_priority")),
        ({"retries": "recover"}, ("", "no step is a retry", "id_retries")),
        ({"retries": "nobody"}, ("", "not one of the available", "id_retries")),
        ({"decline_codes": "insuficient_funds"}, ("", "did you mean", "id_decline_codes")),
        ({"currencies": "euro"}, ("", "not written as Stripe does", "id_currencies")),
        ({"amount_from": "5"}, ("", "An amount needs its currency", "id_currencies")),
        ({"amount_from": "-5"}, ("", "greater than or equal to 0", "id_amount_from")),
        ({"amount_from": "5.5", "currencies": "jpy"}, ("", "0 decimals", "id_amount_from")),
        (
            {"amount_from": "9", "amount_to": "5", "currencies": "eur"},
            ("", "is greater than", "id_amount_from"),
        ),
        ({"metadata": "gold"}, ("", "Write a key", "id_metadata")),
        (
            {"kinds": "one_time", "end_action": "cancel_subscription"},
            ("", "have no subscription", "id_end_action"),
        ),
        ({"steps": "0"}, ("", "A campaign has 1 to 30 steps", "")),
        ({"step-0-amount": "5"}, ("Step 2", "put the steps in order", "id_step-1-amount")),
        ({"step-1-amount": "400"}, ("Step 2", "365 days", "id_step-1-amount")),
        ({"step-1-amount": "-1"}, ("Step 2", "greater than or equal to 0", "id_step-1-amount")),
        ({"step-1-amount": ""}, ("Step 2", "This field is required", "id_step-1-amount")),
        ({"step-1-words": ""}, ("Step 2", "is an e-mail with the template", "id_step-1-words")),
        ({"step-1-channel": "retry"}, ("Step 2", "are Stripe's", "id_step-1-channel")),
        (
            {"step-1-channel": "webhook", "step-1-called": "Not So"},
            ("Step 2", "small letters", "id_step-1-called"),
        ),
        (
            {"step-1-decline_codes": "nope_at_all"},
            ("Step 2", "There is no decline code", "id_step-1-decline_codes"),
        ),
        ({"step-1-currencies": "EURO"}, ("Step 2", "as Stripe", "id_step-1-currencies")),
    ],
)  # fmt: skip
def test_each_fault_is_said_beside_its_field_and_nothing_is_lost(
    olga: Client, drafted: DunningCampaign, changed: dict[str, str], fault: tuple[str, str, str]
) -> None:
    before = read(drafted)

    answer = save(olga, drafted, **{"step-0-called": "kept as it was", **changed})

    where, words, field = fault
    assert answer.status_code == 200
    told = [(place, id_) for place, why, id_ in errors(answer) if words in why]
    assert told == [(where, field)]
    assert read(drafted) == before
    if "steps" not in changed:
        assert "kept as it was" in answer.content.decode()


def test_all_that_is_wrong_is_said_at_once(olga: Client, drafted: DunningCampaign) -> None:
    answer = save(
        olga, drafted, name="", retries="recover", **{"step-0-words": "", "step-1-amount": "400"}
    )

    assert [(where, id_) for where, _why, id_ in errors(answer)] == [
        ("", "id_name"), ("", "id_retries"), ("Step 1", "id_step-0-words"),
        ("Step 2", "id_step-1-amount"),
    ]  # fmt: skip


# --- without scripts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("add", [("0", "failed"), ("33", "reminder"), ("1", "reminder")]),
        ("remove-0", [("33", "reminder")]),
        ("up-1", [("33", "reminder"), ("0", "failed")]),
        ("down-0", [("33", "reminder"), ("0", "failed")]),
        ("up-0", [("0", "failed"), ("33", "reminder")]),
        ("remove-9", [("0", "failed"), ("33", "reminder")]),
        ("dance-x", [("0", "failed"), ("33", "reminder")]),
        ("look", [("0", "failed"), ("33", "reminder")]),
    ],
)
def test_steps_are_rearranged_with_all_that_was_written_and_nothing_is_saved(
    olga: Client, drafted: DunningCampaign, do: str, expected: list[tuple[str, str]]
) -> None:
    before = read(drafted)

    answer = save(olga, drafted, do=do, name="Another name", **{"step-1-amount": "33"})

    assert shown_steps(answer) == expected
    assert answer.context["sheet"].settings["name"].value() == "Another name"
    assert answer.context["based_on"] == campaigns.revision(drafted)
    assert read(drafted) == before


def test_the_calendar_shows_what_is_not_saved_yet(olga: Client, drafted: DunningCampaign) -> None:
    told = {"step-1-amount": "10", "failed_at": "2026-11-02T10:00"}

    shown = save(olga, drafted, do="look", **told).content.decode()

    assert "Thu 12 Nov" in shown
    assert read(drafted).steps == mails(0, 3)


def test_no_more_steps_are_added_than_a_campaign_has(
    olga: Client, drafted: DunningCampaign
) -> None:
    many = steps(*[StepFacts(DAY * day, template="reminder") for day in range(30)])

    assert len(shown_steps(save(olga, drafted, do="add", **many))) == 30


@pytest.mark.parametrize("count", ["x", "", "-1", "99999999999999999999", "²"])
def test_a_number_of_steps_that_is_none_makes_no_error(
    olga: Client, drafted: DunningCampaign, count: str
) -> None:
    assert save(olga, drafted, steps=count).status_code == 200


# --- two people -------------------------------------------------------------------------------


def test_who_saves_second_is_told_and_loses_nothing(
    merchant: Merchant, olga: Client, drafted: DunningCampaign
) -> None:
    opened = sheet(drafted, name="What Olga wrote")
    save(log_in(merchant, Role.OWNER, "paul@example.com"), drafted, name="What Paul wrote")

    answer = olga.post(address("edit", drafted), opened)

    assert answer.status_code == 409
    shown = answer.content.decode()
    assert "What Paul wrote (version 1) was changed by somebody else meanwhile." in shown
    assert [str(one) for one in answer.context["between"]] == [
        "Name: What Paul wrote → What Olga wrote"
    ]
    assert answer.context["sheet"].settings["name"].value() == "What Olga wrote"
    assert read(drafted).name == "What Paul wrote"

    again = olga.post(address("edit", drafted), opened | {"based_on": answer.context["based_on"]})
    assert again.status_code == 302
    assert read(drafted).name == "What Olga wrote"


@pytest.mark.parametrize("gone", ["published", "discarded"])
def test_a_draft_that_is_gone_meanwhile_is_made_anew(
    merchant: Merchant, olga: Client, gone: str
) -> None:
    first = publish(merchant)
    drafted = campaigns.draft(campaign=first)
    opened = sheet(drafted, name="What Olga wrote")
    if gone == "published":
        campaigns.publish(drafted, now=timezone.now())
    else:
        campaigns.discard(drafted)

    answer = olga.post(address("edit", first), opened)

    assert answer.status_code == 409
    assert "Saving again makes a new draft of it." in answer.content.decode()
    assert answer.context["sheet"].settings["name"].value() == "What Olga wrote"
    assert not DunningCampaign.objects.filter(state="draft").exists()
    assert (
        olga.post(
            address("edit", first), opened | {"based_on": answer.context["based_on"]}
        ).status_code
        == 302
    )
    assert DunningCampaign.objects.get(state="draft").name == "What Olga wrote"


def test_without_a_draft_the_editor_leads_back(merchant: Merchant, olga: Client) -> None:
    told = said(olga, olga.get(address("edit", publish(merchant))))

    assert told == ["There is no draft: make a new one from a version."]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_save_the_same_draft_at_once_one_is_first(merchant: Merchant) -> None:
    drafted = draft(merchant)
    opened, outcomes = campaigns.revision(drafted), []

    def write(name: str) -> None:
        facts = replace(campaigns.read(drafted), name=name)
        try:
            campaigns.save_draft(campaign=drafted, facts=facts, based_on=opened)
        except campaigns.ChangedMeanwhileError:
            outcomes.append("")
        else:
            outcomes.append(name)

    at_once(*[lambda name=name: write(name) for name in ("one", "two", "three")])

    [saved] = [name for name in outcomes if name]
    assert len(outcomes) == 3
    assert read(drafted).name == saved


@pytest.mark.django_db(transaction=True)
def test_who_saves_while_it_is_published_changes_no_published_version(merchant: Merchant) -> None:
    drafted = draft(merchant)
    opened, outcomes = campaigns.revision(drafted), []

    def write() -> None:
        facts = replace(campaigns.read(drafted), name="Changed")
        try:
            campaigns.save_draft(campaign=drafted, facts=facts, based_on=opened)
        except campaigns.ChangedMeanwhileError:
            outcomes.append("too late")
        else:
            outcomes.append("saved")

    def put_to_use() -> None:
        now = timezone.now()
        try:
            campaigns.publish(drafted, now=now, based_on=opened)
        except campaigns.ChangedMeanwhileError:
            outcomes.append("not published")
        else:
            outcomes.append("published")

    at_once(write, put_to_use)

    assert sorted(outcomes) in (["not published", "saved"], ["published", "too late"])
    expected = ("Changed", "draft") if "saved" in outcomes else ("Plan", "current")
    found = DunningCampaign.objects.get()
    assert (found.name, found.state) == expected
