"""What each figure means, as data: what it adds up, over which cases; and in words."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from recovery.state_machine import Status

DEFINITIONS_VERSION = 1  # one more whenever a figure comes to mean something else


class When(enum.StrEnum):
    """The time that places a case in a range."""

    OPENED = "opened_at"
    CLOSED = "closed_at"
    FAILED = "failed_at"  # of subscriptions' payments, as Stripe places them


class What(enum.StrEnum):
    """What is added up; money in minor units, of one currency only."""

    CASES = "cases"
    OWED = "owed"
    KEPT = "kept"  # recovered less refunded, of each case never below 0
    REFUNDED = "refunded"  # of what was recovered
    CAME = "came"  # whatever went back later
    UNPAID = "unpaid"  # owed on cases to which no money came
    REACHED = "reached"  # cases of which the customer got a mail,
    OPENED = "opened"  # opened the link,
    UPDATED = "updated"  # came back from Stripe's page for cards


MONEY = frozenset({What.OWED, What.KEPT, What.REFUNDED, What.CAME, What.UNPAID})


@dataclass(frozen=True, slots=True)
class Total:
    when: When
    what: What
    statuses: frozenset[Status]
    words: str

    @property
    def is_money(self) -> bool:
        return self.what in MONEY


@dataclass(frozen=True, slots=True)
class Share:
    """One total ÷ the sum of several, to two decimals, rounded half-even; null of nothing."""

    part: str
    whole: tuple[str, ...]
    words: str


OWED_FOR_REAL = frozenset(Status) - {Status.VOIDED}
RECOVERED, LOST, VOIDED = (
    frozenset({status}) for status in (Status.RECOVERED, Status.LOST, Status.VOIDED)
)

TOTALS: Mapping[str, Total] = MappingProxyType(
    {
        "failed_payments": Total(
            When.OPENED, What.CASES, OWED_FOR_REAL,
            "Cases opened in the range, voided ones left out.",
        ),
        "at_stake": Total(
            When.OPENED, What.OWED, OWED_FOR_REAL,
            "What was owed on the cases opened in the range, voided ones left out: the amount "
            "when the case opened or, while it is open, now.",
        ),
        "recovered_count": Total(
            When.CLOSED, What.CASES, RECOVERED,
            "Cases recovered in the range, but for those that were refunded whole or disputed "
            "since.",
        ),
        "recovered": Total(
            When.CLOSED, What.KEPT, RECOVERED,
            "Money of cases recovered in the range, less what was refunded since: as is known "
            "now, so a refund lowers the month in which the money came.",
        ),
        "refunded": Total(
            When.CLOSED, What.REFUNDED, RECOVERED,
            "What was refunded since of cases recovered in the range, whenever it went back. A "
            "case whose money went back whole is voided and in neither.",
        ),
        "lost_count": Total(
            When.CLOSED, What.CASES, LOST,
            "Cases given up in the range, but for those that were paid since.",
        ),
        "lost": Total(
            When.CLOSED, What.OWED, LOST,
            "What was owed on cases given up in the range, but for those that were paid since.",
        ),
        "voided_count": Total(
            When.CLOSED, What.CASES, VOIDED,
            "Cases voided in the range: never owed, part of an invoice's case, paid while the "
            "buyer was still typing, refunded whole or disputed, whoever won that.",
        ),
        "voided": Total(
            When.CLOSED, What.OWED, VOIDED,
            "What had been asked for on cases voided in the range; of a payment that was part of "
            "an invoice's case, the same as on that one.",
        ),
    }
)  # fmt: skip
SHARES: Mapping[str, Share] = MappingProxyType(
    {
        "recovery_rate": Share(
            "recovered_count", ("recovered_count", "lost_count"),
            "Recovered ÷ (recovered + lost), by count, of the cases closed in the month or "
            "range. Voided cases are in neither. Null while none closed, and by mechanism: only "
            "what came back has one.",
        ),
        "recovery_rate_by_amount": Share(
            "recovered", ("recovered", "lost"),
            "The same by amount: recovered ÷ (recovered + lost), in one currency. Null of "
            "nothing, and by mechanism.",
        ),
    }
)  # fmt: skip
OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "recovered_mtd": "Money of cases recovered since the 1st, 00:00 in the merchant's time "
        "zone, less what was refunded since, in major units of the merchant's currency.",
        "by_currency": "recovered_mtd of each currency in which money came back, in its own major "
        "units. Currencies are never added up.",
        "failed_payments_mtd": "Cases opened in the month, voided ones left out.",
        "roi_multiple": "recovered_mtd ÷ the monthly price of Recover, rounded half-even; of a "
        "range, where it begins with a month and doesn't leave it. Null without a price. Money in "
        "the merchant's currency counts whatever brought it back, Stripe's own retries and "
        "payments elsewhere too.",
        "median_days_to_recover": "The median of the days, of 24 hours, from the first failure to "
        "the money, of the cases recovered in the range, to one decimal; 0 for money that came "
        "before the failure was over. Null while there is none, and of more than 366 days.",
        "amount": "What was owed when the case opened or, while it is open, is owed now, in minor "
        "units of its currency.",
        "recovered_amount": "What came back on the case, less what was refunded and never below "
        "0, in minor units of its currency; 0 of a voided case, as one that is disputed.",
        "date": "The day of the first failure in the merchant's time zone.",
    }
)
DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        **{name: total.words for name, total in TOTALS.items()},
        **{name: share.words for name, share in SHARES.items()},
        **OTHERS,
    }
)
