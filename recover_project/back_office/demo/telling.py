"""A story as the rows that the product would have kept of it, in its own words."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from dunning.runs import EVERY_STEP_WAS_TAKEN
from recover_project.back_office.demo.stories import Mail, Story
from recovery.declines import Decline, classify
from recovery.masking import mask_email
from recovery.mechanisms import AttemptTrigger, Mechanism
from recovery.models import PaymentAttempt, RecoveryCase, TimelineEntry
from recovery.state_machine import Trigger
from recovery.timeline import Actor, Kind

# A made-up case that is open is in nobody's hands: a live run would be worked.
NOTHING_MORE = "these are demo data, on which Recover does nothing more"
BY_CUSTOMER = {Mechanism.CARD_UPDATE, Mechanism.CUSTOMER_PAID}


def attempts(case: RecoveryCase, story: Story) -> list[PaymentAttempt]:
    """Each that failed, and the one that went through if one did."""
    failed = [
        _attempt(
            case, at, number, state=PaymentAttempt.State.FAILED, decline_type=story.decline_type,
            decline_code=story.code,
        )
        for number, at in enumerate([story.failed_at, *story.retried_at])
    ]  # fmt: skip
    if story.ends_at is None or story.mechanism in {None, Mechanism.OUT_OF_BAND}:
        return failed
    by = AttemptTrigger.CUSTOMER if story.mechanism in BY_CUSTOMER else AttemptTrigger.STRIPE
    paid = _attempt(
        case, story.ends_at, len(failed), state=PaymentAttempt.State.SUCCEEDED, trigger=by
    )
    return [*failed, paid]


def _attempt(
    case: RecoveryCase, at: datetime, number: int, *, trigger: str = AttemptTrigger.STRIPE,
    **told: Any,
) -> PaymentAttempt:  # fmt: skip
    charge_id = f"ch_demo_{case.stripe_invoice_id.removeprefix('in_demo_')}_{number}"
    return PaymentAttempt(
        merchant_id=case.merchant_id, case=case, trigger=trigger, key=charge_id,
        stripe_charge_id=charge_id, amount=case.amount, currency=case.currency,
        card_brand=case.card_brand, card_last4=case.card_last4, attempted_at=at, resolved_at=at,
        **told,
    )  # fmt: skip


def campaign_ended(story: Story) -> str:
    """Why the run has ended, as it always has."""
    if story.trigger is None:
        return NOTHING_MORE
    if story.trigger is Trigger.CAMPAIGN_ENDED:
        return f"{EVERY_STEP_WAS_TAKEN}; then: mark lost"
    return f"the case is {story.status}"


def timeline(
    case: RecoveryCase, story: Story, subjects: dict[int, str], *, campaign: str, now: datetime
) -> list[TimelineEntry]:
    """In the order in which it was told. `subjects` are the mails', by step."""
    told = [*_beginning(case, story, campaign), *_mails(case, story, subjects), *_end(story)]
    told.append(
        {
            "at": story.ends_at or now, "kind": Kind.DUNNING_ENDED,
            "summary": f"Dunning ended: {campaign_ended(story)}.",
        }
    )  # fmt: skip
    entries = [
        TimelineEntry(
            merchant_id=case.merchant_id, case=case, once=f"demo:{number}",
            **{"actor": Actor.RECOVER, **one},
        )
        for number, one in enumerate(told)
    ]  # fmt: skip
    return sorted(entries, key=lambda entry: entry.at)


def _beginning(case: RecoveryCase, story: Story, campaign: str) -> Iterator[dict[str, Any]]:
    meaning = classify(Decline(decline_code=story.code))
    for at in (story.failed_at, *story.retried_at):
        yield {
            "at": at, "kind": Kind.ATTEMPT_FAILED, "actor": Actor.STRIPE,
            "summary": f"The payment was declined: {story.code}.",
            "rule": meaning.rule, "source": meaning.source,
            "facts": {
                "amount": case.amount, "currency": case.currency, "decline_code": story.code,
                "decline_type": story.decline_type, "card_brand": case.card_brand,
                "card_last4": case.card_last4,
            },
        }  # fmt: skip
        if at == story.failed_at:
            yield {
                "at": case.opened_at,
                "kind": Kind.OPENED,
                "summary": f"A payment for {case.stripe_invoice_id} failed: a case was opened.",
                "facts": {"amount": case.amount, "currency": case.currency},
            }
    yield {
        "at": case.opened_at,
        "kind": Kind.DUNNING_STARTED,
        "summary": f"{campaign} was started.",
    }


def _mails(case: RecoveryCase, story: Story, subjects: dict[int, str]) -> Iterator[dict[str, Any]]:
    for mail in story.mails:
        sent_to = mask_email(case.customer_email)
        yield {
            "at": mail.sent_at, "kind": Kind.MESSAGE_SENT,
            "summary": f"“{subjects[mail.position]}” was sent to {sent_to}.",
            "rule": f"step {mail.position} of the campaign",
        }  # fmt: skip
        if mail.opened_at:
            yield {
                "at": mail.opened_at, "kind": Kind.LINK_OPENED, "actor": Actor.CUSTOMER,
                "summary": "The payment page was opened.",
            }  # fmt: skip


def came_back_through(story: Story) -> Mail | None:
    """The mail whose link the customer paid by."""
    if story.mechanism not in BY_CUSTOMER:
        return None
    opened = [mail for mail in story.mails if mail.opened_at]
    return max(opened, key=lambda mail: mail.opened_at or mail.sent_at) if opened else None


def _end(story: Story) -> Iterator[dict[str, Any]]:
    if story.ends_at is None or story.trigger is None:
        return
    at = story.ends_at
    if (mail := came_back_through(story)) and mail.opened_at:
        where = "update the card" if story.mechanism is Mechanism.CARD_UPDATE else "pay"
        yield {
            "at": mail.opened_at, "kind": Kind.UPDATE_STARTED, "actor": Actor.CUSTOMER,
            "summary": f"The customer went to Stripe to {where}.",
        }  # fmt: skip
        if story.mechanism is Mechanism.CARD_UPDATE:
            yield {
                "at": at, "kind": Kind.UPDATE_FINISHED, "actor": Actor.CUSTOMER,
                "summary": "The customer came back from Stripe.",
            }  # fmt: skip
            yield {
                "at": at,
                "kind": Kind.ATTEMPT_SUCCEEDED,
                "summary": "The payment went through.",
            }
    said = story.trigger.replace("_", " ").capitalize()
    is_ours = story.trigger is Trigger.CAMPAIGN_ENDED
    yield {
        "at": at, "kind": Kind.MOVED, "actor": Actor.RECOVER if is_ours else Actor.STRIPE,
        "summary": f"{said}: the case is {story.status}.",
        "rule": f"state machine: {story.trigger}",
    }  # fmt: skip
