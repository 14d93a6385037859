"""Mail that came back, and people who want no more of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from django.db import transaction
from django.db.models import Q

from dunning.mail import addresses, conversations, messages
from dunning.mail.bounce_rules import Verdict
from dunning.models import DunningMessage
from recovery import operator_tasks, timeline
from recovery.masking import mask_email
from recovery.models import RecoveryCase
from recovery.operator_tasks import TaskKind
from recovery.state_machine import Status
from recovery.timeline import Actor, Kind

Reason = addresses.Reason


@dataclass(frozen=True, slots=True)
class Word:
    """What a provider says became of a message that was with a worker once: `at` is when it
    happened, `detail` the mail server's own words, if any."""

    message: DunningMessage
    verdict: Verdict
    detail: str
    at: datetime
    now: datetime


@transaction.atomic
def take_in(word: Word) -> None:
    """Said again, or out of turn, a word changes nothing.

    Who has a word to say of a mail has had it: a message that may or may not have been sent was.
    """
    conversations.hold(word.message.case)
    if word.message.state != DunningMessage.State.SENT:
        conversations.told(word.message, now=word.now)
    EFFECTS[word.verdict](word)


@transaction.atomic
def refused(message: DunningMessage, why: str, *, now: datetime) -> None:
    """The mail server won't have the recipient, for good: a bounce before the mail was taken."""
    conversations.hold(message.case)
    messages.failed(message, why, now=now, is_address=True)
    _address_is_dead(message, why, now=now)


@transaction.atomic
def unsubscribed(message: DunningMessage, *, now: datetime) -> None:
    """The holder of a message wants no more mail of the merchant's at its address."""
    addresses.suppress(
        merchant=message.merchant_id, email=message.recipient, reason=Reason.UNSUBSCRIBED,
        detail=f"message {message.public_id}", now=now,
    )  # fmt: skip
    told = f"{mask_email(message.recipient)} asked for no more mail."
    for case in _debts(message.case):
        timeline.append(
            case=case, kind=Kind.UNSUBSCRIBED, summary=told, at=now, actor=Actor.CUSTOMER,
            once=f"unsubscribed:{_this_time(case, message.recipient)}", rule="RFC 8058",
        )  # fmt: skip


def leave_to_a_person(case: RecoveryCase, address: str, why: str, *, now: datetime) -> None:
    """A campaign doesn't run its course into the void unseen: one task per case and address, and
    another one if it fails again after it was lifted."""
    operator_tasks.create(
        case=case, kind=TaskKind.ADDRESS_FAILED, now=now, once=_this_time(case, address),
        summary=f"Mail can't reach the customer: {why}. Please reach them otherwise.",
    )  # fmt: skip


def _this_time(case: RecoveryCase, address: str) -> str:
    since = addresses.suppressed_since(case.merchant_id, address)
    return f"{address.lower()}:{since.isoformat()}" if since else address.lower()


def _debts(case: RecoveryCase) -> list[RecoveryCase]:
    """The message's case, and the customer's other open ones."""
    others = Q(customer__isnull=False, customer=case.customer_id, status=Status.OPEN)
    found = RecoveryCase.objects.filter(Q(pk=case.pk) | others)
    return list(found.select_related("customer").order_by("id"))


def _address_is_dead(message: DunningMessage, detail: str, *, now: datetime) -> None:
    dead = message.recipient
    addresses.suppress(
        merchant=message.merchant_id, email=dead, reason=Reason.BOUNCED, detail=detail, now=now
    )
    for case in _debts(message.case):
        if case.is_open:
            leave_to_a_person(case, dead, f"{mask_email(dead)} takes no mail", now=now)
    _try_another(message, now=now)


def _try_another(message: DunningMessage, *, now: datetime) -> None:
    """Once for each customer and dead address: the message lists all that is owed. One that was
    skipped, or will be because a later mail of its run went out, told nobody."""
    dead = message.recipient.lower()
    [case] = [each for each in _debts(message.case) if each.pk == message.case_id]
    another = addresses.recipient(case, is_asked_for=message.is_customers_wish)
    if message.instead_of_id or another.lower() in {"", dead}:
        return
    earlier = DunningMessage.objects.filter(
        instead_of__recipient__iexact=dead, instead_of__case__customer=case.customer_id
    ).exclude(state=DunningMessage.State.SKIPPED)
    if message.run_id:
        earlier = earlier.exclude(
            state=DunningMessage.State.QUEUED,
            instead_of__in=DunningMessage.objects.filter(run=message.run_id, pk__lt=message.pk),
        )
    if not earlier.exists():
        messages.queue_instead(message, now=now)


# --- what each word of a provider does --------------------------------------------------------


def _nothing(word: Word) -> None:
    """That it was sent is written already; more isn't asked."""


def _delayed(word: Word) -> None:
    _tell(word, Kind.MESSAGE_BOUNCED, f"The mail isn't through yet: {word.detail}")


def _soft_bounce(word: Word) -> None:
    _tell(word, Kind.MESSAGE_BOUNCED, f"The mail came back, this time: {word.detail}")


def _hard_bounce(word: Word) -> None:
    messages.came_back(word.message, bounced_at=word.at)
    _tell(word, Kind.MESSAGE_BOUNCED, f"The mail came back, for good: {word.detail}")
    _address_is_dead(word.message, word.detail, now=word.now)


def _dropped(word: Word) -> None:
    told = f"The mail wasn't delivered: {word.detail}"
    _tell(word, Kind.MESSAGE_BOUNCED, told)
    messages.leave_to_a_person(word.message, told, now=word.now)


def _complained(word: Word) -> None:
    message = word.message
    messages.came_back(message, complained_at=word.at)
    addresses.suppress(
        merchant=message.merchant_id, email=message.recipient, reason=Reason.COMPLAINED,
        detail=word.detail, now=word.now,
    )  # fmt: skip
    told = f"{mask_email(message.recipient)} called the mail unwanted: no more goes there."
    _tell(word, Kind.MESSAGE_COMPLAINED, told)


def _unsubscribed(word: Word) -> None:
    unsubscribed(word.message, now=word.now)


def _tell(word: Word, kind: Kind, summary: str) -> None:
    timeline.append(
        case=word.message.case, kind=kind, summary=summary, at=word.now,
        once=f"{word.verdict}:{word.message.public_id}", rule=word.message.cause,
    )  # fmt: skip


EFFECTS: Mapping[Verdict, Callable[[Word], None]] = MappingProxyType(
    {
        Verdict.NOTHING: _nothing,
        Verdict.ACCEPTED: _nothing,
        Verdict.DELAYED: _delayed,
        Verdict.SOFT_BOUNCE: _soft_bounce,
        Verdict.HARD_BOUNCE: _hard_bounce,
        Verdict.DROPPED: _dropped,
        Verdict.COMPLAINED: _complained,
        Verdict.UNSUBSCRIBED: _unsubscribed,
    }
)
