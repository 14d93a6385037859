"""A draft is tried on past cases, read, and published by owners; what can't be is said."""

import pytest
from django.test import Client
from django.utils import timezone

from dunning import campaigns
from dunning.models import DunningCampaign
from recovery.models import Merchant, Role
from tests.back_office.people import log_in
from tests.back_office.test_campaigns import DAY, address, said
from tests.builders import make_merchant
from tests.dunning.campaigns_of import mails, past_case, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant("fern")


@pytest.fixture
def olga(merchant: Merchant) -> Client:
    return log_in(merchant, Role.OWNER, "olga@example.com")


def changed_draft(merchant: Merchant) -> DunningCampaign:
    """Its first mail comes two days later."""
    first = publish(merchant)
    return campaigns.change(campaigns.draft(campaign=first), steps=mails(2, 3))


def test_a_dry_run_says_what_would_have_been_otherwise(merchant: Merchant, olga: Client) -> None:
    drafted = changed_draft(merchant)
    case = past_case(merchant, 1, failed_at=timezone.now() - 20 * DAY)

    shown = olga.get(address("dry_run", drafted)).content.decode()

    assert "1 case looked at. The campaign took 1 of them, and would have taken 1." in shown
    assert "got the first mail 2 days later" in shown
    assert case.public_id in shown


def test_a_dry_run_without_cases_or_draft_says_so(merchant: Merchant, olga: Client) -> None:
    drafted = changed_draft(merchant)

    assert (
        "No payment failed in that time" in olga.get(address("dry_run", drafted)).content.decode()
    )
    campaigns.discard(drafted)
    told = said(olga, olga.get(address("dry_run", drafted)))
    assert told == ["There is no draft that could be tried."]


def test_publishing_shows_what_changes_and_is_confirmed(merchant: Merchant, olga: Client) -> None:
    drafted = changed_draft(merchant)
    past_case(merchant, 1, failed_at=timezone.now() - 20 * DAY)

    asked = olga.get(address("publish", drafted))
    drafted.refresh_from_db()
    assert drafted.state == "draft"
    shown = asked.content.decode()
    assert "2 days after the failure" in shown
    assert "got the first mail 2 days later" in shown

    told = said(
        olga, olga.post(address("publish", drafted), {"based_on": asked.context["based_on"]})
    )
    assert told == ["Plan (version 2) is in use: cases from now on are worked by it."]
    drafted.refresh_from_db()
    assert drafted.state == "current"


@pytest.mark.parametrize("based_on", [{}, {"based_on": "another"}])
def test_what_was_changed_since_it_was_read_is_not_published(
    merchant: Merchant, olga: Client, based_on: dict[str, str]
) -> None:
    drafted = changed_draft(merchant)

    [told] = said(olga, olga.post(address("publish", drafted), based_on))

    assert told == (
        "Nothing was published. Plan (version 2) was changed by somebody else meanwhile. "
        "Read it again."
    )
    drafted.refresh_from_db()
    assert drafted.state == "draft"


def test_publishing_without_a_draft_is_refused(merchant: Merchant, olga: Client) -> None:
    campaign = publish(merchant)

    for ask in (olga.get, olga.post):
        told = said(olga, ask(address("publish", campaign)))
        assert told == ["Nothing was done: there is no draft."]


def test_words_that_are_no_longer_there_keep_a_draft_from_being_published(
    merchant: Merchant, olga: Client
) -> None:
    drafted = changed_draft(merchant)
    drafted.steps.filter(position=1).update(template="gone")
    revision = campaigns.revision(drafted)

    [told] = said(olga, olga.post(address("publish", drafted), {"based_on": revision}))

    assert told.startswith("Nothing was done: Step 1 is an e-mail with the template 'gone'")
    drafted.refresh_from_db()
    assert drafted.state == "draft"
