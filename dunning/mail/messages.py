"""What becomes of a message, written once whoever says it and however often.

Each change is one UPDATE of the row as its worker knows it: a worker that was overtaken, by
another one, by the sweep or by the provider's own word, changes nothing.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dunning.models import DunningMessage
from dunning.timing.schedule import Move
from dunning.wording.rendering import Rendered
from recovery import desk, log_context, operator_tasks, timeline, updates
from recovery.backoff import pause
from recovery.masking import mask_email
from recovery.models import Merchant, RecoveryCase
from recovery.models.base import TenantQuerySet
from recovery.operator_tasks import TaskKind
from recovery.redaction import Redaction
from recovery.timeline import Kind

logger = logging.getLogger(__name__)

State = DunningMessage.State
MOST_TRIES = 10  # of what can't be written
# A refusal for now is believed for "at least 4-5 days":
# https://datatracker.ietf.org/doc/html/rfc5321#section-4.5.4.1
LONGEST_REFUSAL = timedelta(days=5)
FIRST_PAUSE = timedelta(minutes=1)
FIRST_PAUSE_OF_OUTAGE = timedelta(seconds=10)  # the server's or Stripe's: soon over, mostly
LONGEST_PAUSE_OF_STALE = timedelta(hours=1)  # Stripe is soon back, and mail is late already
STALE_FOR_A_PERSON = timedelta(days=1)
# What another hand may have written of a message that is sent; not what belongs to it.
AS_SENT = (
    "state", "claimed_at", "sent_at", "provider_id", "error", "recipient", "subject",
    "bounced_at", "complained_at",
)  # fmt: skip
AS_CLAIMED = (
    "state", "claimed_at", "stale_since", "recipient", "language", "tries", "subject", "body_text",
    "body_html",
)  # fmt: skip
AS_TAKEN = ("state", "sent_at", "error", "provider_id")
LONGEST_ID = 255  # of a provider's
HIDDEN = {"link": "[payment update link]", "unsubscribe_url": "[unsubscribe link]"}


@dataclass(frozen=True, slots=True)
class Telling:
    """A message that went out, the debts that it is also about, and the name that the provider
    gave it, if any."""

    message: DunningMessage
    others: Sequence[RecoveryCase] = ()
    provider_id: str = ""


def _change(message: DunningMessage, **changes: Any) -> bool:
    """False if the message is no longer what it was when it was read."""
    known = DunningMessage.objects.filter(
        pk=message.pk, state=message.state, claimed_at=message.claimed_at
    )
    if not known.update(**changes):
        return False
    for name, value in changes.items():
        setattr(message, name, value)
    return True


def claimed(
    message: DunningMessage, *, recipient: str, content: Rendered, secrets: dict[str, str],
    now: datetime,
) -> None:  # fmt: skip
    """Ours to send, with the words that it will say but for the `secrets` in them.

    To be called on a row that is held.
    """
    text, html = content.text, content.html
    for name, secret in secrets.items():
        text, html = text.replace(secret, HIDDEN[name]), html.replace(secret, HIDDEN[name])
    message.state, message.claimed_at = State.SENDING, now
    message.stale_since = None
    message.recipient, message.language = recipient, content.language
    message.tries += 1
    message.subject, message.body_text, message.body_html = content.subject[:500], text, html
    desk.gathered(message, _write_claims)


def _write_claims(messages: Sequence[DunningMessage]) -> None:
    updates.write(messages, AS_CLAIMED)


def sent(some: Sequence[Telling], *, now: datetime) -> None:
    """The mail server took what was claimed, by our own experience or by the provider's later
    word: that holds against whatever was thought before."""
    known = _as_known([telling.message for telling in some])
    ours = [telling for telling in some if telling.message.pk in known]
    for telling in ours:
        message = telling.message
        message.state, message.sent_at, message.error = State.SENT, now, ""
        message.provider_id = telling.provider_id[:LONGEST_ID] or message.provider_id
    updates.write([telling.message for telling in ours], AS_TAKEN)
    for telling in some:
        if telling.message.pk not in known:
            _sent_after_all(telling, now=now)
        with log_context.about(**telling.message.log_ids):
            _tell_of_sent(telling, now=now)


def _as_known(messages: Sequence[DunningMessage]) -> set[int]:
    """Those that a worker has claimed and nobody else has written of since, held."""
    claimed_at = {message.pk: message.claimed_at for message in messages if message.is_sending}
    rows = DunningMessage.objects.select_for_update().filter(pk__in=claimed_at).order_by("pk")
    stored = rows.filter(state=State.SENDING).values_list("pk", "claimed_at")
    return {pk for pk, at in stored if at == claimed_at[pk]}


def _sent_after_all(telling: Telling, *, now: datetime) -> None:
    """Another hand has written of it, or nobody knew what became of it: a person may have been
    asked to find out."""
    message = telling.message
    row = DunningMessage.objects.filter(pk=message.pk)
    row.exclude(state=State.SENT).update(state=State.SENT, sent_at=now, error="")
    if telling.provider_id:
        row.update(provider_id=telling.provider_id[:LONGEST_ID])
    message.refresh_from_db(fields=AS_SENT)
    operator_tasks.has_settled(
        case=message.case, kind=TaskKind.MESSAGE_UNSENT, once=message.public_id, now=now
    )


def _tell_of_sent(telling: Telling, *, now: datetime) -> None:
    message = telling.message
    timeline.append(
        case=message.case, kind=Kind.MESSAGE_SENT, once=f"sent:{message.public_id}", at=now,
        summary=f"“{message.subject}” was sent to {mask_email(message.recipient)}.",
        rule=message.cause,
    )  # fmt: skip
    for case in telling.others:
        timeline.append(
            case=case, kind=Kind.MESSAGE_SENT, once=f"sent:{message.public_id}", at=now,
            summary=f"“{message.subject}” told of this debt too, in message {message.public_id}.",
            rule="one conversation per customer",
        )  # fmt: skip


def put_off(
    message: DunningMessage,
    why: str,
    *,
    now: datetime,
    tries: int | None = None,
    is_given_up: bool = False,
    first: timedelta = FIRST_PAUSE,
) -> None:
    """Try again later, longer each time; `is_given_up`: not for ever.

    An outage is no reason to give a message up: it is skipped once its case is closed or a later
    step is due.
    """
    tries = message.tries if tries is None else tries
    if is_given_up and tries >= MOST_TRIES:
        failed(message, why, now=now)
        return
    due_at = now + pause(tries, first=first)
    _change(message, state=State.QUEUED, error=why[:500], due_at=due_at, tries=tries)


def refused_for_now(message: DunningMessage, why: str, *, now: datetime) -> None:
    """Try again later, longer each time, for some days: a pause or an outage before the first
    refusal doesn't count."""
    since = message.refused_since or now
    if now - since >= LONGEST_REFUSAL:
        failed(message, why, now=now)
        return
    due_at = now + pause(message.tries, first=FIRST_PAUSE)
    _change(message, state=State.QUEUED, error=why[:500], due_at=due_at, refused_since=since)


