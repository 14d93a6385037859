"""A message goes out at most once: claim, look at the debts again, send, record."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from anymail.message import AnymailMessage
from django.db import transaction
from django.db.models import Q

from billing_portal import links
from dunning import planning
from dunning.mail import (
    addresses,
    bounces,
    conversations,
    handover,
    letters,
    messages,
    truth,
    unsubscribing,
)
from dunning.mail.handover import Fate, Line, Outcome
from dunning.mail.truth import StaleError, Told
from dunning.models import DunningMessage
from dunning.timing import schedule
from dunning.timing.schedule import Move
from dunning.wording.rendering import UnrenderableError, render
from recovery import log_context, timeline
from recovery.batches import apart
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Kind

logger = logging.getLogger(__name__)

State = DunningMessage.State
BATCH = 200
ASKED_AHEAD = 16  # messages about whose debts Stripe is asked at the same time
PAUSE_CASE_IS_PAUSED = timedelta(hours=1)
PAUSE_NEW_CARD = timedelta(minutes=1)
PAUSE_UNDER_WAY = timedelta(days=1)  # a direct debit takes several
SOON = timedelta(hours=1)
PAUSE_IS_BEING_TOLD = timedelta(seconds=20)
# A worker that takes longer to send is dead; if it lives after all, its word of what became of
# the mail holds.
CLAIM = timedelta(seconds=45)
TO_ASK = ("case__merchant__stripe", "case__customer")
OF_ITSELF = ("step", "run", "instead_of__step", "instead_of__run")

WRITTEN_TO = {Status.OPEN}
ANSWERED = {Status.OPEN, Status.LOST}  # who asks for a link may still pay what was given up


def queued(*, now: datetime) -> list[int]:
    due = DunningMessage.objects.filter(state=State.QUEUED, due_at__lte=now)
    return list(due.order_by("due_at", "id").values_list("id", flat=True)[:BATCH])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, the mail that says it, and the debts it is also about."""

    message: DunningMessage
    mail: AnymailMessage
    others: Sequence[RecoveryCase]


def deliver_each(
    message_ids: Sequence[int], *, through: Line, now: Callable[[], datetime]
) -> None:
    """Send some queued messages one after the other over the line; Stripe is asked about the debts
    of all of them at the same time, just before."""
    told = _asked_ahead(message_ids, now=now())
    for message_id in message_ids:
        with apart(f"Message {message_id}"):
            deliver(message_id, now=now(), through=through, told=told)


def _asked_ahead(message_ids: Sequence[int], *, now: datetime) -> Told:
    """Nothing, where one of them makes it impossible: each is then asked about by itself."""
    with apart("Asking ahead"):
        return truth.ask_ahead(_debts_of(message_ids, now=now), now=now)
    return truth.NOTHING


def _debts_of(message_ids: Sequence[int], *, now: datetime) -> list[RecoveryCase]:
    """All that these messages may tell of."""
    queued = DunningMessage.objects.filter(pk__in=message_ids, state=State.QUEUED)
    found = list(queued.values_list("case", "case__customer"))
    whose = [customer_id for _case_id, customer_id in found]
    wanted = Q(pk__in=[case_id for case_id, _customer_id in found])
    wanted |= conversations.may_be_told_of(whose, now=now)
    return list(RecoveryCase.objects.filter(wanted).select_related("merchant__stripe"))


def deliver(
    message_id: int, *, now: datetime, through: Line | None = None, told: Told = truth.NOTHING
) -> None:
    """Send one queued message, if it still should go and nobody else is sending it. One that
    fails is put off, or it would be at the head for ever; a claim that was made stands.

    `through` is the line to the mail server where more follow, `told` what Stripe was asked ahead.
    """
    with log_context.about():
        try:
            _deliver(message_id, through, told, now=now)
        except Exception as error:
            logger.exception("Message %s could not be delivered.", message_id)
            _failed_oddly(message_id, type(error).__name__, now=now)


@transaction.atomic
def _failed_oddly(message_id: int, what: str, *, now: datetime) -> None:
    queued = DunningMessage.objects.select_for_update(of=("self",)).filter(
        pk=message_id, state=State.QUEUED
    )
    if message := queued.select_related("case", "step").first():
        messages.put_off(
            message, f"It could not be written ({what}).", tries=message.tries + 1,
            is_given_up=True, now=now,
        )  # fmt: skip


def _deliver(message_id: int, through: Line | None, told: Told, *, now: datetime) -> None:
    message = DunningMessage.objects.select_related(*TO_ASK).get(pk=message_id)
    if message.state != State.QUEUED:
        return
    log_context.also(message_id=message.public_id, **message.case.log_ids)
    try:
        truth.ask(message.case, now=now, told=told)
        debts = conversations.debts(message.case, now=now)
        others = truth.ask_each(debts.select_related("merchant__stripe"), now=now, told=told)
        claimed = _claim(message_id, asked_about=others, now=now)
    except StaleError as error:
        messages.stale(message, str(error), is_for_a_person=error.is_for_a_person, now=now)
    except UnrenderableError as error:
        logger.exception("Message %s can't be rendered.", message.public_id)
        messages.put_off(message, str(error), tries=message.tries + 1, is_given_up=True, now=now)
    else:
        if claimed:
            outcome = handover.hand_over(claimed.mail, through=through)
            RECORDS[outcome.fate](claimed, outcome, now)


# --- claim ------------------------------------------------------------------------------------


