"""What was done on a case, and what deliberately was not."""

import enum
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any

from django.db import models, transaction

from recovery import desk, log_context, outbound
from recovery.models import RecoveryCase, TimelineEntry
from recovery.outbound_events import EventType
from recovery.redaction import HIDDEN, Redaction, without_addresses
from recovery.state_machine import Status

logger = logging.getLogger(__name__)

LONGEST_SUMMARY = 500
NOTE_ERASED = "A note, erased with the person."
CHOSEN = "the campaign's conditions"
REDACTED = ("summary", "rule", "source", "facts", "once")


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
    PERSON_ERASED = "person_erased"


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
    tell whoever registered for such a thing. Of an erased person no address is told."""
    if case.person_erased_at:
        summary, facts = without_addresses(summary), without_addresses(dict(facts or {}))
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
    is_news = is_awaited and not _is_told(entry)
    if here := desk.current():
        here.tell(entry)
    else:
        TimelineEntry.objects.bulk_create([entry], ignore_conflicts=True)
    _note_progress(case, kind)
    about = {**log_context.current(), **case.log_ids}
    transaction.on_commit(partial(_log, kind, about))
    if type_ and is_news:
        outbound.tell(case=case, type=type_, data=_in_words(entry), once=entry.once, now=at)


def _log(kind: Kind, about: Mapping[str, str]) -> None:
    """That it happened, and of which case; not what: a summary may name whoever it is about."""
    with log_context.about(**about):
        logger.info("Case %s: %s.", about["case"], kind.replace("_", " "))


def redact(case: RecoveryCase, redaction: Redaction) -> None:
    """Take who owes out of what was told so far, and what people wrote down. This is the one
    change that entries go through: who is erased is erased here too."""
    entries = list(case.timeline.all())
    for entry in entries:
        is_by_hand = entry.actor not in set(Actor) or entry.actor == Actor.OPERATOR
        entry.summary = redaction.text(entry.summary)
        entry.facts = redaction.within(entry.facts)
        if is_by_hand and "reason" in entry.facts:
            entry.facts["reason"] = HIDDEN
        if entry.kind == Kind.NOTE:
            entry.summary = NOTE_ERASED
        if entry.kind == Kind.DUNNING_STARTED:  # by which of the customer's metadata
            entry.rule = CHOSEN
        entry.rule, entry.source = redaction.text(entry.rule), redaction.text(entry.source)
        entry.once = redaction.key(entry.once)[:300]
    # Not by the model's own manager, which refuses.
    timeline: models.QuerySet[TimelineEntry] = models.QuerySet(TimelineEntry)
    timeline.bulk_update(entries, REDACTED, batch_size=500)


def _is_told(entry: TimelineEntry) -> bool:
    here = desk.current()
    if here and here.has_told(entry):
        return True
    return bool(entry.case_id) and entry.case.timeline.filter(once=entry.once).exists()


def _note_progress(case: RecoveryCase, kind: Kind) -> None:
    progress = PROGRESS.get(kind)
    if progress and not getattr(case, progress):
        desk.gathered(case.pk, NOTES[progress])
        # What is taken back is noted again, by whoever does it once more with the same case.
        transaction.on_commit(partial(_is_noted, case, progress))


def _is_noted(case: RecoveryCase, progress: str) -> None:
    setattr(case, progress, True)


def _note(progress: str, case_ids: Sequence[int]) -> None:
    unnoted = RecoveryCase.objects.filter(pk__in=case_ids, **{progress: False})
    unnoted.update(**{progress: True})


# One function for each, by which a desk gathers the cases of which it is to be noted.
NOTES = {progress: partial(_note, progress) for progress in PROGRESS.values()}


def _in_words(entry: TimelineEntry) -> dict[str, Any]:
    return {
        "summary": entry.summary,
        "actor": entry.actor,
        "rule": entry.rule,
        "facts": entry.facts,
    }
