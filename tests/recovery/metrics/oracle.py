"""The figures once more, slowly and by another way: case by case, day by day, in fractions."""

import statistics
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from recovery.models import RecoveryCase

Cases = Sequence[RecoveryCase]
DECIMALS = {"usd": 2, "eur": 2, "jpy": 0, "bhd": 3}
MICROSECOND = timedelta(microseconds=1)


def local_day(at: datetime | None, zone: ZoneInfo) -> date | None:
    return at.astimezone(zone).date() if at else None


def rounded(value: Fraction, places: int) -> float:
    return float(Fraction(round(value * 10**places), 10**places))  # half to even


def rate(part: int, whole: int) -> float | None:
    return rounded(Fraction(part, whole), 2) if whole else None


def amount(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "major": minor / 10 ** DECIMALS[currency]}


def kept(case: RecoveryCase) -> int:
    return max(0, case.amount_recovered - case.amount_refunded)


def went_back(case: RecoveryCase) -> int:
    return min(case.amount_recovered, case.amount_refunded)


class Oracle:
    """What is to be said of the days from `first` to `last`, for some of the cases."""

    def __init__(self, cases: Cases, *, first: date, last: date, zone: ZoneInfo) -> None:
        self.cases, self.first, self.last, self.zone = cases, first, last, zone

    def opened(self, chosen: Callable[[RecoveryCase], bool]) -> list[RecoveryCase]:
        return [one for one in self.cases if self.holds(one.opened_at) and chosen(one)]

    def closed(self, status: str) -> list[RecoveryCase]:
        return [one for one in self.cases if self.holds(one.closed_at) and one.status == status]

    def holds(self, at: datetime | None) -> bool:
        day = local_day(at, self.zone)
        return day is not None and self.first <= day <= self.last

    def answer(self, currencies: Sequence[str]) -> dict[str, Any]:
        back, lost = self.closed("recovered"), self.closed("lost")
        return {
            "failed_payments": len(self.opened(lambda case: case.status != "voided")),
            "recovered_count": len(back),
            "lost_count": len(lost),
            "voided_count": len(self.closed("voided")),
            "recovery_rate": rate(len(back), len(back) + len(lost)),
            "median_days_to_recover": self.median(back),
            "money": {currency: self.money(currency) for currency in currencies},
        }

    def median(self, back: Cases) -> float | None:
        took = [
            Fraction(max((one.closed_at - one.failed_at) // MICROSECOND, 0), 86_400_000_000)
            for one in back
            if one.closed_at
        ]
        return rounded(statistics.median(took), 1) if took else None

    def money(self, currency: str) -> dict[str, Any]:
        def of(cases: Cases, measure: Callable[[RecoveryCase], int]) -> int:
            return sum(measure(one) for one in cases if one.currency == currency)

        recovered = of(self.closed("recovered"), kept)
        lost = of(self.closed("lost"), lambda case: case.amount)
        sums = {
            "at_stake": of(
                self.opened(lambda case: case.status != "voided"), lambda case: case.amount
            ),
            "recovered": recovered,
            "refunded": of(self.closed("recovered"), went_back),
            "lost": lost,
            "voided": of(self.closed("voided"), lambda case: case.amount),
        }
        return {
            **{name: amount(minor, currency) for name, minor in sums.items()},
            "recovery_rate_by_amount": rate(recovered, recovered + lost),
        }

    def subscriptions(self) -> list[RecoveryCase]:
        return [
            one for one in self.cases if one.stripe_subscription_id and self.holds(one.failed_at)
        ]

    def stripes_money(self, currency: str) -> dict[str, Any]:
        mine = [case for case in self.subscriptions() if case.currency == currency]
        failed = sum(case.amount for case in mine)
        back = sum(case.amount_recovered for case in mine)
        open_ = sum(case.amount for case in mine if case.status == "open")
        gone = [case for case in mine if case.status != "open" and not case.amount_recovered]
        return {
            "failed_payments": amount(failed, currency),
            "recovered_payments": amount(back, currency),
            "not_recovered": amount(sum(case.amount for case in gone), currency),
            "still_open": amount(open_, currency),
            "recovery_rate": rate(back, failed),
        }


def groups(
    cases: Cases, *, by: Sequence[str], days: tuple[date, date], zone: ZoneInfo,
    currencies: Sequence[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Every group that a case makes; by day, each day for each group of the other dimensions."""
    others = [name for name in by if name != "day"]

    def facts(case: RecoveryCase) -> tuple[Any, ...]:
        return tuple(getattr(case, name) for name in others)

    whole = Oracle(cases, first=days[0], last=days[1], zone=zone)
    held = [one for one in cases if whole.holds(one.opened_at) or whole.holds(one.closed_at)]
    made = {}
    for values in {facts(one) for one in held} if others else {()}:
        own = [case for case in cases if facts(case) == values]
        for first, last in each(days) if "day" in by else [days]:
            told = dict(zip(others, values, strict=True)) | {"day": first}
            shown = [told["currency"]] if "currency" in told else currencies
            answer = Oracle(own, first=first, last=last, zone=zone).answer(shown)
            made[tuple(told[name] for name in by)] = (
                without_rates(answer) if "mechanism" in by else answer
            )
    return [
        {"group": dict(zip(by, map(shown_as, key), strict=True)), **made[key]}
        for key in sorted(made)
    ]


def without_rates(answer: dict[str, Any]) -> dict[str, Any]:
    """Only what came back has a mechanism."""
    money = {
        currency: told | {"recovery_rate_by_amount": None}
        for currency, told in answer["money"].items()
    }
    return answer | {"recovery_rate": None, "money": money}


def each(days: tuple[date, date]) -> list[tuple[date, date]]:
    """Every day from the first to the last, as a range of its own."""
    first, last = days
    found = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(day, day) for day in found]


def shown_as(value: Any) -> str | None:
    return str(value) or None
