"""A message is ours to send once all has been looked at again that may have changed since it was
queued: whether it still should go, now, to whom, and what it says."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from anymail.message import AnymailMessage

from billing_portal import links
from dunning import planning
from dunning.mail import (
    addresses,
    bounces,
    conversations,
    held,
    letters,
    messages,
    unsubscribing,
)
from dunning.mail.held import SOON, Held, Lead
from dunning.mail.truth import StaleError, Told
from dunning.models import DunningMessage
from dunning.timing import schedule
from dunning.timing.schedule import Move
from dunning.wording.rendering import UnrenderableError, render
from recovery import desk, log_context, timeline
from recovery.models import Customer, RecoveryCase
from recovery.state_machine import Status
from recovery.stripe_errors import ELSEWHERE
from recovery.timeline import Kind

logger = logging.getLogger(__name__)

PAUSE_CASE_IS_PAUSED = timedelta(hours=1)
PAUSE_NEW_CARD = timedelta(minutes=1)
PAUSE_CHARGE = timedelta(minutes=2)  # after its time: until what came of it is known
PAUSE_UNDER_WAY = timedelta(days=1)  # a direct debit takes several
PAUSE_IS_BEING_TOLD = timedelta(seconds=20)

WRITTEN_TO = {Status.OPEN}
ANSWERED = {Status.OPEN, Status.LOST}  # who asks for a link may still pay what was given up


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send, the mail that says it, and the debts it is also about."""

    message: DunningMessage
    mail: AnymailMessage
    others: Sequence[RecoveryCase]


def claim(some: Sequence[Lead], *, told: Told, now: datetime) -> list[Claimed]:
    """Those of the messages, each to another customer, that go now. Of every other one it is
    written why it doesn't. `told` is what Stripe has just said of all these customers' debts."""
    with desk.sitting():
        known = held.hold(some, now=now)
        claimed = [_claim(message, known, told, now=now) for message in known.messages]
    return [one for one in claimed if one]


def _claim(message: DunningMessage, known: Held, told: Told, *, now: datetime) -> Claimed | None:
    with log_context.about(**message.log_ids):
        try:
            told.take_over(message.case)
            others = _surely_owed(known.others[message.case_id], told)
            return _claim_if_due(message, known, others, now=now)
        except StaleError as error:
            is_for_a_person = error.is_for_a_person
            messages.stale(message, str(error), is_for_a_person=is_for_a_person, now=now)
        except UnrenderableError as error:
            logger.exception("Message %s can't be rendered.", message.public_id)
            messages.put_off(
                message, str(error), tries=message.tries + 1, is_given_up=True, now=now
            )
        return None


def _surely_owed(cases: Iterable[RecoveryCase], told: Told) -> list[RecoveryCase]:
    """One that Stripe can't tell of loses no other, and one that is being paid, or is owed where
    nobody can be asked any more, isn't asked for."""
    known = []
    for case in filter(told.is_about, cases):
        if case.is_elsewhere:
            continue
        try:
            told.take_over(case)
        except StaleError:
            logger.info("Case %s isn't told of now: Stripe can't be asked.", case.public_id)
        else:
            if case.is_open and not case.is_payment_under_way:
                known.append(case)
    return known


def _claim_if_due(
    message: DunningMessage, known: Held, others: Sequence[RecoveryCase], *, now: datetime
) -> Claimed | None:
    """Raises UnrenderableError, and then nothing was claimed."""
    case = message.case
    why = is_over(message) or _has_gone_on(message, known)
    if not why and (pause := _pause(message, known, now=now)):
        messages.waits(message, until=now + pause)
        return None
    # None counts against a message that the customer asked for.
    told = () if message.is_asked_for else known.tellings.get(case.pk, ())
    why = why or _knows_already(message, told, now=now)
    recipient = "" if why else addresses.recipient(case, is_asked_for=message.is_customers_wish)
    if why := why or ("" if recipient else _unreachable(case, now=now)):
        messages.skipped(message, why, now=now)
        return None
    if moves := _moves(message, told, now=now):
        messages.moved(message, moves, now=now)
        return None
    return _ours(message, others, recipient=recipient, now=now)


def is_over(message: DunningMessage) -> str:
    """Why the debt is none any more that is written about, "" if it is one."""
    case = message.case
    if case.status not in (ANSWERED if message.is_asked_for else WRITTEN_TO):
        return f"the case is {case.status}"
    if case.merchant.stripe.disconnected_at:
        return "the merchant has disconnected Stripe"
    if case.is_elsewhere:
        return ELSEWHERE
    return ""


def _has_gone_on(message: DunningMessage, known: Held) -> str:
    return "a later step of the campaign was due" if message.pk in known.later else ""


def _pause(message: DunningMessage, known: Held, *, now: datetime) -> timedelta | None:
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
    charged_at = known.being_charged.get(case.pk)
    if charged_at and not message.is_asked_for:
        timeline.append(
            case=case, kind=Kind.MESSAGE_MOVED, at=now, rule=message.cause,
            summary="Mail waits: the money is about to be asked for.",
            once=f"charge:{message.public_id}",
        )  # fmt: skip
        return max(charged_at - now, timedelta(0)) + PAUSE_CHARGE
    return PAUSE_IS_BEING_TOLD if case.customer_id in known.being_told else None


def _is_about_to_be_charged(customer: Customer | None, *, now: datetime) -> bool:
    """Good news is waited for, but not for the days that a network's rule may put a charge off."""
    due_at = customer.new_payment_method_due_at if customer else None
    return due_at is not None and due_at <= now + SOON


def _knows_already(
    message: DunningMessage, told: Iterable[DunningMessage], *, now: datetime
) -> str:
    """The customer was told of the debt in another message."""
    since = now - conversations.QUIET
    if message.instead_of and message.instead_of.claimed_at:
        since = max(since, message.instead_of.claimed_at)
    run_id = message.original.run_id
    earlier = conversations.told_by(told, but=run_id, since=since)
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
    link, address = links.make(case, now=now)
    way_out = unsubscribing.url(message, now=now)
    content = render(
        debts=[case, *others], template=conversations.words(message, others, now=now),
        link=address, unsubscribe_url=way_out,
    )  # fmt: skip
    mail = letters.write(message, content, to=recipient, unsubscribe_url=way_out)
    links.keep(link)
    messages.claimed(
        message, content=content, now=now, recipient=recipient,
        secrets={"link": address, "unsubscribe_url": way_out},
    )  # fmt: skip
    if others or message.tries > 1:  # else there is nothing to add, nor to take away
        message.also_about.set(others)
    return Claimed(message, mail, others)
