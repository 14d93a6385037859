"""The figures, and what each means."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType

from django.db.models import BigIntegerField, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Greatest

from recovery.models import Merchant, RecoveryCase
from recovery.money import as_number, decimals, major
from recovery.state_machine import Status

DEFINITIONS_VERSION = 1  # one more whenever a figure comes to mean something else
DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "recovered_mtd": "Money of cases recovered since the 1st, 00:00 in the merchant's time "
        "zone, less what was refunded, in major units of the merchant's currency.",
        "by_currency": "recovered_mtd of each currency in which money came back, in its own major "
        "units. Currencies are never added up.",
        "recovery_rate": "Recovered ÷ (recovered + lost), by count, of the cases closed in the "
        "month. Voided cases are in neither. Null while none closed.",
        "failed_payments_mtd": "Cases opened in the month, voided ones left out.",
        "roi_multiple": "recovered_mtd ÷ the monthly price of Recover, rounded half-even. Null "
        "without a price.",
        "amount": "What was owed when the case opened or, while it is open, is owed now, in minor "
        "units of its currency.",
        "recovered_amount": "What came back on the case, less what was refunded and never below "
        "0, in minor units of its currency.",
        "date": "The day of the first failure in the merchant's time zone.",
    }
)


# What stayed of the money that came back: a refund may be heard of before the payment.
KEPT = Greatest(F("amount_recovered") - F("amount_refunded"), 0, output_field=BigIntegerField())


def kept(case: RecoveryCase) -> int:
    """KEPT of a case that is at hand, in minor units."""
    return max(case.amount_recovered - case.amount_refunded, 0)


@dataclass(frozen=True, slots=True)
class MonthToDate:
    """`recovered` is minor units by currency; `rate` is None while no case has closed."""

    recovered: Mapping[str, int]
    rate: Decimal | None
    failed_payments: int


def counted_cases(merchant: Merchant) -> QuerySet[RecoveryCase]:
    """The merchant's cases, without the test-mode ones of a live merchant."""
    found = RecoveryCase.objects.of(merchant)
    return found.filter(livemode=True) if merchant.stripe.livemode else found


def start_of_month(merchant: Merchant, now: datetime) -> datetime:
    return now.astimezone(merchant.zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_to_date(merchant: Merchant, *, now: datetime) -> MonthToDate:
    """This month's figures, in two queries however many cases there are."""
    since = start_of_month(merchant, now)
    all_cases = counted_cases(merchant)
    closed = all_cases.filter(closed_at__gte=since)
    recovered: dict[str, int] = {}
    recovered_count = lost_count = 0
    by_status = closed.values("status", "currency").annotate(count=Count("id"), kept=Sum(KEPT))
    for row in by_status.filter(status__in=[Status.RECOVERED, Status.LOST]):
        if row["status"] == Status.RECOVERED:
            recovered[row["currency"]] = row["kept"]
            recovered_count += row["count"]
        else:
            lost_count += row["count"]
    return MonthToDate(
        recovered=recovered,
        rate=_rate(recovered_count, recovered_count + lost_count),
        failed_payments=all_cases.filter(
            Q(opened_at__gte=since) & ~Q(status=Status.VOIDED)
        ).count(),
    )


def _rate(part: int, whole: int) -> Decimal | None:
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def recovered_in_major_units(recovered: Mapping[str, int], currency: str) -> int | float:
    return as_number(major(recovered.get(currency, 0), currency), decimals(currency))


def roi_multiple(merchant: Merchant, recovered: Mapping[str, int]) -> int | None:
    """How many times its price Recover brought back this month."""
    if not merchant.monthly_price:
        return None
    ratio = Decimal(recovered.get(merchant.currency, 0)) / merchant.monthly_price
    return int(ratio.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
