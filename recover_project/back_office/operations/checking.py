"""The one writer of checks: what must always hold is asked ahead, of one merchant after the other.

A page that asked by itself would keep its reader waiting for as long as the merchant is large.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import F, OuterRef, Q, Subquery

from recover_project.back_office.models import InvariantCheck
from recover_project.back_office.operations import invariants
from recover_project.back_office.operations.invariants import INVARIANTS, Finding
from recovery.models import Merchant

EVERY = timedelta(minutes=5)  # of each merchant
AT_ONCE = 200  # merchants of one look


def due(*, now: datetime) -> Iterator[Merchant]:
    """Those that nobody looked at for a while, longest ago first."""
    last = InvariantCheck.objects.filter(merchant=OuterRef("pk")).values("checked_at")
    known = Merchant.objects.annotate(last=Subquery(last))
    waiting = known.filter(Q(last=None) | Q(last__lte=now - EVERY))
    yield from waiting.order_by(F("last").asc(nulls_first=True), "pk")[:AT_ONCE]


def check(merchant: Merchant, *, now: datetime) -> None:
    broken = {found.says: found.broken for found in invariants.check(merchant, now=now)}
    InvariantCheck.objects.update_or_create(
        merchant=merchant,
        defaults={"checked_at": now, "broken": broken, "broken_rows": sum(broken.values())},
    )


def last(merchant: Merchant) -> tuple[datetime | None, Sequence[Finding]]:
    """When it was looked, and what was found; of what is asked only since, nothing."""
    check = InvariantCheck.objects.of(merchant).first()
    if check is None:
        return None, []
    asked = [one.says for one in INVARIANTS if one.says in check.broken]
    return check.checked_at, [Finding(says, check.broken[says]) for says in asked]