@transaction.atomic
def _claim(message_id: int, *, asked_about: set[int], now: datetime) -> Claimed | None:
    """Ours to send, or None: the customer's debts are read again under lock. Raises
    UnrenderableError, and then nothing was claimed.

    `asked_about`: the other debts that Stripe has just been asked about; only they are listed.
    """
    found = RecoveryCase.objects.only("customer_id").get(messages=message_id)
    case, others = conversations.held_debts(found, now=now)
    held = DunningMessage.objects.select_for_update(of=("self",)).select_related(*OF_ITSELF)
    message = held.get(pk=message_id)
    if message.state != State.QUEUED:
        return None
    message.case = case
    why = is_over(message)
    if not why and (pause := _pause(message, now=now)):
        messages.waits(message, until=now + pause)
        return None
    told = _tellings(message, now=now) if not why else []
    why = why or _knows_already(message, told, now=now)
    recipient = "" if why else addresses.recipient(case, is_asked_for=message.is_customers_wish)
    if why := why or ("" if recipient else _unreachable(case, now=now)):
        messages.skipped(message, why, now=now)
        return None
    if moves := _moves(message, told, now=now):
        messages.moved(message, moves, now=now)
        return None
    listed = [other for other in others if other.pk in asked_about]
    return _ours(message, listed, recipient=recipient, now=now)


def is_over(message: DunningMessage) -> str:
    """The debt is gone, or the campaign has gone on."""
    case, original = message.case, message.original
    if case.status not in (ANSWERED if message.is_asked_for else WRITTEN_TO):
        return f"the case is {case.status}"
    if message.case.merchant.stripe.disconnected_at:
        return "the merchant has disconnected Stripe"
    if original.run and original.run.messages.filter(pk__gt=original.pk).exists():
        return "a later step of the campaign was due"
    return ""


def _pause(message: DunningMessage, *, now: datetime) -> timedelta | None:
    """How long it is too early for the message to say anything."""
    case = message.case
    if case.is_paused and not message.is_asked_for:
        return PAUSE_CASE_IS_PAUSED
    if case.is_payment_under_way and not message.is_asked_for:  # as the held row says
        timeline.append(
            case=case, kind=Kind.MESSAGE_MOVED, at=now, rule=message.cause,
            summary="Mail waits: a payment is under way.", once=f"under way:{message.public_id}",
        )  # fmt: skip
        return PAUSE_UNDER_WAY
    if _is_about_to_be_charged(case.customer, now=now):
        timeline.append(
            case=case, kind=Kind.MESSAGE_MOVED, at=now, rule=message.cause,
            summary="Mail waits: the customer's new card is about to be charged.",
            once=f"waits:{message.public_id}",
        )  # fmt: skip
        return PAUSE_NEW_CARD
    return PAUSE_IS_BEING_TOLD if conversations.is_being_told(message) else None


def _is_about_to_be_charged(customer: Customer | None, *, now: datetime) -> bool:
    """Good news is waited for, but not for the days that a network's rule may put a charge off."""
    due_at = customer.new_payment_method_due_at if customer else None
    return due_at is not None and due_at <= now + SOON


def _tellings(message: DunningMessage, *, now: datetime) -> list[DunningMessage]:
    """None that counts against a message that the customer asked for."""
    since = now - conversations.QUIET
    return [] if message.is_asked_for else conversations.tellings(message.case, since=since)


def _knows_already(
    message: DunningMessage, told: Iterable[DunningMessage], *, now: datetime
) -> str:
    """The customer was told of the debt in another message."""
    since = now - conversations.QUIET
    if message.instead_of and message.instead_of.claimed_at:
        since = max(since, message.instead_of.claimed_at)
    earlier = conversations.told_by(told, but=message.original.run, since=since)
    return f"told in message {earlier.public_id}" if earlier else ""


def _unreachable(case: RecoveryCase, *, now: datetime) -> str:
    """There is nobody to write to; a person hears of it, unless the customer wants it so."""
    why = addresses.why_unreachable(case)
    if not addresses.is_unwanted(case):
        bounces.leave_to_a_person(case, case.customer_email, why, now=now)
    return why


def _moves(
    message: DunningMessage, told: Iterable[DunningMessage], *, now: datetime
) -> list[Move]:
    """A mail that was late may not go at any hour, or right before the next one; a link that was
    asked for may."""
    if message.is_asked_for:
        return []
    moves = conversations.at_a_distance(message, told, now=now)
    at = moves[-1].at if moves else now
    return [*moves, *schedule.into_window(at, planning.where_of(message.case))]


def _ours(
    message: DunningMessage, others: Sequence[RecoveryCase], *, recipient: str, now: datetime
) -> Claimed:
    case = message.case
    link, way_out = links.create(case=case, now=now), unsubscribing.url(message, now=now)
    template = conversations.words(message, others, now=now)
    content = render(debts=[case, *others], template=template, link=link, unsubscribe_url=way_out)
    messages.claimed(
        message, content=content, now=now, secrets={"link": link, "unsubscribe_url": way_out},
        recipient=recipient,
    )  # fmt: skip
    if others or message.tries > 1:  # else there is nothing to add, nor to take away
        message.also_about.set(others)
    return Claimed(message, letters.write(message, content, unsubscribe_url=way_out), others)


# --- record -----------------------------------------------------------------------------------


def _taken(claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    conversations.told(
        claimed.message, others=claimed.others, provider_id=outcome.provider_id, now=now
    )


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
        Fate.TAKEN: _taken,
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
    for message in claimed.select_related(*TO_ASK, *OF_ITSELF).order_by("id")[:BATCH]:
        with apart(f"Message {message.public_id}", **message.case.log_ids):
            conversations.perhaps_told(message, "The worker died while sending.", now=now)
