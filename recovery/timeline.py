"""What was done on a case, and what deliberately was not."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recovery.models import RecoveryCase, TimelineEntry

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
    MERCHANT_TOLD = "merchant_told"
    TASK_CREATED = "task_created"
    MESSAGE_SENT = "message_sent"
    MESSAGE_NOT_SENT = "message_not_sent"
    MESSAGE_MOVED = "message_moved"
    MESSAGE_BOUNCED = "message_bounced"
    MESSAGE_COMPLAINED = "message_complained"
    UNSUBSCRIBED = "unsubscribed"
    LINK_OPENED = "link_opened"
    LINK_REQUESTED = "link_requested"
    UPDATE_STARTED = "update_started"
    UPDATE_FINISHED = "update_finished"


class Actor(enum.StrEnum):
    STRIPE = "stripe"
    RECOVER = "recover"
    CUSTOMER = "customer"


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
    """Add an entry, unless the same cause (`once`) has been told on this case before."""
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
    TimelineEntry.objects.bulk_create([entry], ignore_conflicts=True)
