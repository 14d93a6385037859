"""Which campaign takes a case, and what the timeline keeps of the choice."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from dunning import campaigns, runs
from dunning.models import DunningCampaign
from dunning.plans.conditions import CaseFacts
from recovery.declines import DeclineType
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, past_case, publish
from tests.dunning.facts import fail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    return past_case(merchant, 1, failed_at=NOW, metadata={"plan": "gold"})


def chosen(case: RecoveryCase) -> str:
    return campaigns.choose(case, now=NOW).campaign.name


def test_what_conditions_look_at_comes_from_the_case_and_its_customer(case: RecoveryCase) -> None:
    assert campaigns.facts_of(case) == CaseFacts(
        decline_type="soft", decline_code="generic_decline", currency="usd", amount=4900,
        kind="subscription", metadata={"plan": "gold"},
    )  # fmt: skip
    case.customer, case.stripe_invoice_id = None, ""
    assert (campaigns.facts_of(case).kind, campaigns.facts_of(case).metadata) == ("one_time", {})


def test_the_choice_says_which_campaigns_were_passed_over_and_why(
    merchant: Merchant, case: RecoveryCase
) -> None:
    publish(merchant, "Euros", priority=9, conditions={"currencies": ["eur"]})
    gold = publish(merchant, "Gold", priority=5, conditions={"metadata": {"plan": ["gold"]}})
    publish(merchant, "All", priority=1)

    choice = campaigns.choose(case, now=NOW)

    assert (choice.campaign, choice.rule) == (gold, "it meets Gold: metadata plan is gold")
    assert choice.facts == {
        "campaign": "Gold",
        "version": 1,
        "looked_at": {"metadata plan": "gold"},
        "passed_over": [
            {"campaign": "Euros", "version": 1, "priority": 9,
             "why_not": "currency is usd, not eur"},
            {"campaign": "All", "version": 1, "priority": 1,
             "why_not": "Gold has a higher priority"},
        ],
    }  # fmt: skip


def test_the_timeline_keeps_how_the_campaign_was_chosen(merchant: Merchant) -> None:
    publish(merchant, "Euros", conditions={"currencies": ["eur"]})
    case = fail()
    runs.start(case, now=timezone.now())

    told = case.timeline.get(kind="dunning_started")
    assert told.rule == "default for soft declines"
    assert [one["why_not"] for one in told.facts["passed_over"]] == ["currency is usd, not eur"]


def test_of_equal_priorities_the_older_plan_takes_the_case_whatever_its_version(
    merchant: Merchant, case: RecoveryCase
) -> None:
    older = publish(merchant, "Older")
    publish(merchant, "Younger")
    campaigns.publish(campaigns.draft(campaign=older), now=NOW)

    assert chosen(case) == "Older"


def test_drafts_and_retired_campaigns_and_those_of_others_take_no_case(
    merchant: Merchant, case: RecoveryCase
) -> None:
    draft(merchant, "Draft")
    campaigns.retire(publish(merchant, "Retired"))
    publish(make_merchant("Moss"), "Another's")

    choice = campaigns.choose(case, now=NOW)

    assert choice.campaign.default_for == "soft"
    assert choice.facts["passed_over"] == []


def test_the_default_is_made_at_first_use_and_published_then(case: RecoveryCase) -> None:
    assert DunningCampaign.objects.count() == 0
    made = [campaigns.choose(case, now=NOW).campaign for _again in range(2)]
    assert made[0] == made[1] == DunningCampaign.objects.get()
    assert (made[0].state, made[0].version, made[0].published_at) == ("current", 1, NOW)


def test_every_type_of_decline_has_one_default(merchant: Merchant) -> None:
    for decline_type in DeclineType:
        campaigns.default(merchant=merchant, decline_type=decline_type, now=NOW)
    assert [one.default_for for one in campaigns.current(merchant)] == list(DeclineType)
