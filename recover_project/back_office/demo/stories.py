"""What happens on a made-up case: why it failed, who was written to when, how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from types import MappingProxyType
from typing import TypeVar

from billing_portal import links
from dunning.plans.default_plans import SCHEDULES
from recovery.declines import Decline, DeclineType, classify
from recovery.mechanisms import Mechanism
from recovery.state_machine import LEADS_TO, Status, Trigger

# Of 100 failures; `authentication_required` and the likes as Stripe writes them.
CODES: Mapping[str, int] = MappingProxyType(
    {
        "insufficient_funds": 40, "generic_decline": 14, "do_not_honor": 10, "expired_card": 13,
        "authentication_required": 9, "transaction_not_allowed": 4, "try_again_later": 4,
        "lost_card": 3, "stolen_card": 1, "processing_error": 2,
    }
)  # fmt: skip
# What becomes of 100, in the long run.
FATES: Mapping[DeclineType, Mapping[Status, int]] = MappingProxyType(
    {
        DeclineType.SOFT: {Status.RECOVERED: 63, Status.LOST: 33, Status.VOIDED: 4},
        DeclineType.HARD: {Status.RECOVERED: 50, Status.LOST: 45, Status.VOIDED: 5},
        DeclineType.ACTION_REQUIRED: {Status.RECOVERED: 62, Status.LOST: 34, Status.VOIDED: 4},
    }
)
MECHANISMS: Mapping[DeclineType, Mapping[Mechanism, int]] = MappingProxyType(
    {
        DeclineType.SOFT: {
            Mechanism.STRIPE_RETRY: 48, Mechanism.CARD_UPDATE: 34, Mechanism.CUSTOMER_PAID: 15,
            Mechanism.OUT_OF_BAND: 3,
        },
        DeclineType.HARD: {Mechanism.CARD_UPDATE: 84, Mechanism.CUSTOMER_PAID: 16},
        DeclineType.ACTION_REQUIRED: {Mechanism.CUSTOMER_PAID: 70, Mechanism.CARD_UPDATE: 30},
    }
)  # fmt: skip
LOST_BY: Mapping[Trigger, int] = MappingProxyType(
    {
        Trigger.CAMPAIGN_ENDED: 60, Trigger.SUBSCRIPTION_CANCELED: 30,
        Trigger.MARKED_UNCOLLECTIBLE: 10,
    }
)  # fmt: skip
# Each mail brings back about half of what the one before did.
MAIL_THAT_WORKS = (52, 25, 12, 7, 4)
STRIPE_RETRIES = (3, 5, 7, 14)  # days after the failure
RETRY_THAT_WORKS = (45, 25, 18, 12)
OPENS = 0.4  # of the mails that bring nothing
Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Mail:
    position: int  # of the campaign's step
    template: str
    sent_at: datetime
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """`ends_at` and `trigger` are None while the case is open."""

    code: str
    decline_type: DeclineType
    failed_at: datetime
    retried_at: tuple[datetime, ...]  # by Stripe, in vain
    next_retry_at: datetime | None
    mails: tuple[Mail, ...]
    ends_at: datetime | None
    trigger: Trigger | None
    mechanism: Mechanism | None

    @property
    def status(self) -> Status:
        return LEADS_TO[self.trigger] if self.trigger else Status.OPEN


@dataclass(frozen=True, slots=True)
class _End:
    at: datetime
    trigger: Trigger
    mechanism: Mechanism | None = None
    through: int | None = None  # the mail that did it


def drawn(random: Random, weights: Mapping[Thing, int]) -> Thing:
    return random.choices(list(weights), list(weights.values()))[0]


def story(*, failed_at: datetime, now: datetime, random: Random) -> Story:
    """As far as it has come by `now`."""
    code = drawn(random, CODES)
    decline_type = classify(Decline(decline_code=code)).decline_type
    mails = _mails(decline_type, failed_at, random)
    end = _end(decline_type, failed_at, mails, random)
    until = min(end.at, now)
    retries = [failed_at + timedelta(days=day) for day in STRIPE_RETRIES]
    if decline_type is not DeclineType.SOFT:
        retries = []
    coming = [at for at in retries if at > now]
    sent = [
        replace(mail, opened_at=_opened(mail, end, until, random))
        for mail in mails if mail.sent_at < until
    ]  # fmt: skip
    is_over = end.at <= now
    return Story(
        code=code, decline_type=decline_type, failed_at=failed_at,
        retried_at=tuple(at for at in retries if at < until),
        next_retry_at=coming[0] if coming and not is_over else None,
        mails=tuple(sent),
        ends_at=end.at if is_over else None,
        trigger=end.trigger if is_over else None,
        mechanism=end.mechanism if is_over else None,
    )  # fmt: skip


def _mails(decline_type: DeclineType, failed_at: datetime, random: Random) -> list[Mail]:
    """By the schedule that merchants start with, in the daytime."""
    found: list[Mail] = []
    for position, (day, template) in enumerate(SCHEDULES[decline_type], 1):
        at = failed_at + timedelta(days=day, minutes=2)
        if day:
            at = at.replace(hour=random.randint(14, 19), minute=random.randrange(60))
        found.append(Mail(position, template, at))
    return found


def _opened(mail: Mail, end: _End, until: datetime, random: Random) -> datetime | None:
    if mail.position == end.through:
        at = end.at - timedelta(minutes=random.randint(3, 7))
        return at if at < until else None
    later = mail.sent_at + timedelta(minutes=random.randint(4, 900))
    return later if random.random() < OPENS and later < until else None


def _end(
    decline_type: DeclineType, failed_at: datetime, mails: Sequence[Mail], random: Random
) -> _End:
    fate = drawn(random, FATES[decline_type])
    if fate is Status.VOIDED:
        return _End(failed_at + timedelta(hours=random.randint(5, 200)), Trigger.INVOICE_VOIDED)
    if fate is Status.LOST:
        return _lost(failed_at, mails, random)
    mechanism = drawn(random, MECHANISMS[decline_type])
    if mechanism is Mechanism.STRIPE_RETRY:
        day = random.choices(STRIPE_RETRIES, RETRY_THAT_WORKS)[0]
        return _End(failed_at + timedelta(days=day), Trigger.INVOICE_PAID, mechanism)
    mail = random.choices(mails, MAIL_THAT_WORKS)[0]
    at = mail.sent_at + timedelta(minutes=random.randint(10, 1500))
    through = None if mechanism is Mechanism.OUT_OF_BAND else mail.position
    return _End(at, Trigger.INVOICE_PAID, mechanism, through)


def _lost(failed_at: datetime, mails: Sequence[Mail], random: Random) -> _End:
    trigger = drawn(random, LOST_BY)
    if trigger is Trigger.CAMPAIGN_ENDED:
        return _End(mails[-1].sent_at + links.LIFETIME, trigger)
    return _End(failed_at + timedelta(days=random.randint(9, 26), minutes=7), trigger)
