"""All that was tried with a card at a merchant, held still while a charge is decided."""

from collections.abc import Iterator
from dataclasses import replace

from django.db import connection
from django.db.models import Q, QuerySet

from recovery.charge_facts import Card, PastAttempt
from recovery.mechanisms import AttemptTrigger
from recovery.models import PaymentAttempt, RecoveryCase
from recovery.pseudonyms import pseudonym


def hold(case: RecoveryCase, card: Card) -> None:
    """Nobody else decides about the card until the transaction ends: two debts of one card, whose
    cases are locked by two workers, must not both take the last of a budget.

    A card may be several payment methods of several customers, so no row stands for it: the lock
    is the database's own, by name. SQLite's transactions come one after the other anyway.
    """
    if connection.vendor != "postgresql":
        return
    names = sorted({card.payment_method_id, card.fingerprint} - {""})
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                [f"card:{case.merchant_id}:{name}"],
            )


def attempts(
    case: RecoveryCase, card: Card, *, but: PaymentAttempt | None
) -> tuple[PastAttempt, ...]:
    """What was tried with the card over all debts, latest first, `but` one's own claim.

    What Stripe refused before it got to a bank (`error`) is no attempt to a network.
    """
    found = {row.pk: row for rows in _rows(case, card) for row in rows}
    if but is not None:
        found.pop(but.pk, None)
    rows = sorted(found.values(), key=lambda row: (row.attempted_at, row.pk), reverse=True)
    return tuple(
        PastAttempt(
            at=row.attempted_at,
            trigger=AttemptTrigger(row.trigger),
            card=as_known(row, card),
            amount=row.amount,
            currency=row.currency,
            is_this_debt=row.case_id == case.pk,
            decline=row.decline,
        )
        for row in rows
    )


def as_known(row: PaymentAttempt, card: Card) -> Card:
    """An erased person's card is kept by a pseudonym; tried again, it is still the same card."""
    is_same = row.fingerprint == _pseudonym(row.merchant_id, card)
    return replace(row.card, fingerprint=card.fingerprint) if is_same else row.card


def _pseudonym(merchant_id: int, card: Card) -> str:
    return pseudonym(card.fingerprint, merchant_id=merchant_id)


def _rows(case: RecoveryCase, card: Card) -> Iterator[QuerySet[PaymentAttempt]]:
    """By the number, and by the payment method, which is one customer's."""
    made = PaymentAttempt.objects.of(case.merchant_id).filter(error="")
    if card.fingerprint:
        yield made.filter(fingerprint__in=[card.fingerprint, _pseudonym(case.merchant_id, card)])
    owner = Q(case=case)
    if case.customer_id is not None:
        owner |= Q(case__customer_id=case.customer_id)
    yield made.filter(owner, payment_method_id=card.payment_method_id)
