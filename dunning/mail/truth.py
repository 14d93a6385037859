"""Before a customer is told of debts, Stripe is asked whether they are still open."""

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from recovery import attempts, settling, stripe_gateway
from recovery.asking import at_once
from recovery.models import RecoveryCase
from recovery.reading import EARLIEST
from recovery.stripe_errors import (
    MissingPermissionError,
    NoStripeError,
    ObjectMissingError,
    StripeError,
    StripeUnavailableError,
)
from recovery.stripe_objects import Invoice

logger = logging.getLogger(__name__)

BELIEVED = 10  # seconds


class StaleError(Exception):
    """What we know may be old, and Stripe can't be asked now: better late than wrong.

    `is_for_a_person`: nor will it be, until somebody sets it right.
    """

    def __init__(self, why: str, *, is_for_a_person: bool = False) -> None:
        super().__init__(why)
        self.is_for_a_person = is_for_a_person


class Told:
    """What Stripe said of debts that it was asked about ahead, at `asked_at`, or why it said
    nothing; believed for some seconds."""

    def __init__(
        self, answers: Mapping[int, Invoice | StripeError], *, asked_at: datetime
    ) -> None:
        self.asked_at = asked_at
        self._answers, self._until = answers, time.monotonic() + BELIEVED

    def of(self, case: RecoveryCase) -> Invoice | None:
        """None if Stripe is to be asked. Raises StripeError."""
        answer = self._answers.get(case.pk) if time.monotonic() < self._until else None
        if isinstance(answer, StripeError):
            raise answer
        return answer


NOTHING = Told({}, asked_at=EARLIEST)


def ask_ahead(cases: Sequence[RecoveryCase], *, now: datetime) -> Told:
    """Stripe is asked about the invoices of several cases at the same time."""
    debts = [
        case for case in cases if not (case.is_one_time or case.merchant.stripe.disconnected_at)
    ]
    answers = at_once(
        debts, _answer, is_silence=lambda answer: isinstance(answer, StripeUnavailableError)
    )
    return Told(dict(zip([case.pk for case in debts], answers, strict=True)), asked_at=now)


def _answer(case: RecoveryCase) -> Invoice | StripeError:
    try:
        return stripe_gateway.of(case.merchant).invoice(case.stripe_invoice_id)
    except StripeError as error:
        return error


def ask(case: RecoveryCase, *, now: datetime, told: Told = NOTHING) -> None:
    """Take over what Stripe says of the debt now, or was just `told`. Raises StaleError.

    Where Stripe knows nothing, or isn't ours to ask, the events are all there is to know. A key
    that Stripe no longer takes is no such case: it may be mended.
    """
    if case.merchant.stripe.disconnected_at:
        return
    try:
        invoice = told.of(case)
        # What was heard since it was asked is newer than its answer.
        settling.settle(case=case, now=told.asked_at if invoice else now, told=invoice)
    except (NoStripeError, ObjectMissingError):
        return
    except MissingPermissionError as error:
        raise StaleError(str(error), is_for_a_person=True) from error
    except StripeError as error:
        raise StaleError("Stripe can't be asked whether the debt is still open.") from error


def ask_each(cases: Iterable[RecoveryCase], *, now: datetime, told: Told = NOTHING) -> set[int]:
    """The ids of those that are surely still owed: one that Stripe can't tell of loses no other,
    and one that is being paid isn't asked for."""
    known = set()
    for case in cases:
        try:
            ask(case, now=now, told=told)
        except StaleError:
            logger.info("Case %s isn't told of now: Stripe can't be asked.", case.public_id)
        else:
            if not attempts.is_under_way(case):
                known.add(case.pk)
    return known
