"""One person is erased from a merchant's rows: facts and money stay (docs/adr/0025)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from recovery import (
    cases,
    clock,
    customers,
    failures,
    operator_tasks,
    outbound,
    retention,
    timeline,
)
from recovery.models import Customer, PaymentAttempt, RecoveryCase
from recovery.pseudonyms import pseudonym
from recovery.redaction import ADDRESS, Redaction, redaction
from recovery.timeline import Kind

CLAIMED = PaymentAttempt.State.CLAIMED
SAID = "Who owes was erased: names, addresses, mails and notes are gone. Money and facts stay."


def owed_by(customer: Customer) -> list[RecoveryCase]:
    return list(RecoveryCase.objects.filter(customer=customer).order_by("pk"))


def held_cases(customer: Customer) -> list[RecoveryCase]:
    rows = RecoveryCase.objects.select_for_update(of=("self",)).filter(customer=customer)
    return list(rows.select_related("merchant__stripe").order_by("pk"))


def is_being_charged(owed: Sequence[RecoveryCase]) -> bool:
    """Whether Stripe is being asked for the money this moment: its answer is to be written."""
    return PaymentAttempt.objects.filter(case__in=owed, state=CLAIMED).exists()


def redaction_of(
    customer: Customer, owed: Sequence[RecoveryCase], *, words: Iterable[str]
) -> Redaction:
    """Of the person, and of `words` that are theirs."""
    made = PaymentAttempt.objects.filter(case__in=owed)
    return redaction(
        words=[customer.name, *words], cards=made.values_list("fingerprint", flat=True),
        pseudonym=partial(pseudonym, merchant_id=customer.merchant_id),
    )  # fmt: skip


def erase(
    *, customer: Customer, owed: Sequence[RecoveryCase], redaction: Redaction, actor: str,
    now: datetime,
) -> None:  # fmt: skip
    """The customer, what is told of their cases, and what Stripe's events said of either. In the
    transaction that holds them; the rest of the events is looked through afterwards."""
    for case in owed:
        operator_tasks.redact(case, redaction)
        outbound.redact(case, redaction)
        timeline.redact(case, redaction)
        failures.redact(case, redaction)
        cases.forget_person(case=case, now=now)
        timeline.append(
            case=case, kind=Kind.PERSON_ERASED, summary=SAID, once=f"erased:{now.isoformat()}",
            at=now, actor=actor,
        )  # fmt: skip
    ids = stripe_ids(customer, owed)
    customers.erase(customer, now=now)
    retention.forget_about(customer.merchant, ids, now=now)


def stripe_ids(customer: Customer, owed: Sequence[RecoveryCase]) -> set[str]:
    """By which events tell of them."""
    keys = (key for case in owed for key in cases.keys(case))
    return {customer.stripe_customer_id, *keys} - {""}


def look_through_events(customer: Customer, *, until: datetime | None, now: datetime) -> None:
    """Forget what events said that name an erased person and concern nothing known of them: a
    paid invoice, say. What was done by `until` is kept; the next look goes on from there."""
    after, erased_at = customer.events_read_to, customer.erased_at
    assert erased_at  # noqa: S101 - nobody else is looked for
    while after is not None and (until is None or clock.now() < until):
        after = retention.forget_naming(
            customer.merchant, partial(is_named, customer), after=after, until=erased_at, now=now
        )
        customers.has_been_looked_for(customer, to=after)


def is_named(customer: Customer, payload: str) -> bool:
    """By the id at Stripe; a guest by the address."""
    if customer.stripe_customer_id:
        return f'"{customer.stripe_customer_id}"' in payload
    known = customer.pseudonym or customer.email.lower()
    if not customer.pseudonym:
        return known in payload.lower()
    named = partial(pseudonym, merchant_id=customer.merchant_id)
    return any(named(address) == known for address in ADDRESS.findall(payload))
