"""When a payment method may be charged: one decision from facts, each answer with its rule."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from recovery import budgets
from recovery.charge_facts import ChargeFacts, PastAttempt, RetryDriver
from recovery.declines import UNKNOWN, DeclineType, Meaning, Retryable, ceilings, classify
from recovery.mechanisms import AttemptTrigger
from recovery.state_machine import Status

__all__ = ["Allowed", "Refused", "RetryDriver", "Verdict", "may_charge", "told_facts", "verdicts"]

STRIPE_IS_ABOUT_TO = timedelta(hours=6)
# Until what came of Stripe's retry is surely heard.
STRIPE_HAS_JUST = timedelta(hours=1)
MOST_UNKNOWN = 2
MOST_LIMITED = 2
BETWEEN_LIMITED = timedelta(days=1)
INDIA = "IN"
SMART_RETRIES = "docs.stripe.com/billing/revenue-recovery/smart-retries"
OUR_RULES = "architecture, charging rules"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The card may be charged from `from_at` on, which may lie ahead: then `rule` says why.
    `is_about_card`: another card need not wait."""

    from_at: datetime
    rule: str = "no rule forbids it"
    source: str = OUR_RULES
    is_about_card: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """`rule` in words, and where it is written. `needs_person`: nobody else can go on.
    `is_about_card`: another card might be charged."""

    rule: str
    source: str
    needs_person: bool = False
    is_about_card: bool = field(default=False, compare=False)


Verdict = Allowed | Refused


def may_charge(facts: ChargeFacts, *, now: datetime) -> Verdict:
    """Whether and from when the card may be charged for the debt, as far as is known at `now`."""
    return verdicts(facts, now=now)[0]


def verdicts(facts: ChargeFacts, *, now: datetime) -> tuple[Verdict, ...]:
    """Everything that stands against a charge, what decides first: a refusal before a wait, the
    longest wait before the others. Where nothing does: that it is allowed now."""
    found = dict.fromkeys(verdict for rule in RULES for verdict in rule(facts, now))
    refused = [verdict for verdict in found if isinstance(verdict, Refused)]
    waits = [verdict for verdict in found if isinstance(verdict, Allowed)]
    waits = sorted((wait for wait in waits if wait.from_at > now), key=_from_at, reverse=True)
    earliest = waits[0].from_at if waits else now
    waits = [*_stripes_own_retry(facts, earliest), *waits]
    return (*refused, *waits) or (Allowed(now),)


def told_facts(facts: ChargeFacts, found: tuple[Verdict, ...]) -> dict[str, Any]:
    """What the timeline keeps of a decision: what it was made from, and what else was found."""
    latest = next((one for one in facts.attempts if one.decline), None)
    return {
        "trigger": facts.trigger,
        "is_customer_present": facts.is_customer_present,
        "driver": facts.driver,
        "next_payment_attempt_at": _written(facts.next_payment_attempt_at),
        "payment_method": facts.card.payment_method_id,
        "brand": facts.card.brand,
        "country": facts.card.country,
        "expiry": facts.card.expiry,
        "amount": facts.amount,
        "currency": facts.currency,
        "attempts_of_card": len(facts.attempts),
        "attempts_on_debt": len(facts.on_this_debt),
        "last_attempt_at": _written(facts.attempts[0].at) if facts.attempts else None,
        "last_decline": asdict(latest.decline) if latest and latest.decline else None,
        "verdict": _told(found[0]),
        "alternatives": [_told(verdict) for verdict in found[1:]],
    }


def _told(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"rule": verdict.rule, "source": verdict.source}
    if isinstance(verdict, Allowed):
        return told | {"from_at": _written(verdict.from_at)}
    return told | {"needs_person": verdict.needs_person}


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _from_at(wait: Allowed) -> datetime:
    return wait.from_at


# --- the debt ---------------------------------------------------------------------------------


