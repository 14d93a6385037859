"""A message goes out at most once: claim, look at the debts again, send, record."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from anymail.message import AnymailMessage
from django.db import transaction

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
from dunning.mail.handover import Fate, Outcome
from dunning.mail.truth import StaleError
from dunning.models import DunningMessage
from dunning.timing import schedule
from dunning.timing.schedule import Move
from dunning.wording.rendering import UnrenderableError, render
from recovery import attempts, timeline
from recovery.batches import apart
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status
from recovery.timeline import Kind

logger = logging.getLogger(__name__)

State = DunningMessage.State
BATCH = 200
PAUSE_CASE_IS_PAUSED = timedelta(hours=1)
PAUSE_NEW_CARD = timedelta(minutes=1)
PAUSE_UNDER_WAY = timedelta(days=1)  # a direct debit takes several
SOON = timedelta(hours=1)
PAUSE_IS_BEING_TOLD = timedelta(minutes=1)
CLAIM = timedelta(minutes=10)  # a worker that takes longer to send is dead
WITH = (
    "case__merchant__stripe", "case__customer", "step", "run", "instead_of__step",
    "instead_of__run",
)  # fmt: skip

WRITTEN_TO = {Status.OPEN}
ANSWERED = {Status.OPEN, Status.LOST}  # who asks for a link may still pay what was given up


def queued(*, now: datetime) -> list[int]:
    due = DunningMessage.objects.filter(state=State.QUEUED, due_at__lte=now)
    return list(due.order_by("due_at", "id").values_list("id", flat=True)[:BATCH])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, and the mail that says it."""

    message: DunningMessage
    mail: AnymailMessage


def deliver(message_id: int, *, now: datetime) -> None:
    """Send one queued message, if it still should go and nobody else is sending it. One that
    fails is put off, or it would be at the head for ever; a claim that was made stands."""
    try:
        _deliver(message_id, now=now)
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


def _deliver(message_id: int, *, now: datetime) -> None:
    message = DunningMessage.objects.select_related(*WITH).get(pk=message_id)
    if message.state != State.QUEUED:
        return
    try:
        truth.ask(message.case, now=now)
        debts = conversations.debts(message.case, now=now)
        others = truth.ask_each(debts.select_related("merchant__stripe"), now=now)
        claimed = _claim(message_id, asked_about=others, now=now)
    except StaleError as error:
        messages.stale(message, str(error), is_for_a_person=error.is_for_a_person, now=now)
    except UnrenderableError as error:
        logger.exception("Message %s can't be rendered.", message.public_id)
        messages.put_off(message, str(error), tries=message.tries + 1, is_given_up=True, now=now)
    else:
        if claimed:
            outcome = handover.hand_over(claimed.mail)
            RECORDS[outcome.fate](claimed.message, outcome, now)


# --- claim ------------------------------------------------------------------------------------


@transaction.atomic
def _claim(message_id: int, *, asked_about: set[int], now: datetime) -> Claimed | None:
    """Ours to send, or None: the customer's debts are read again under lock. Raises
    UnrenderableError, and then nothing was claimed.

    `asked_about`: the other debts that Stripe has just been asked about; only they are listed.
    """
    found = DunningMessage.objects.select_related("case").get(pk=message_id)
    case, others = conversations.held_debts(found.case, now=now)
    message = (
        DunningMessage.objects.select_for_update(of=("self",))
        .select_related(*WITH)
        .get(pk=message_id)
    )
    if message.state != State.QUEUED:
        return None
    message.case = case
    why = is_over(message)
    if not why and (pause := _pause(message, now=now)):
        messages.waits(message, until=now + pause)
        return None
    why = why or _needs_no_mail(message, now=now)
    if why:
        messages.skipped(message, why, now=now)
        return None
    if moves := _moves(message, now=now):
        messages.moved(message, moves, now=now)
        return None
    return _ours(message, [other for other in others if other.pk in asked_about], now=now)


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
    if attempts.is_under_way(case) and not message.is_asked_for:
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


def _needs_no_mail(message: DunningMessage, *, now: datetime) -> str:
    """The customer knows already, or can't be written to."""
    case = message.case
    if not message.is_asked_for:
        since = now - conversations.QUIET
        if message.instead_of and message.instead_of.claimed_at:
            since = max(since, message.instead_of.claimed_at)
        run = message.original.run
        if earlier := conversations.was_told(case, by_other_than=run, since=since):
            return f"told in message {earlier.public_id}"
    if addresses.recipient(case, is_asked_for=message.is_customers_wish):
        return ""
    why = addresses.why_unreachable(case)
    if not addresses.is_unwanted(case):
        bounces.leave_to_a_person(case, case.customer_email, why, now=now)
    return why


def _moves(message: DunningMessage, *, now: datetime) -> list[Move]:
    """A mail that was late may not go at any hour, or right before the next one; a link that was
    asked for may."""
    if message.is_asked_for:
        return []
    moves = conversations.at_a_distance(message, now=now)
    at = moves[-1].at if moves else now
    return [*moves, *schedule.into_window(at, planning.where_of(message.case))]


def _ours(message: DunningMessage, others: Sequence[RecoveryCase], *, now: datetime) -> Claimed:
    case = message.case
    link, way_out = links.create(case=case, now=now), unsubscribing.url(message, now=now)
    template = conversations.words(message, others, now=now)
    content = render(debts=[case, *others], template=template, link=link, unsubscribe_url=way_out)
    messages.claimed(
        message, content=content, now=now, secrets={"link": link, "unsubscribe_url": way_out},
        recipient=addresses.recipient(case, is_asked_for=message.is_customers_wish),
    )  # fmt: skip
    message.also_about.set(others)
    return Claimed(message, letters.write(message, content, unsubscribe_url=way_out))


# --- record -----------------------------------------------------------------------------------


def _taken(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    conversations.told(message, provider_id=outcome.provider_id, now=now)


def _refused(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    messages.failed(message, outcome.why, now=now)


def _dead_address(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    bounces.refused(message, outcome.why, now=now)


def _not_yet(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    messages.refused_for_now(message, outcome.why, now=now)


def _our_own(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    messages.put_off(message, outcome.why, now=now)
    messages.held_up(message, outcome.why, now=now)


def _outage(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    messages.put_off(message, outcome.why, now=now)


def _unknown(message: DunningMessage, outcome: Outcome, now: datetime) -> None:
    conversations.perhaps_told(message, outcome.why, now=now)


RECORDS: Mapping[Fate, Callable[[DunningMessage, Outcome, datetime], None]] = MappingProxyType(
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
    for message in claimed.select_related(*WITH).order_by("id")[:BATCH]:
        with apart(f"Message {message.public_id}"):
            conversations.perhaps_told(message, "The worker died while sending.", now=now)
