"""Open cases that a campaign works, of which some have a step that is due, made by the database
itself within minutes."""

from datetime import datetime, timedelta
from pathlib import Path

from anymail.message import AnymailMessage

from benchmarks import many_rows
from dunning import campaigns
from dunning.mail import letters
from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep
from dunning.plans.campaign_facts import StepFacts
from dunning.timing.schedule import Channel
from dunning.wording.rendering import render
from recovery.models import Merchant
from tests.builders import make_merchant

STATEMENTS = Path(__file__).parent / "open_cases.sql"
APART = timedelta(days=3)  # as the rows have it
SENDER = "fern@example.com"
LINK = f"https://pay.example.com/fourthngoal/recover/update?token={'x' * 60}"
STEPS = (
    StepFacts(delay=timedelta(0), template="failed"),
    StepFacts(delay=APART, template="reminder"),
    StepFacts(delay=2 * APART, channel=Channel.TASK, template="call"),
    StepFacts(delay=3 * APART, template="reminder", conditions={"currencies": ["eur"]}),
    StepFacts(delay=5 * APART, template="final"),
)


def fill(*, cases: int, due: int, now: datetime) -> None:
    """Into an empty database."""
    merchant = make_merchant()
    campaign = _campaign(merchant, now=now)
    many_rows.write(
        STATEMENTS,
        {
            "merchant": merchant.pk, "campaign": campaign.pk, "cases": cases, "now": now,
            "every": cases // due, "step": campaign.steps.get(position=1).pk,
        },
    )  # fmt: skip
    many_rows.ready()


def queue(messages: int, *, now: datetime) -> list[int]:
    """The ids of so many messages of a second step, of cases that had none yet."""
    waiting = DunningRun.objects.exclude(messages__step__position=2).order_by("id")[:messages]
    second = DunningStep.objects.get(position=2)
    made = DunningMessage.objects.bulk_create(
        DunningMessage(
            merchant_id=run.merchant_id, case_id=run.case_id, run=run, step=second, due_at=now
        )
        for run in waiting
    )
    return [message.pk for message in made]


def mail() -> AnymailMessage:
    """The newest message, as it is sent."""
    messages = DunningMessage.objects.select_related("case__merchant", "case__customer")
    message = messages.latest("id")
    content = render(debts=[message.case], template="reminder", link=LINK, unsubscribe_url=LINK)
    return letters.write(message, content, to=message.recipient, unsubscribe_url=LINK)


def _campaign(merchant: Merchant, *, now: datetime) -> DunningCampaign:
    draft = campaigns.create(merchant=merchant, name="Every three days", steps=STEPS)
    return campaigns.publish(draft, now=now)