def held_up(message: DunningMessage, why: str, *, now: datetime) -> None:
    """What keeps all of a merchant's mail: a person is told once a day for each cause."""
    merchant = message.case.merchant
    operator_tasks.create_for_merchant(
        merchant=merchant, kind=TaskKind.MAIL_HELD_UP, now=now,
        once=f"{why}:{now.astimezone(merchant.zone).date()}",
        summary=f"No mail goes out to customers: {why} It waits, and goes once this is put right.",
    )  # fmt: skip


def stale(message: DunningMessage, why: str, *, is_for_a_person: bool, now: datetime) -> None:
    """Not tried, so not counted; asked again after as long as it has lasted. A person is told at
    once of what only they can mend, and of the rest after a day."""
    since = message.stale_since or now
    wait = min(max(now - since, FIRST_PAUSE_OF_OUTAGE), LONGEST_PAUSE_OF_STALE)
    _change(message, error=why[:500], due_at=now + wait, stale_since=since)
    if is_for_a_person or now - since >= STALE_FOR_A_PERSON:
        held_up(message, why, now=now)


def waits(message: DunningMessage, *, until: datetime) -> None:
    """Not tried, so not counted, though all could be asked that is to be asked."""
    _change(message, due_at=until, stale_since=None)


def moved(message: DunningMessage, moves: Sequence[Move], *, now: datetime) -> None:
    """Not tried, so not counted; each rule that moves it is told of once."""
    for move in moves:
        timeline.append(
            case=message.case, kind=Kind.MESSAGE_MOVED, at=now, rule=move.rule,
            source=move.source, once=f"moved:{message.public_id}:{move.source}",
            summary=f"Mail waits until {move.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.",
            facts={"was": move.was.isoformat(), "at": move.at.isoformat()},
        )  # fmt: skip
    waits(message, until=moves[-1].at)


