"""Before a customer is told of debts, Stripe is asked whether they are still open."""

import logging
from collections.abc import Iterable
from datetime import datetime

from recovery import attempts, ingest
from recovery.models import RecoveryCase
from recovery.stripe_errors import (
    MissingPermissionError,
    NoStripeError,
    ObjectMissingError,
    StripeError,
)

logger = logging.getLogger(__name__)


class StaleError(Exception):
    """What we know may be old, and Stripe can't be asked now: better late than wrong.

    `is_for_a_person`: nor will it be, until somebody sets it right.
    """

    def __init__(self, why: str, *, is_for_a_person: bool = False) -> None:
        super().__init__(why)
        self.is_for_a_person = is_for_a_person


def ask(case: RecoveryCase, *, now: datetime) -> None:
    """Take over what Stripe says of the debt now. Raises StaleError.

    Where Stripe knows nothing, or isn't ours to ask, the events are all there is to know. A key
    that Stripe no longer takes is no such case: it may be mended.
    """
    if case.merchant.stripe.disconnected_at:
        return
    try:
        ingest.settle(case=case, now=now)
    except (NoStripeError, ObjectMissingError):
        return
    except MissingPermissionError as error:
        raise StaleError(str(error), is_for_a_person=True) from error
    except StripeError as error:
        raise StaleError("Stripe can't be asked whether the debt is still open.") from error


def ask_each(cases: Iterable[RecoveryCase], *, now: datetime) -> set[int]:
    """The ids of those that are surely still owed: one that Stripe can't tell of loses no other,
    and one that is being paid isn't asked for."""
    known = set()
    for case in cases:
        try:
            ask(case, now=now)
        except StaleError:
            logger.info("Case %s isn't told of now: Stripe can't be asked.", case.public_id)
        else:
            if not attempts.is_under_way(case):
                known.add(case.pk)
    return known
