"""A message goes out at most once: ask, claim, send, record.

Several go together, each to another customer: Stripe is asked about the debts of all, they are
claimed in one transaction, handed over at the same time and recorded in another transaction. What
a worker had in its hands when it died is unknown: so they are few.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from django.db import transaction

from dunning.mail import bounces, claims, conversations, handover, held, messages, truth
from dunning.mail.claims import Claimed
from dunning.mail.handover import Fate, Lines, Outcome, Parcel
from dunning.mail.held import Lead
from dunning.mail.messages import Telling
from dunning.models import DunningMessage
from recovery import log_context
from recovery.batches import apart, sets

logger = logging.getLogger(__name__)

State = DunningMessage.State
BATCH = 200
TOGETHER = 8  # messages, each to another customer
# A worker that takes longer to send is dead; if it lives after all, its word of what became of
# the mail holds.
CLAIM = timedelta(seconds=45)
BEGUN_WITHIN = timedelta(seconds=10)  # what isn't begun to be sent by then isn't sent now
OF_ITSELF = ("case__merchant__stripe", "case__customer", "step", "run", "instead_of__step",
             "instead_of__run")  # fmt: skip


def queued(*, now: datetime) -> list[int]:
    due = DunningMessage.objects.filter(state=State.QUEUED, due_at__lte=now)
    return list(due.order_by("due_at", "id").values_list("id", flat=True)[:BATCH])


def deliver_all(
    message_ids: Sequence[int], *, through: Lines | None = None, now: Callable[[], datetime]
) -> None:
    """Send these messages, those that are queued, still should go, and that nobody else is
    sending. One that fails is put off, or it would be at the head for ever; a claim that was made
    stands. `through` are the lines to the mail server where more messages follow."""
    if through is None:
        with handover.lines() as own:
            deliver_all(message_ids, through=own, now=now)
        return
    waiting = held.leads(message_ids)
    while waiting:
        first, waiting = held.one_for_each_customer(waiting)
        for some in sets(first, size=TOGETHER):
            _deliver(some, through, now=now)


def _deliver(some: Sequence[Lead], through: Lines, *, now: Callable[[], datetime]) -> None:
    try:
        claimed = _claim(some, now=now)
    except Exception as error:
        if len(some) == 1:
            with apart(f"Message {some[0].message_id}"):
                _failed_oddly(some[0].message_id, error, now=now())
            return
        logger.exception("%s messages could not be claimed together.", len(some))
        for lead in some:
            _deliver([lead], through, now=now)
        return
    parcels = [Parcel(one.mail, one.message.log_ids) for one in claimed]
    if parcels:
        for became in through.hand_over(parcels, within=BEGUN_WITHIN):
            _record([(claimed[place], became[place]) for place in sorted(became)], now=now())


def _claim(some: Sequence[Lead], *, now: Callable[[], datetime]) -> list[Claimed]:
    told = truth.ask_all(held.debts(some, now=now()), now=now())
    return claims.claim(some, told=told, now=now())


@transaction.atomic
def _failed_oddly(message_id: int, error: Exception, *, now: datetime) -> None:
    rows = DunningMessage.objects.select_for_update(of=("self",)).select_related("case", "step")
    if (message := rows.filter(pk=message_id).first()) is None:
        return  # it has gone with its merchant
    with log_context.about(**message.log_ids):
        logger.error("Message %s could not be delivered.", message.public_id, exc_info=error)
        if message.state == State.QUEUED:
            messages.put_off(
                message, f"It could not be written ({type(error).__name__}).",
                tries=message.tries + 1, is_given_up=True, now=now,
            )  # fmt: skip


# --- record -----------------------------------------------------------------------------------


def _record(became: Sequence[tuple[Claimed, Outcome]], *, now: datetime) -> None:
    """What can't be recorded is found by set_aside_unknown."""
    _record_taken(
        [
            Telling(one.message, one.others, outcome.provider_id)
            for one, outcome in became
            if outcome.fate is Fate.TAKEN
        ],
        now=now,
    )
    for one, outcome in became:
        if outcome.fate is not Fate.TAKEN:
            with apart(f"Message {one.message.public_id}", **one.message.log_ids):
                RECORDS[outcome.fate](one, outcome, now)


def _record_taken(some: Sequence[Telling], *, now: datetime) -> None:
    """Together, or each by itself where one of them can't be recorded."""
    try:
        if some:
            conversations.told_all(some, now=now)
    except Exception:
        logger.exception("%s messages could not be recorded together.", len(some))
        for telling in some:
            with apart(f"Message {telling.message.public_id}", **telling.message.log_ids):
                conversations.told_all([telling], now=now)


def _refused(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    messages.failed(claimed.message, outcome.why, now=now)


def _dead_address(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    bounces.refused(claimed.message, outcome.why, now=now)


def _not_yet(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    messages.refused_for_now(claimed.message, outcome.why, now=now)


def _our_own(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    messages.put_off(claimed.message, outcome.why, now=now)
    messages.held_up(claimed.message, outcome.why, now=now)


def _outage(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    messages.put_off(claimed.message, outcome.why, now=now, first=messages.FIRST_PAUSE_OF_OUTAGE)


def _unknown(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    conversations.perhaps_told(claimed.message, outcome.why, now=now)


RECORDS: Mapping[Fate, Callable[[Claimed, Outcome, datetime], None]] = MappingProxyType(
    {
        Fate.REFUSED: _refused,
        Fate.DEAD_ADDRESS: _dead_address,
        Fate.NOT_YET: _not_yet,
        Fate.OUTAGE: _outage,
        Fate.OUR_OWN: _our_own,
        Fate.UNKNOWN: _unknown,
    }
)


def set_aside_unknown(*, now: datetime) -> None:
    """A worker died between claim and record: the mail may have gone, so it isn't repeated."""
    claimed = DunningMessage.objects.filter(state=State.SENDING, claimed_at__lt=now - CLAIM)
    for message in claimed.select_related(*OF_ITSELF).order_by("id")[:BATCH]:
        with apart(f"Message {message.public_id}", **message.log_ids):
            conversations.perhaps_told(message, "The worker died while sending.", now=now)
