"""Campaigns in the back office: read by everybody, changed by owners, refused in words."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign
from dunning.plans.campaign_facts import InvalidCampaignError, StepFacts
from dunning.timing.schedule import Channel
from recovery.declines import DeclineType
from recovery.models import Merchant, Role
from tests.back_office.people import log_in
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, mails, publish

pytestmark = pytest.mark.django_db
LIST = "/admin/dunning/dunningcampaign/"
DAY = timedelta(days=1)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant("fern")


@pytest.fixture
def olga(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER, "olga@example.com")


def page_of(client: Client, campaign: DunningCampaign, **asked: str) -> str:
    shown = client.get(f"{LIST}{campaign.pk}/change/", asked)
    assert shown.status_code == 200
    return str(shown.content.decode())


def address(page: str, campaign: DunningCampaign) -> str:
    return reverse(f"admin:campaign_{page}", args=[campaign.plan])


def said(client: Client, answer: Any) -> list[str]:
    """What is told on the page that an answer leads to."""
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    return [str(message) for message in page.context["messages"]]


def steps(*given: StepFacts) -> dict[str, str]:
    """The editor's fields of these steps, each in days after the failure."""
    told = {"steps": str(len(given))}
    for number, step in enumerate(given):
        is_mail = step.channel is Channel.EMAIL
        fields = {
            "amount": str(step.delay // DAY), "unit": "day", "delay_from": step.delay_from,
            "channel": step.channel, "words": step.template if is_mail else "",
            "called": "" if is_mail else step.template,
        }  # fmt: skip
        told |= {f"step-{number}-{name}": value for name, value in fields.items()}
    return told


def sheet(campaign: DunningCampaign, **changed: str) -> dict[str, str]:
    """The editor as it is shown for the draft, with what is changed in it."""
    facts = campaigns.read(campaign)
    return {
        "based_on": campaigns.revision(campaign), "name": facts.name, "do": "save",
        "priority": str(facts.priority), "retries": facts.retries,
        "end_action": facts.end_action, **steps(*facts.steps), **changed,
    }  # fmt: skip


def save(client: Client, campaign: DunningCampaign, **changed: str) -> Any:
    return client.post(address("edit", campaign), sheet(campaign, **changed))


def errors(answer: Any) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = answer.context["sheet"].faults
    return found


# --- the list ---------------------------------------------------------------------------------


def test_the_list_has_a_row_for_each_plan_and_each_default(
    merchant: Merchant, olga: Client
) -> None:
    current = publish(merchant, "Euros", conditions={"currencies": ["eur"]}, priority=3)
    campaigns.draft(campaign=current)
    draft(merchant, "Only a draft")

    shown = olga.get(LIST)

    rows = shown.context["plans"]
    assert [(row.name, row.for_whom) for row in rows] == [
        ("Euros", "payments in eur"),
        ("Only a draft", "every failed payment"),
        ("Default for soft declines", "every soft decline that no other campaign takes"),
        ("Default for hard declines", "every hard decline that no other campaign takes"),
        (
            "Default for action required declines",
            "every action required decline that no other campaign takes",
        ),
    ]
    page = shown.content.decode()
    assert "version 1 in use" in page
    assert "as shipped" in page


def test_what_is_retired_is_behind_its_tab(merchant: Merchant, olga: Client) -> None:
    campaigns.retire(publish(merchant, "Euros"))

    assert [row.name for row in olga.get(LIST).context["plans"] if row.name == "Euros"] == []
    retired = olga.get(LIST, {"which": "retired"}).context["plans"]
    assert [row.name for row in retired] == ["Euros"]
    empty = log_in(make_merchant("moss"), email="m@example.com").get(LIST, {"which": "retired"})
    assert "No campaign was retired." in empty.content.decode()


def test_looking_makes_nothing(merchant: Merchant, olga: Client) -> None:
    olga.get(LIST)

    assert not DunningCampaign.objects.exists()


@pytest.mark.parametrize("count", [1, 12])
def test_the_list_and_a_page_cost_the_same_with_more_campaigns(
    merchant: Merchant, olga: Client, count: int
) -> None:
    made = [publish(merchant, f"Plan {number}") for number in range(count)]
    campaigns.draft(campaign=made[0])
    olga.get(LIST)  # what is asked once in a process

    for path, most in ((LIST, 14), (f"{LIST}{made[0].pk}/change/", 10)):
        with CaptureQueriesContext(connection) as asked:
            assert olga.get(path).status_code == 200
        assert len(asked) <= most, [query["sql"][:120] for query in asked]


# --- the page of a campaign -------------------------------------------------------------------


def test_the_page_says_the_plan_and_shows_it_as_a_calendar(
    merchant: Merchant, olga: Client
) -> None:
    campaign = publish(merchant, "Two mails")

    shown = page_of(olga, campaign, failed_at="2026-11-02T10:30", why="expired_card")

    assert "For" in shown
    assert "every failed payment" in shown
    assert "3 days after the failure" in shown
    assert "Thu 5 Nov" in shown
    assert "10:30" in shown


def test_the_calendar_waits_for_the_window_and_for_payday(
    merchant: Merchant, olga: Client
) -> None:
    campaign = publish(merchant, "Two mails")
    Merchant.objects.filter(pk=merchant.pk).update(send_weekdays="12345")
    asked = {"why": "insufficient_funds", "place": "US America/New_York"}

    shown = page_of(olga, campaign, failed_at="2026-11-25T22:00", **asked)

    assert "Times are in America/New_York" in shown
    assert "the next payday in US" in shown


def test_a_sample_that_is_none_is_said_and_no_calendar_shown(
    merchant: Merchant, olga: Client
) -> None:
    shown = page_of(olga, publish(merchant), failed_at="yesterday", place="nowhere")

    assert "Enter a valid date/time." in shown
    assert "The payment fails" not in shown


@pytest.mark.parametrize("at", ["9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_sample_of_another_age_is_refused(merchant: Merchant, olga: Client, at: str) -> None:
    assert "A year from 2000 to 2099." in page_of(olga, publish(merchant), failed_at=at)


def test_a_currency_that_there_is_not_is_no_condition(merchant: Merchant) -> None:
    with pytest.raises(InvalidCampaignError, match="There is no currency 'zzz'"):
        draft(merchant, conditions={"currencies": ["zzz"]})


def test_versions_tell_what_is_different(merchant: Merchant, olga: Client) -> None:
    first = publish(merchant)
    second = campaigns.change(campaigns.draft(campaign=first), steps=mails(1, 3))

    shown = page_of(olga, second)

    assert "at once after the failure" in shown
    assert "1 day after the failure" in shown
    assert "The first one." in shown


# --- who may what -----------------------------------------------------------------------------

POSTED = ("copy", "draft")
ASKED = ("edit", "publish", "discard", "retire")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_operators_and_viewers_read_and_change_nothing(merchant: Merchant, role: str) -> None:
    campaign = publish(merchant)
    campaigns.draft(campaign=campaign)
    client = log_in(merchant, role)
    before = list(DunningCampaign.objects.values())

    shown = page_of(client, campaign)
    assert client.get(LIST).status_code == 200
    assert client.get(address("dry_run", campaign)).status_code == 200
    for page in (*POSTED, *ASKED):
        assert address(page, campaign) not in shown
        assert client.post(address(page, campaign), {"based_on": "x"}).status_code == 403
    for page in ASKED:
        assert client.get(address(page, campaign)).status_code == 403
    for path in ("/admin/campaigns/new/", "/admin/campaigns/default/soft/"):
        assert client.post(path).status_code == 403
    assert list(DunningCampaign.objects.values()) == before


def test_what_changes_is_never_done_by_looking(merchant: Merchant, olga: Client) -> None:
    campaign = publish(merchant)

    for page in POSTED:
        assert olga.get(address(page, campaign)).status_code == 405
    for path in ("/admin/campaigns/new/", "/admin/campaigns/default/soft/"):
        assert olga.get(path).status_code == 405
    assert DunningCampaign.objects.count() == 1


# --- copies, drafts, the end ------------------------------------------------------------------


def test_a_new_campaign_is_a_draft_with_the_shipped_steps(
    merchant: Merchant, olga: Client
) -> None:
    answer = olga.post("/admin/campaigns/new/")

    made = DunningCampaign.objects.of(merchant).get()
    assert answer["Location"] == address("edit", made)
    assert (made.name, made.state, made.steps.count()) == ("New campaign", "draft", 5)


def test_a_default_that_no_case_needed_yet_is_made_to_be_edited(
    merchant: Merchant, olga: Client
) -> None:
    olga.post("/admin/campaigns/default/hard/")

    states = (
        DunningCampaign.objects.of(merchant)
        .order_by("version")
        .values_list("default_for", "state")
    )
    assert list(states) == [("hard", "current"), ("hard", "draft")]
    assert olga.post("/admin/campaigns/default/silly/").status_code == 404


def test_a_copy_is_a_plan_of_its_own(merchant: Merchant, olga: Client) -> None:
    default = campaigns.default(
        merchant=merchant, decline_type=DeclineType.SOFT, now=timezone.now()
    )

    olga.post(address("copy", default), {"version": "1"})

    copied = DunningCampaign.objects.of(merchant).exclude(plan=default.plan).get()
    assert (copied.name, copied.default_for) == ("Copy of Default for soft declines", "")
    assert campaigns.read(copied).steps == campaigns.read(default).steps


def test_an_old_version_comes_back_as_a_draft(merchant: Merchant, olga: Client) -> None:
    first = publish(merchant)
    second = campaigns.change(campaigns.draft(campaign=first), steps=mails(1, 5))
    campaigns.publish(second, now=timezone.now())

    olga.post(address("draft", first), {"version": "1"})

    drafted = DunningCampaign.objects.get(state="draft")
    assert (drafted.version, campaigns.read(drafted).steps) == (3, mails(0, 3))
    assert olga.post(address("draft", first), {"version": "9"}).status_code == 404


def test_a_draft_that_is_there_is_not_written_over(merchant: Merchant, olga: Client) -> None:
    first = publish(merchant)
    campaigns.change(campaigns.draft(campaign=first), steps=mails(2))

    told = said(olga, olga.post(address("draft", first), {"version": "1"}))

    assert told == ["Plan (version 2) is a draft already, and is as it was."]
    assert campaigns.read(DunningCampaign.objects.get(state="draft")).steps == mails(2)


def test_a_draft_is_thrown_away_once_that_is_confirmed(merchant: Merchant, olga: Client) -> None:
    first = publish(merchant)
    campaigns.draft(campaign=first)

    assert "is gone then" in olga.get(address("discard", first)).content.decode()
    assert DunningCampaign.objects.count() == 2
    assert said(olga, olga.post(address("discard", first))) == ["Plan (version 2) is gone."]
    assert said(olga, olga.post(address("discard", first))) == [
        "Nothing was done: there is no draft."
    ]
    assert list(DunningCampaign.objects.all()) == [first]


def test_a_campaign_is_retired_once_that_is_confirmed(merchant: Merchant, olga: Client) -> None:
    campaign = publish(merchant)

    assert "given no case any more" in olga.get(address("retire", campaign)).content.decode()
    assert said(olga, olga.post(address("retire", campaign))) == ["Plan takes no case any more."]
    campaign.refresh_from_db()
    assert campaign.state == "retired"
    assert said(olga, olga.post(address("retire", campaign))) == [
        "Nothing was done: it is not in use."
    ]


def test_a_default_is_not_retired(merchant: Merchant, olga: Client) -> None:
    default = campaigns.default(
        merchant=merchant, decline_type=DeclineType.SOFT, now=timezone.now()
    )

    assert address("retire", default) not in page_of(olga, default)
    [told] = said(olga, olga.post(address("retire", default)))
    assert told.startswith("Nothing was done: Default for soft declines (version 1) is a default")
    default.refresh_from_db()
    assert default.state == "current"
