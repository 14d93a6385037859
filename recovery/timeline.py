"""What was done on a case, and what deliberately was not."""

import enum
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db import transaction

from recovery import outbound
from recovery.models import RecoveryCase, TimelineEntry
from recovery.outbound_events import EventType
from recovery.state_machine import Status

LONGEST_SUMMARY = 500


class Kind(enum.StrEnum):
    OPENED = "opened"
    MOVED = "moved"
    STAYED = "stayed"
    ATTEMPT_FAILED = "attempt_failed"
    ATTEMPT_SUCCEEDED = "attempt_succeeded"
    ATTEMPT_REFUSED = "attempt_refused"
    ATTEMPT_UNRESOLVED = "attempt_unresolved"
    ENRICHED = "enriched"
    NOT_ENRICHED = "not_enriched"
    REFUND = "refund"
    DUNNING_STARTED = "dunning_started"
    DUNNING_ENDED = "dunning_ended"
    STEP_PLANNED = "step_planned"
    STEP_SKIPPED = "step_skipped"
    RETRIES_TAKEN_OVER = "retries_taken_over"
    CAMPAIGN_CONCLUDED = "campaign_concluded"
    MERCHANT_TOLD = "merchant_told"
    TASK_CREATED = "task_created"
    TASK_DONE = "task_done"
    NOTE = "note"
    MESSAGE_SENT = "message_sent"
    MESSAGE_NOT_SENT = "message_not_sent"
    MESSAGE_MOVED = "message_moved"
    MESSAGE_BOUNCED = "message_bounced"
    MESSAGE_COMPLAINED = "message_complained"
    UNSUBSCRIBED = "unsubscribed"
    ADDRESS_LIFTED = "address_lifted"
    LINK_OPENED = "link_opened"
    LINK_REQUESTED = "link_requested"
    LINK_REVOKED = "link_revoked"
    LINK_MADE = "link_made"
    UPDATE_STARTED = "update_started"
    UPDATE_FINISHED = "update_finished"
    PAUSED = "paused"
    RESUMED = "resumed"
    CHARGE_ASKED = "charge_asked"
    UPDATE_LEFT = "update_left"
    CARD_PUT = "card_put"
    CARD_NOT_PUT = "card_not_put"
    PAYMENT_SUPERSEDED = "payment_superseded"
    NO_WAY_TO_STRIPE = "no_way_to_stripe"


class Actor(enum.StrEnum):
    STRIPE = "stripe"
    RECOVER = "recover"
    CUSTOMER = "customer"
    OPERATOR = "operator"  # one who isn't logged in: at the command line


# How far a case got, by what is told of it: noted on the case itself, once and for good.
PROGRESS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.MESSAGE_SENT: "is_reached",
        Kind.LINK_OPENED: "has_opened",
        Kind.UPDATE_FINISHED: "has_updated",
    }
)
# What a merchant's own systems may hear of; a case that moves is told by where it got to.
TOLD_OUTSIDE: Mapping[Kind, EventType] = MappingProxyType(
    {
        Kind.OPENED: EventType.CASE_OPENED,
        Kind.MESSAGE_SENT: EventType.MESSAGE_SENT,
        Kind.MESSAGE_BOUNCED: EventType.MESSAGE_BOUNCED,
        Kind.ATTEMPT_FAILED: EventType.ATTEMPT_FAILED,
        Kind.ATTEMPT_SUCCEEDED: EventType.ATTEMPT_SUCCEEDED,
        Kind.LINK_OPENED: EventType.LINK_OPENED,
        Kind.TASK_CREATED: EventType.TASK_CREATED,
    }
)
MOVED_TO: Mapping[str, EventType] = MappingProxyType(
    {
        Status.RECOVERED: EventType.CASE_RECOVERED,
        Status.LOST: EventType.CASE_LOST,
        Status.VOIDED: EventType.CASE_VOIDED,
    }
)


@transaction.atomic(savepoint=False)
def append(
    *,
    case: RecoveryCase,
    kind: Kind,
    summary: str,
    once: str,
    at: datetime,
    actor: str = Actor.RECOVER,
    rule: str = "",
    source: str = "",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry, unless the same cause (`once`) has been told on this case before; with it,
    tell whoever registered for such a thing."""
    entry = TimelineEntry(
        merchant_id=case.merchant_id,
        case=case,
        at=at,
        actor=actor,
        kind=kind,
        summary=summary[:LONGEST_SUMMARY],
        rule=rule[:200],
        source=source,
        facts=dict(facts or {}),
        once=once[:300],
    )
    type_ = MOVED_TO.get(case.status) if kind is Kind.MOVED else TOLD_OUTSIDE.get(kind)
    is_awaited = type_ and outbound.is_awaited(merchant_id=case.merchant_id, type=type_)
    is_news = is_awaited and not case.timeline.filter(once=entry.once).exists()
    TimelineEntry.objects.bulk_create([entry], ignore_conflicts=True)
    _note_progress(case, kind)
    if type_ and is_news:
        outbound.tell(case=case, type=type_, data=_in_words(entry), once=entry.once, now=at)


def _note_progress(case: RecoveryCase, kind: Kind) -> None:
    progress = PROGRESS.get(kind)
    if progress and not getattr(case, progress):
        RecoveryCase.objects.filter(pk=case.pk, **{progress: False}).update(**{progress: True})
        setattr(case, progress, True)


def _in_words(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "summary": entry.summary,
        "actor": entry.actor,
        "rule": entry.rule,
        "facts": entry.facts,
    }
