"""Two people and two workers change the same plan at the same time."""

from datetime import UTC, datetime

import pytest

from dunning import campaigns
from dunning.models import DunningCampaign, DunningStep, PublishedError
from recovery.models import Merchant
from tests.builders import make_merchant
from tests.dunning.campaigns_of import mails, past_case, publish
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def versions(plan: DunningCampaign) -> list[tuple[int, str]]:
    known = campaigns.versions(merchant=plan.merchant, plan=plan.plan)
    return [(campaign.version, campaign.state) for campaign in known]


def test_two_workers_that_need_the_same_default_make_it_once(merchant: Merchant) -> None:
    case, seen = past_case(merchant, 1, failed_at=NOW), []

    def choose() -> None:
        campaign = campaigns.choose(case, now=NOW).campaign
        seen.append((campaign.pk, campaign.steps.count()))

    at_once(choose, choose, choose)

    assert seen == [(DunningCampaign.objects.get().pk, 5)] * 3


def test_two_who_publish_a_draft_at_once_make_one_current_version(merchant: Merchant) -> None:
    first = publish(merchant)
    drafted = campaigns.draft(campaign=first)
    at_once(*[lambda: campaigns.publish(drafted, now=NOW)] * 3)
    assert versions(first) == [(1, "retired"), (2, "current")]


def test_two_who_edit_a_plan_at_once_get_the_same_draft(merchant: Merchant) -> None:
    first, seen = publish(merchant), []
    at_once(*[lambda: seen.append(campaigns.draft(campaign=first).pk)] * 3)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert versions(first) == [(1, "current"), (2, "draft")]
    assert DunningStep.objects.filter(campaign__version=2).count() == 2


def test_a_change_and_a_publication_at_once_leave_a_whole_version(merchant: Merchant) -> None:
    first = publish(merchant)
    drafted, refusals = campaigns.draft(campaign=first), []

    def change() -> None:
        try:
            campaigns.change(drafted, name="Changed", steps=mails(1, 2, 3))
        except PublishedError as error:
            refusals.append(str(error))

    at_once(change, lambda: campaigns.publish(drafted, now=NOW))

    drafted.refresh_from_db()
    assert drafted.state == "current"
    expected = ("Plan", 2) if refusals else ("Changed", 3)
    assert (drafted.name, drafted.steps.count()) == expected


def test_a_draft_that_is_published_and_discarded_at_once_is_one_of_both(
    merchant: Merchant,
) -> None:
    first, ended = publish(merchant), []
    drafted = campaigns.draft(campaign=first)

    def publish_it() -> None:
        try:
            ended.append(campaigns.publish(drafted, now=NOW).state)
        except DunningCampaign.DoesNotExist:
            ended.append("gone")

    def discard_it() -> None:
        try:
            campaigns.discard(drafted)
        except PublishedError:
            ended.append("stays")

    at_once(publish_it, discard_it)

    if "stays" in ended:
        assert versions(first) == [(1, "retired"), (2, "current")]
    else:
        assert ended == ["gone"]
        assert versions(first) == [(1, "current")]
