"""A version is tried on the cases of the last months, and nothing is written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dunning import campaigns
from dunning.dry_run import dry_run
from dunning.models import DunningCampaign
from dunning.plans.campaign_facts import StepFacts
from dunning.plans.replay import DryRun
from dunning.timing.schedule import Channel
from recovery.declines import DeclineType
from recovery.models import Merchant
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, mails, past_case, publish

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
LONG_AGO = NOW - 60 * DAY


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def edit(plan: DunningCampaign, **facts: Any) -> DunningCampaign:
    return campaigns.change(campaigns.draft(campaign=plan), **facts)


def told(result: DryRun) -> list[str]:
    return [str(finding) for finding in result.findings]


def test_41_cases_would_have_got_a_mail_two_days_earlier_and_3_none(merchant: Merchant) -> None:
    plan = publish(merchant, steps=mails(3, 8), conditions={"currencies": ["usd"]})
    earlier = [past_case(merchant, number, failed_at=LONG_AGO, lasted=6) for number in range(41)]
    for number in range(50, 53):
        past_case(merchant, number, failed_at=LONG_AGO, lasted=4, decline_code="lost_card")
    not_those = {"currencies": ["usd"], "decline_codes": ["generic_decline"]}
    tried = edit(plan, steps=mails(1, 8), conditions=not_those)
    default = campaigns.default(merchant=merchant, decline_type=DeclineType.SOFT, now=NOW)
    task = StepFacts(DAY, Channel.TASK, "Call them.")
    campaigns.publish(edit(default, steps=[task]), now=NOW)

    result = dry_run(tried, now=NOW)

    assert (result.days, result.cases, result.taken_before, result.taken_after) == (90, 44, 44, 41)
    assert [(finding.count, finding.what) for finding in result.findings] == [
        (41, "got the first mail 2 days earlier"),
        (3, "gone from this campaign to Default for soft declines"),
        (3, "got 1 task for a person more"),
        (3, "got no mail"),
    ]
    assert set(result.findings[0].examples) < {case.public_id for case in earlier}
    assert result.acts[Channel.EMAIL] == (44, 41)


def test_what_the_default_would_take_is_as_shipped_before_any_case_has_needed_it(
    merchant: Merchant,
) -> None:
    past_case(merchant, 1, failed_at=LONG_AGO, lasted=30)
    tried = draft(merchant, steps=mails(1, 4, 10, 18, 26))

    result = dry_run(tried, now=NOW)

    assert (result.taken_before, result.taken_after) == (0, 1)
    assert [finding.what for finding in result.findings] == [
        "come to this campaign from Default for soft declines",
        "got the fifth mail 1 day earlier",
    ]
    assert not DunningCampaign.objects.exclude(pk=tried.pk).exists()


def test_a_default_is_tried_in_its_place(merchant: Merchant) -> None:
    case = past_case(merchant, 1, failed_at=LONG_AGO, lasted=2)
    default = campaigns.choose(case, now=NOW).campaign
    result = dry_run(edit(default, steps=mails(0)), now=NOW)
    assert (result.taken_before, result.taken_after) == (1, 1)
    assert told(result) == [
        f"1 case would have got the first mail 1 day earlier ({case.public_id})."
    ]


def test_a_draft_that_says_the_same_changes_nothing(merchant: Merchant) -> None:
    plan = publish(merchant)
    past_case(merchant, 1, failed_at=LONG_AGO)
    result = dry_run(campaigns.draft(campaign=plan), now=NOW)
    assert (result.taken_before, result.unchanged, result.findings) == (1, 1, ())


def test_a_plan_that_comes_back_is_as_old_as_it_was(merchant: Merchant) -> None:
    older, _younger = publish(merchant, "Older"), publish(merchant, "Younger")
    campaigns.retire(older)
    past_case(merchant, 1, failed_at=LONG_AGO)
    assert dry_run(campaigns.draft(campaign=older), now=NOW).taken_after == 1
    assert dry_run(draft(merchant, "Youngest"), now=NOW).taken_after == 0


def test_only_the_merchants_own_cases_of_the_last_days_count(merchant: Merchant) -> None:
    plan = publish(merchant)
    past_case(make_merchant("Moss"), 1, failed_at=LONG_AGO)
    past_case(merchant, 2, failed_at=NOW - 91 * DAY)
    past_case(merchant, 3, failed_at=NOW - 90 * DAY)
    past_case(merchant, 4, failed_at=NOW - 9 * DAY)

    assert dry_run(plan, now=NOW).cases == 2
    assert dry_run(plan, now=NOW, days=10).cases == 1


def test_an_open_case_is_replayed_up_to_now(merchant: Merchant) -> None:
    plan = publish(merchant, steps=mails(0, 3))
    past_case(merchant, 1, failed_at=NOW - 2 * DAY)
    assert dry_run(plan, now=NOW).acts[Channel.EMAIL] == (1, 1)


def test_a_one_time_payment_is_left_alone_while_it_settles(merchant: Merchant) -> None:
    plan = publish(merchant, steps=mails(0))
    one_time: dict[str, Any] = {
        "stripe_invoice_id": "", "stripe_payment_intent_id": "pi_1",
        "settles_at": LONG_AGO + timedelta(hours=30),
    }  # fmt: skip
    past_case(merchant, 1, failed_at=LONG_AGO, lasted=1, **one_time)
    assert dry_run(plan, now=NOW).acts[Channel.EMAIL] == (0, 0)


def test_a_guest_without_an_address_counts_by_the_merchants_day(merchant: Merchant) -> None:
    plan = publish(merchant, steps=mails(0))
    past_case(merchant, 1, failed_at=LONG_AGO, customer=None)
    assert dry_run(plan, now=NOW).acts[Channel.EMAIL] == (1, 1)


def test_the_send_window_is_that_of_the_customers_country(merchant: Merchant) -> None:
    """Saturday, 9:00 UTC: late evening in Auckland, and nobody is written to at weekends."""
    Merchant.objects.filter(pk=merchant.pk).update(
        send_from_hour=9, send_until_hour=17, send_weekdays="12345"
    )
    plan = publish(Merchant.objects.get(), steps=mails(0))
    failed_at = datetime(2026, 9, 5, 9, tzinfo=UTC)
    monday_in_auckland = datetime(2026, 9, 6, 21, tzinfo=UTC)
    for number, seconds in enumerate((-1, 1)):
        lasted = (monday_in_auckland - failed_at).total_seconds() + seconds
        past_case(merchant, number, failed_at=failed_at, lasted=lasted / 86_400, country="NZ")

    assert dry_run(plan, now=NOW).acts[Channel.EMAIL] == (1, 1)


def test_nothing_is_written_and_the_queries_are_as_many_for_one_case_as_for_forty(
    merchant: Merchant,
) -> None:
    plan = publish(merchant)
    publish(merchant, "Other", conditions={"currencies": ["eur"]})
    tried = edit(plan, steps=mails(1))

    def queries() -> list[str]:
        fresh = DunningCampaign.objects.get(pk=tried.pk)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            dry_run(fresh, now=NOW)
        return [query["sql"] for query in captured]

    past_case(merchant, 1, failed_at=LONG_AGO)
    few = queries()
    for number in range(2, 42):
        past_case(merchant, number, failed_at=LONG_AGO, lasted=number)
    many = queries()

    assert len(few) == len(many) == 6
    assert [sql for sql in many if not sql.startswith(("SELECT", "DECLARE"))] == []