def _is_owed(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """A debt that was given up is still owed: a customer who is there may pay it, but nothing
    goes on asking for it by itself, as when a card is saved for something else."""
    if facts.status not in ({Status.OPEN} if facts.is_unattended else {Status.OPEN, Status.LOST}):
        yield Refused(f"the case is {facts.status}", "architecture, invariant 3")
    if facts.is_paused and not facts.is_customer_present:
        yield Refused("the case is paused", "the merchant's own decision")
    if facts.is_given_up:
        yield Refused("it is paid at Stripe's Checkout or not at all", "docs/adr/0009")


def _has_one_driver(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:
    """A scheduled retry is the business of whoever drives the retries. A customer or an operator
    is no schedule, and needs only keep out of the way of Stripe's."""
    if facts.trigger is not AttemptTrigger.RECOVER:
        return
    if facts.driver is RetryDriver.STRIPE:
        yield Refused("Stripe drives the retries", f"the merchant's campaign; {OUR_RULES}")
    elif facts.next_payment_attempt_at and now < facts.next_payment_attempt_at + STRIPE_HAS_JUST:
        yield Refused("Stripe's retries are not off yet", "invoice.next_payment_attempt")


def _stripes_own_retry(facts: ChargeFacts, at: datetime) -> Iterator[Allowed]:
    """A card that failed on the debt isn't charged at `at` if Stripe does so itself about then."""
    scheduled = facts.next_payment_attempt_at
    has_failed = any(one.decline for one in facts.on_this_debt)
    if scheduled is None or not has_failed:
        return
    heard_of = scheduled + STRIPE_HAS_JUST
    if scheduled - STRIPE_IS_ABOUT_TO <= at < heard_of:
        yield Allowed(
            heard_of, "Stripe's own retry is about to happen", "invoice.next_payment_attempt",
            is_about_card=True,
        )  # fmt: skip


# --- the card ---------------------------------------------------------------------------------


def _meanings(attempt: PastAttempt, facts: ChargeFacts) -> tuple[Meaning, ...]:
    """All that binds after a decline: its ceilings, and what it counts as."""
    if attempt.decline is None:
        return ()
    return (*ceilings(attempt.decline), classify(attempt.decline, facts.overrides))


def _refused_by(meaning: Meaning) -> Refused:
    return Refused(
        meaning.rule, meaning.source, needs_person=meaning.needs_person, is_about_card=True
    )


def _was_not_refused_for_good(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """A hard decline is about the card and holds for every debt, whatever was said since."""
    for attempt in facts.of_same_card:
        for meaning in _meanings(attempt, facts):
            holds = meaning.decline_type is DeclineType.HARD or attempt.is_this_debt
            if meaning.retryable is Retryable.NO and holds:
                yield _refused_by(meaning)


def _is_not_blind(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """Only the cardholder can pass the bank's question, and only while there."""
    if facts.is_customer_present:
        return
    for attempt in facts.on_this_debt:
        for meaning in _meanings(attempt, facts):
            if meaning.needs_authentication:
                yield _refused_by(meaning)


def _was_put_right(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """What the customer had to put right binds the card as it was then, until it got further."""
    declined = [one for one in facts.attempts if one.decline]
    unchanged = [one for one in declined if facts.card.is_unchanged_since(one.card)]
    for attempt in unchanged[:1]:
        for meaning in _meanings(attempt, facts):
            waits_for_customer = meaning.retryable is Retryable.AFTER_CUSTOMER_ACTION
            if waits_for_customer and not meaning.needs_authentication:
                yield _refused_by(meaning)


def _is_not_of_india(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """A first charge of a new card is no retry."""
    is_retry = facts.trigger is AttemptTrigger.RECOVER or facts.on_this_debt
    if facts.card.country == INDIA and is_retry and not facts.is_customer_present:
        yield Refused("India-issued cards are never retried off-session", SMART_RETRIES)


# --- how often, how soon ----------------------------------------------------------------------


def _has_tries_left(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """Codes that promise little get few attempts, a day apart; unknown ones then a person."""
    declined = [one.decline for one in facts.on_this_debt if one.decline]
    if not declined or not facts.is_unattended:
        return
    meanings = [classify(decline, facts.overrides) for decline in declined]
    if meanings.count(UNKNOWN) >= MOST_UNKNOWN:
        yield Refused(
            "an unknown code gets two attempts, then a person", UNKNOWN.source, needs_person=True
        )
    if meanings[0].retryable is not Retryable.LIMITED:
        return
    of_ours = [one for one in facts.on_this_debt if one.trigger is AttemptTrigger.RECOVER]
    if len(of_ours) >= MOST_LIMITED:
        yield Refused(f"{meanings[0].rule}: two retries at most", meanings[0].source)
    yield Allowed(
        facts.on_this_debt[0].at + BETWEEN_LIMITED,
        f"{meanings[0].rule}: a day between attempts",
        meanings[0].source,
    )


def _was_left_alone(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:  # noqa: ARG001
    """A network's "not before" binds everybody; a bank's "later" not the customer who is there."""
    for attempt in facts.of_same_card:
        for meaning in _meanings(attempt, facts):
            if meaning.wait and (meaning.is_network or not facts.is_customer_present):
                yield Allowed(
                    attempt.at + meaning.wait, meaning.rule, meaning.source, is_about_card=True
                )


def _is_within_budget(facts: ChargeFacts, now: datetime) -> Iterator[Verdict]:
    for budget, frees_at in budgets.used_up(
        facts.card, amount=facts.amount, currency=facts.currency, attempts=facts.attempts, now=now
    ):
        yield Allowed(frees_at, budget.rule, budget.source, is_about_card=True)


Rule = Callable[[ChargeFacts, datetime], Iterator[Verdict]]
RULES: tuple[Rule, ...] = (
    _is_owed,
    _has_one_driver,
    _was_not_refused_for_good,
    _is_not_blind,
    _was_put_right,
    _is_not_of_india,
    _has_tries_left,
    _was_left_alone,
    _is_within_budget,
)