def failed(message: DunningMessage, why: str, *, now: datetime, is_address: bool = False) -> None:
    """Refused for good. A person hears of it; of a dead address, from bounces.py."""
    if not _change(message, state=State.FAILED, error=why[:500]):
        return
    _not_sent(message, why, now=now)
    if not is_address:
        leave_to_a_person(message, why, now=now)


def skipped(message: DunningMessage, why: str, *, now: datetime) -> None:
    if _change(message, state=State.SKIPPED, error=why[:500]):
        _not_sent(message, f"Not sent: {why}.", now=now)


def set_aside(message: DunningMessage, why: str, *, now: datetime) -> bool:
    """Neither sent nor not sent for certain: never repeated, left to a person."""
    told = f"{why} It may have been sent or not."
    if not _change(message, state=State.UNKNOWN, error=told):
        return False
    _not_sent(message, told, now=now)
    leave_to_a_person(message, told, now=now)
    logger.warning("Message %s may or may not have been sent.", message.public_id)
    return True


def came_back(message: DunningMessage, **when: datetime) -> None:
    """`bounced_at` or `complained_at`, the first time."""
    for name, at in when.items():
        unheard = DunningMessage.objects.filter(pk=message.pk, state=State.SENT, **{name: None})
        unheard.update(**{name: at})


def forget(messages: Sequence[DunningMessage], redaction: Redaction, *, now: datetime) -> None:
    """Whom these went to and what they said. That they were sent, and what became of them, stays;
    who opens an old mail to ask for no more is still heard."""
    for message in messages:
        message.recipient = redaction.pseudonym(message.recipient)
        message.language = message.subject = message.body_text = message.body_html = ""
        message.error = redaction.text(message.error)
        message.content_forgotten_at = now
    names = ["recipient", "language", "subject", "body_text", "body_html", "error",
             "content_forgotten_at"]  # fmt: skip
    DunningMessage.objects.bulk_update(messages, names, batch_size=500)


def with_contents(merchant: Merchant, *, until: datetime) -> TenantQuerySet[DunningMessage]:
    """Those that were written by then, are done with, and of which is known what they said."""
    written = DunningMessage.objects.of(merchant).filter(content_forgotten_at=None)
    return written.filter(claimed_at__lte=until).exclude(state__in=[State.QUEUED, State.SENDING])


def forget_contents(ids: Collection[int], *, now: datetime) -> int:
    """What they said; to whom they went, and what became of them, stays."""
    return DunningMessage.objects.filter(pk__in=ids).update(
        subject="", body_text="", body_html="", content_forgotten_at=now
    )


def queue_instead(message: DunningMessage, *, now: datetime) -> DunningMessage:
    """The same once more, for the alternate contact."""
    instead, _created = DunningMessage.objects.get_or_create(
        instead_of=message,
        defaults={"merchant_id": message.merchant_id, "case": message.case, "due_at": now},
    )
    return instead


def _not_sent(message: DunningMessage, summary: str, *, now: datetime) -> None:
    timeline.append(
        case=message.case, kind=Kind.MESSAGE_NOT_SENT, at=now, summary=summary,
        once=f"not sent:{message.public_id}:{message.state}",
        rule=message.cause,
    )  # fmt: skip


def leave_to_a_person(message: DunningMessage, why: str, *, now: datetime) -> None:
    operator_tasks.create(
        case=message.case, kind=TaskKind.MESSAGE_UNSENT, now=now, once=message.public_id,
        summary=f"Mail to {mask_email(message.recipient)}: {why}",
    )  # fmt: skip
