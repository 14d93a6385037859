"""Campaigns: which one takes a case, and how a plan changes without changing what was used."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from dunning import campaigns, runs
from dunning.campaigns import CampaignStateError
from dunning.models import DunningCampaign, DunningRun, DunningStep, PublishedError
from dunning.plans.campaign_facts import EndAction, InvalidCampaignError, StepFacts
from dunning.timing.schedule import Channel
from recovery.charging_rules import RetryDriver
from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.dunning.campaigns_of import draft, mails, past_case, publish
from tests.dunning.facts import fail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def case(merchant: Merchant) -> RecoveryCase:
    return past_case(merchant, 1, failed_at=NOW, metadata={"plan": "gold"})


def chosen(case: RecoveryCase) -> str:
    return campaigns.choose(case, now=NOW).campaign.name


def versions(plan: DunningCampaign) -> list[tuple[int, str]]:
    known = campaigns.versions(merchant=plan.merchant, plan=plan.plan)
    return [(campaign.version, campaign.state) for campaign in known]


def everything() -> list[Any]:
    return [list(DunningCampaign.objects.order_by("id").values()),
            list(DunningStep.objects.order_by("id").values())]  # fmt: skip


# --- a new plan -------------------------------------------------------------------------------


def test_a_new_plan_is_a_draft_that_says_what_it_was_told(merchant: Merchant) -> None:
    made = campaigns.create(
        merchant=merchant, name=" Large ", priority=3, retries=RetryDriver.RECOVER,
        conditions={"currencies": ["eur"]}, end_action=EndAction.MARK_LOST,
        steps=[StepFacts(DAY, Channel.RETRY), *mails(2)],
    )  # fmt: skip

    made.refresh_from_db()
    assert (made.name, made.priority, made.retries) == ("Large", 3, "recover")
    assert (made.conditions, made.end_action) == ({"currencies": ["eur"]}, "mark_lost")
    assert (made.state, made.version, made.published_at) == ("draft", 1, None)
    assert made.plan.startswith("plan_")
    assert [(s.position, s.delay.days, s.channel, s.template) for s in made.steps.all()] == [
        (1, 1, "retry", ""), (2, 2, "email", "failed"),
    ]  # fmt: skip


def refused(work: Callable[[], object], error: type[Exception]) -> str:
    """What the error says; nothing has changed."""
    before = everything()
    with pytest.raises(error) as raised, transaction.atomic():
        work()
    assert everything() == before
    return str(raised.value)


def test_a_campaign_that_cannot_be_used_is_not_kept(merchant: Merchant) -> None:
    said = refused(lambda: draft(merchant, steps=()), InvalidCampaignError)
    assert said == "A campaign has 1 to 30 steps; this one has 0."


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("insufficent_funds",
         "There is no decline code 'insufficent_funds'; did you mean insufficient_funds?"),
        ("zzz", "There is no decline code 'zzz'."),
    ],
)  # fmt: skip
def test_a_decline_code_that_nobody_has_heard_of_is_refused(
    merchant: Merchant, code: str, sentence: str
) -> None:
    conditions = {"decline_codes": [code, "lost_card"]}
    steps = [StepFacts(DAY, template="failed", conditions=conditions)]
    for facts in ({"conditions": conditions}, {"steps": steps}):
        assert refused(lambda f=facts: draft(merchant, **f), InvalidCampaignError) == sentence  # type: ignore[misc]


def test_a_new_code_of_stripes_is_known_once_a_case_has_had_it(merchant: Merchant) -> None:
    past_case(merchant, 1, failed_at=NOW, decline_code="brand_new_code")
    made = draft(merchant, conditions={"decline_codes": ["brand_new_code"]})
    assert made.conditions == {"decline_codes": ["brand_new_code"]}


def test_the_words_for_asked_links_are_not_for_campaigns(merchant: Merchant) -> None:
    assert set(campaigns.template_names()) == {
        "failed", "new_card", "action", "reminder", "final",
    }  # fmt: skip


# --- versions ---------------------------------------------------------------------------------


def test_an_edit_of_what_is_published_makes_a_draft_that_says_the_same(merchant: Merchant) -> None:
    published = publish(merchant, conditions={"currencies": ["eur"]}, priority=4)

    drafted = campaigns.draft(campaign=published)

    assert (drafted.plan, drafted.version, drafted.state) == (published.plan, 2, "draft")
    assert campaigns.read(drafted) == campaigns.read(published)
    assert campaigns.draft(campaign=published) == drafted
    assert campaigns.draft(campaign=drafted) == drafted
    assert versions(published) == [(1, "current"), (2, "draft")]


def test_publishing_a_draft_retires_the_version_before_it(
    merchant: Merchant, case: RecoveryCase
) -> None:
    first = publish(merchant)
    second = campaigns.change(campaigns.draft(campaign=first), name="Better", steps=mails(1))

    assert chosen(case) == "Plan"
    campaigns.publish(second, now=NOW)

    assert chosen(case) == "Better"
    assert versions(first) == [(1, "retired"), (2, "current")]
    second.refresh_from_db()
    assert second.published_at == NOW


def test_publishing_again_changes_nothing(merchant: Merchant) -> None:
    first = publish(merchant)
    before = everything()
    assert campaigns.publish(first, now=NOW) == first
    assert everything() == before


def test_a_retired_version_comes_back_as_a_new_one(merchant: Merchant) -> None:
    first = publish(merchant, steps=mails(0, 3))
    second = campaigns.change(campaigns.draft(campaign=first), steps=mails(5))
    campaigns.publish(second, now=NOW)
    first.refresh_from_db()

    said = refused(lambda: campaigns.publish(first, now=NOW), CampaignStateError)
    assert said == "Plan (version 1) was published before: draft a new version from it."

    third = campaigns.publish(campaigns.draft(campaign=first), now=NOW)
    assert (third.version, campaigns.read(third).steps) == (3, mails(0, 3))
    assert versions(first) == [(1, "retired"), (2, "retired"), (3, "current")]


def test_a_run_stays_on_its_version(merchant: Merchant) -> None:
    first = publish(merchant, steps=mails(0, 3))
    case, other = fail(), fail(email="kim@example.com")
    now = case.failed_at
    runs.start(case, now=now)
    runs.take_due_steps(now=now)

    shorter = campaigns.change(campaigns.draft(campaign=first), steps=mails(0, 1))
    campaigns.publish(shorter, now=now)
    runs.start(other, now=now)

    run, newer = DunningRun.objects.get(case=case), DunningRun.objects.get(case=other)
    assert (run.campaign, run.due_at) == (first, case.failed_at + 3 * DAY)
    assert newer.campaign == shorter


def test_a_default_is_edited_like_any_other(merchant: Merchant, case: RecoveryCase) -> None:
    first = campaigns.choose(case, now=NOW).campaign

    second = campaigns.change(campaigns.draft(campaign=first), steps=mails(2))
    campaigns.publish(second, now=NOW)

    assert campaigns.choose(case, now=NOW).campaign == second
    assert (second.default_for, second.version) == ("soft", 2)
    said = refused(lambda: campaigns.retire(second), CampaignStateError)
    assert said == f"{second} is a default: it takes what no other campaign takes."


# --- changes ----------------------------------------------------------------------------------


def test_a_draft_changes_in_what_is_given_alone(merchant: Merchant) -> None:
    made = draft(merchant, priority=2, conditions={"currencies": ["eur"]})

    campaigns.change(made, priority=7)
    campaigns.change(made, conditions={})
    campaigns.change(
        made, retries=RetryDriver.RECOVER, steps=[StepFacts(DAY, Channel.RETRY)],
        end_action=EndAction.MARK_LOST, name=" New ",
    )  # fmt: skip

    made.refresh_from_db()
    assert (made.name, made.priority, made.conditions) == ("New", 7, {})
    assert (made.retries, made.end_action) == ("recover", "mark_lost")
    assert [str(step) for step in made.steps.all()] == ["1. retry"]


def test_a_draft_that_would_not_be_usable_stays_as_it_is(merchant: Merchant) -> None:
    made = draft(merchant)
    said = refused(
        lambda: campaigns.change(made, name="Other", retries=RetryDriver.RECOVER),
        InvalidCampaignError,
    )
    assert said == (
        "The retries are Recover's, and no step is a retry: nobody would ask for the money."
    )


def test_a_draft_whose_words_are_gone_is_not_published(merchant: Merchant) -> None:
    made = draft(merchant)
    DunningStep.objects.filter(campaign=made, position=2).update(template="gone")
    said = refused(lambda: campaigns.publish(made, now=NOW), InvalidCampaignError)
    assert said.startswith("Step 2 is an e-mail with the template 'gone': there are ")


CHANGES: dict[str, Callable[[DunningCampaign], object]] = {
    "change": lambda one: campaigns.change(one, name="Other"),
    "save": lambda one: one.save(),
    "save a field": lambda one: one.save(update_fields=["name"]),
    "save a step": lambda one: one.steps.all()[0].save(),
    "save a field of a step": lambda one: one.steps.all()[0].save(update_fields=["delay"]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("state", ["current", "retired"])
def test_what_was_published_never_changes(
    merchant: Merchant, change: Callable[[DunningCampaign], object], state: str
) -> None:
    published = publish(merchant)
    if state == "retired":
        campaigns.retire(published)
    published.name, published.state = "Other", DunningCampaign.State.DRAFT

    said = refused(lambda: change(published), PublishedError)

    assert said.endswith("was published and never changes: draft a new version.")


def test_a_draft_may_be_saved_and_so_may_its_steps(merchant: Merchant) -> None:
    made = draft(merchant)
    made.name = "Other"
    made.save()
    made.steps.all()[0].save()
    assert DunningCampaign.objects.get().name == "Other"


def test_a_draft_is_discarded_and_its_number_is_free_again(merchant: Merchant) -> None:
    first = publish(merchant)
    campaigns.discard(campaigns.draft(campaign=first))
    assert versions(first) == [(1, "current")]
    assert DunningStep.objects.count() == 2
    assert campaigns.draft(campaign=first).version == 2


def test_what_was_published_is_not_discarded_and_a_draft_not_retired(merchant: Merchant) -> None:
    published, drafted = publish(merchant), draft(merchant, "Draft")
    assert refused(lambda: campaigns.discard(published), PublishedError) == (
        "Plan (version 1) was published and stays, for the runs that it has had."
    )
    assert refused(lambda: campaigns.retire(drafted), CampaignStateError) == (
        "Draft (version 1) is a draft: discard it."
    )


def test_a_retired_plan_takes_no_case_its_runs_go_on_and_it_can_come_back(
    merchant: Merchant,
) -> None:
    published = publish(merchant)
    case = fail()
    runs.start(case, now=case.failed_at)

    for _again in range(2):
        assert campaigns.retire(published).state == "retired"

    assert campaigns.choose(fail(), now=NOW).campaign.default_for == "soft"
    assert runs.take_due_steps(now=case.failed_at) != []
    campaigns.publish(campaigns.draft(campaign=published), now=NOW)
    assert versions(published) == [(1, "retired"), (2, "current")]
