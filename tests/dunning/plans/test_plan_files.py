"""Campaigns as files: what is written is read back, and what can't be read says why."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning import campaigns
from dunning.plans import plan_files
from dunning.plans.campaign_facts import CampaignFacts, EndAction, StepFacts, check
from dunning.plans.plan_files import PlanFileError, read, write
from dunning.timing.schedule import Channel, DelayFrom
from recovery.charging_rules import RetryDriver

WHOLE = """\
name = "Large invoices"
priority = 10
retries = "recover"
end_action = "mark_lost"

[conditions]
currencies = ["eur"]
amount_from = 50000

[conditions.metadata]
plan = ["gold", "silver"]
"a key" = ["x"]

[[steps]]
delay = "1 day"
channel = "retry"

[[steps]]
delay = "12 hours"
delay_from = "previous"
channel = "email"
template = "failed"

[steps.conditions]
kinds = ["subscription"]
"""
FACTS = CampaignFacts(
    name="Large invoices",
    priority=10,
    retries=RetryDriver.RECOVER,
    end_action=EndAction.MARK_LOST,
    conditions={
        "currencies": ["eur"],
        "amount_from": 50_000,
        "metadata": {"plan": ["gold", "silver"], "a key": ["x"]},
    },
    steps=(
        StepFacts(timedelta(days=1), Channel.RETRY),
        StepFacts(
            timedelta(hours=12), template="failed", delay_from=DelayFrom.PREVIOUS,
            conditions={"kinds": ["subscription"]},
        ),
    ),
)  # fmt: skip


def test_a_campaign_is_written_as_people_read_it_and_read_back() -> None:
    assert write(FACTS) == WHOLE
    assert read(WHOLE) == FACTS


def test_what_a_file_leaves_out_is_as_in_a_new_campaign() -> None:
    assert read('name = "Plan"\n[[steps]]\ndelay = "0"\ntemplate = "failed"') == CampaignFacts(
        "Plan", (StepFacts(timedelta(0), template="failed"),)
    )
    assert read("") == CampaignFacts("", ())


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "currencies": st.just(["eur"]),
        "amount_from": st.integers(0, 2**63 - 1),
        "metadata": st.dictionaries(texts, st.lists(texts, min_size=1, max_size=3), max_size=3),
    },
)
steps = st.builds(
    StepFacts,
    delay=st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
    channel=st.sampled_from(Channel),
    template=st.one_of(st.just(""), texts),
    delay_from=st.sampled_from(DelayFrom),
    conditions=conditions,
)


@given(
    st.builds(
        CampaignFacts,
        name=texts,
        steps=st.lists(steps, max_size=4).map(tuple),
        conditions=conditions,
        priority=st.integers(-(10**6), 10**6),
        retries=st.sampled_from(RetryDriver),
        end_action=st.sampled_from(EndAction),
        default_for=st.just(""),
    )
)
def test_whatever_a_campaign_says_comes_back(facts: CampaignFacts) -> None:
    assert read(write(facts)) == facts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name = ", "That is no TOML: "),
        ("version = 2", "there is no 'version', only name, priority, retries, end_action, "),
        ("name = 3", "name must be a text."),
        ('name = "x\\u0000"', "A text contains a NUL character, which nothing here can."),
        ('[conditions.metadata]\n"x\\u0000" = ["y"]', "A text contains a NUL character, "),
        ('[[steps]]\ndelay = "0"\ntemplate = "\\u0000"', "A text contains a NUL character, "),
        ("priority = 1.5", "priority must be a whole number."),
        ("priority = true", "priority must be a whole number."),
        ('retries = "nobody"', "retries is 'nobody'; it can be stripe, recover."),
        ("end_action = []", "end_action is []; it can be leave_open, mark_lost, "),
        ('conditions = "all"', "conditions must be a table."),
        ("steps = 3", "steps: write each of them under [[steps]]."),
        ("steps = [3]", "Step 1: write it under [[steps]]."),
        ("[[steps]]", 'Step 1: delay must be a text like "3 days", or "0".'),
        ("[[steps]]\ndelay = 3", 'Step 1: delay must be a text like "3 days", or "0".'),
        ('[[steps]]\ndelay = "3"', "Step 1: delay: '3' is no length of time: write 3 days"),
        ('[[steps]]\ndelay = "0"\nwhen = 3', "Step 1: there is no 'when', only delay, "),
        ('[[steps]]\ndelay = "0"\nchannel = "sms"',
         "Step 1: channel is 'sms'; it can be email, retry, webhook, task."),
        ('[[steps]]\ndelay = "0"\n[[steps]]\ndelay = "0"\ntemplate = 1',
         "Step 2: template must be a text."),
        ('[[steps]]\ndelay = "0"\nconditions = []', "Step 1: conditions must be a table."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why_and_where(text: str, sentence: str) -> None:
    with pytest.raises(PlanFileError) as error:
        read(text)
    assert str(error.value).startswith(sentence)


def shipped() -> list[Path]:
    return sorted((Path(campaigns.__file__).parent / "data").glob("*.toml"))


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_every_plan_that_is_shipped_can_be_used(path: Path) -> None:
    check(plan_files.read(path.read_text()), templates=campaigns.template_names())


def test_the_plan_for_retries_by_recover_tries_twice_before_it_writes() -> None:
    [path] = shipped()
    facts: Any = plan_files.read(path.read_text())

    assert [(step.delay.days, step.called) for step in facts.steps] == [
        (1, "retry"), (3, "retry"), (4, "failed"), (6, "retry"), (8, "reminder"), (10, "retry"),
        (15, "retry"), (16, "reminder"), (21, "retry"), (26, "retry"), (27, "final"),
    ]  # fmt: skip
    assert facts.retries is RetryDriver.RECOVER


def test_the_plan_that_the_guide_shows_can_be_used() -> None:
    guide = (Path(campaigns.__file__).parent.parent / "docs" / "campaigns.md").read_text()
    [shown] = [part.partition("```")[0] for part in guide.split("```toml\n")[1:]]
    facts = plan_files.read(shown)
    check(facts, templates=campaigns.template_names())
    assert plan_files.write(facts) == shown
