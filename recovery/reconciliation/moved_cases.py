"""Cases that Stripe has gone on from: each open one is asked about once a day."""

import logging
from datetime import datetime, timedelta

from recovery import cases, permissions, settling
from recovery.models import Reconciliation, RecoveryCase
from recovery.reading import UnreadablePayloadError
from recovery.reconciliation import rows
from recovery.stripe_errors import (
    MissingPermissionError,
    ObjectMissingError,
    RefusedError,
    StripeError,
)
from recovery.stripe_gateway import StripeGateway

logger = logging.getLogger(__name__)

DAILY = timedelta(days=1)
BATCH = 50  # in one run; the next goes on
FACTS = ("status", "amount", "currency", "is_payment_under_way")


def look(run: Reconciliation, _gateway: StripeGateway, *, now: datetime) -> bool:
    """Settle the cases that were asked about longest ago. False where more may be due. Raises
    StripeError where Stripe can be asked about none."""
    due = cases.to_reconcile(run.merchant, before=now - DAILY, most=BATCH)
    for case in due:
        moved = [case.public_id] if _has_moved(case, now=now) else []
        rows.note(
            run, cases_asked=run.cases_asked + 1, cases_moved=run.cases_moved + len(moved),
            moved_ids=[*run.moved_ids, *moved][: rows.MOST_NAMED],
        )  # fmt: skip
    return len(due) < BATCH


def _has_moved(case: RecoveryCase, *, now: datetime) -> bool:
    """One that can't be asked about is asked about again tomorrow, and holds up no other."""
    known = _facts(case)
    cases.is_reconciled(case=case, at=now)
    try:
        settling.settle(case=case, now=now)
    except (StripeError, UnreadablePayloadError) as error:
        if not _is_of_this_one(case, error):
            cases.is_reconciled(case=case, at=case.reconciled_at)
            raise
        logger.info("Case %s can't be compared with Stripe: %s", case.public_id, error)
        return False
    case.refresh_from_db(fields=FACTS)
    return _facts(case) != known


def _is_of_this_one(case: RecoveryCase, error: Exception) -> bool:
    """Others may be asked about all the same. A key may lack what only a payment at Checkout
    needs."""
    if isinstance(error, MissingPermissionError):
        return case.is_one_time and error.permission not in permissions.REQUIRED
    return isinstance(error, ObjectMissingError | RefusedError | UnreadablePayloadError)


def _facts(case: RecoveryCase) -> list[object]:
    return [getattr(case, name) for name in FACTS]
