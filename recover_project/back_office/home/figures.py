"""What the first page says of a merchant's money: by the definitions that the API has too."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.template.defaultfilters import pluralize

from recover_project.back_office.cases import words
from recover_project.back_office.home.charts import Bar, bars
from recover_project.back_office.home.periods import Period
from recovery import metrics
from recovery.metrics import Counted, Figures, funnel, stripes_view
from recovery.models import Merchant

NONE = "none yet"
WHATEVER = "All that came back counts, by Stripe's own retries and elsewhere too."
CODE, MECHANISM = 1, 2  # where they are in the groups' keys
MOST_ROWS = 8  # of a breakdown; the rest is one more
STAGES = (
    ("failed", "Failed"), ("reached", "Written to"), ("opened", "Opened the link"),
    ("updated", "Came back with a card"), ("recovered", "Recovered"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the four: `change` says how it was before, in words."""

    name: str
    value: str
    change: str
    meaning: str


def four(
    merchant: Merchant, period: Period, *, now: Figures, before: Figures, owed: Mapping[str, int]
) -> list[Figure]:
    """`owed`: now, by currency."""
    currency = merchant.currency
    recovered, recovered_before = (
        figures.money("recovered", currency) for figures in (now, before)
    )
    rate, rate_before = (figures.rate("recovery_rate") for figures in (now, before))
    stake, stake_before = (figures.money("at_stake", currency) for figures in (now, before))
    return [
        Figure(
            "Recovered", words.money(recovered, currency),
            _against(words.money(recovered_before, currency), period),
            metrics.DEFINITIONS["recovered"],
        ),
        Figure(
            "Recovery rate", _percent(rate), _against(_percent(rate_before), period),
            metrics.DEFINITIONS["recovery_rate"],
        ),
        Figure(
            "At stake now", words.money(owed.get(currency, 0), currency),
            f"Opened in the period: {words.money(stake, currency)}; "
            f"{_against(words.money(stake_before, currency), period)}",
            "What is owed on the cases that are open now, whenever they failed. Those of another "
            "Stripe account or mode than is connected rest, and are left out.",
        ),
        _return(merchant, period, recovered, recovered_before),
    ]  # fmt: skip


def _return(merchant: Merchant, period: Period, recovered: int, before: int) -> Figure:
    name, meaning = "Return on cost", metrics.DEFINITIONS["roi_multiple"]
    if not merchant.monthly_price:
        return Figure(name, NONE, "What Recover costs a month isn't set.", meaning)
    if not period.now.is_within_a_month:
        return Figure(name, NONE, "A month's price says nothing of 90 days.", meaning)
    now, then = (metrics.roi_multiple(merchant, money) for money in (recovered, before))
    change = f"{_against(_multiple(then), period)}. {WHATEVER}"
    return Figure(name, _multiple(now), change, meaning)


def _multiple(times: int | None) -> str:
    return f"{times} time{pluralize(times)}"


def _against(value: str, period: Period) -> str:
    return f"{value} in {period.against}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _percent(rate: Decimal | None) -> str:
    return NONE if rate is None else f"{rate:.0%}"


def of(merchant: Merchant, period: Period) -> dict[str, Any]:
    """All that the page shows of money."""
    counted, currency = Counted(merchant), merchant.currency
    by = ("day", "decline_code", "mechanism")
    groups = metrics.totals(counted, period.now, by=by)
    now = metrics.together(groups.values())
    before = metrics.together(metrics.totals(counted, period.before).values())
    owed = metrics.owed_now(counted)
    stages = funnel.folded(funnel.stages(counted, period.now, by=("currency",)), None).get(None)
    return {
        "figures": four(merchant, period, now=now, before=before, owed=owed),
        "per_day": _per_day(period, groups, currency),
        "funnel": _funnel(stages or dict.fromkeys(funnel.STAGES, 0)),
        "by_code": _by_code(groups, currency),
        "by_mechanism": _by_mechanism(groups, currency),
        "others": _other_currencies(now, owed, currency),
        "has_others": bool({*now.totals, *before.totals, *owed} - {currency}),
        "stripes": _stripes(merchant, period),
        "has_any": any(map(now.count, ("failed_payments", "recovered_count", "lost_count"))),
    }


def _per_day(period: Period, groups: dict[Any, Figures], currency: str) -> list[Bar]:
    found: dict[Any, Figures] = {}
    for (day, *_rest), figures in groups.items():
        found.setdefault(day, Figures()).add(figures)
    days = [(day, found.get(day, Figures())) for day in period.now.days]
    return bars(
        (
            f"{day.day} {day:%b}", figures.money("recovered", currency),
            words.money(figures.money("recovered", currency), currency),
            f"{figures.count('recovered_count')} recovered, {figures.count('lost_count')} lost",
        )
        for day, figures in days
    )  # fmt: skip


def _funnel(stages: dict[str, int]) -> list[Bar]:
    failed = stages["failed"]
    return bars(
        (
            label,
            stages[name],
            str(stages[name]),
            f"{stages[name] / failed:.0%}" if failed else NONE,
        )
        for name, label in STAGES
    )


def _folded(groups: Mapping[Any, Figures], place: int) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    for key, figures in groups.items():
        found.setdefault(key[place] or "", Figures()).add(figures)
    return found


def _by_code(groups: Mapping[Any, Figures], currency: str) -> list[Bar]:
    """Of the cases that were closed: what came back, and how many of a hundred did."""
    return _largest_first(
        ((code or "no code", figures.money("recovered", currency),
         _percent(figures.rate("recovery_rate")))
        for code, figures in _folded(groups, CODE).items()
        if figures.count("recovered_count") or figures.count("lost_count")),
        currency,
    )  # fmt: skip


def _by_mechanism(groups: Mapping[Any, Figures], currency: str) -> list[Bar]:
    return _largest_first(
        ((words.CAME_BACK_BY[mechanism], figures.money("recovered", currency),
         _times(figures.count("recovered_count")))
        for mechanism, figures in _folded(groups, MECHANISM).items()
        if mechanism),
        currency,
    )  # fmt: skip


def _largest_first(rows: Iterable[tuple[str, int, str]], currency: str) -> list[Bar]:
    return bars(
        (name, money, words.money(money, currency), beside)
        for name, money, beside in _shortened(sorted(rows, key=lambda row: (-row[1], row[0])))
    )


def _shortened(
    rows: Sequence[tuple[str, int, str]],
) -> list[tuple[str, int, str]]:
    rest = rows[MOST_ROWS:]
    others = (
        [(f"{len(rest)} other{pluralize(rest)}", sum(row[1] for row in rest), "")] if rest else []
    )
    return [*rows[:MOST_ROWS], *others]


def _other_currencies(
    now: Figures, owed: Mapping[str, int], currency: str
) -> list[tuple[str, str]]:
    """What there is in them: how it is called, and how much of each."""
    others = sorted({*now.totals, *owed} - {currency})
    named = (
        ("recovered", "recovered"), ("lost", "lost"), ("at_stake", "opened in the period")
    )  # fmt: skip
    found = {told: {one: now.money(name, one) for one in others} for name, told in named}
    found["at stake now"] = {one: owed.get(one, 0) for one in others}
    return [
        (told, ", ".join(words.money(amount, one) for one, amount in money.items() if amount))
        for told, money in found.items()
        if any(money.values())
    ]


def _stripes(merchant: Merchant, period: Period) -> list[tuple[str, str, str]]:
    """Stripe's own figures of the same payments: what they're called, how much, what they mean."""
    counted = Counted(merchant, merchant.currency)
    view = stripes_view.by_currency(counted, period.now).get(merchant.currency)
    if view is None:
        return []
    told: list[tuple[str, str, str]] = []
    for name in ("failed_payments", "recovered_payments", "not_recovered", "still_open"):
        amount = words.money(getattr(view, name), merchant.currency)
        told.append((name.replace("_", " "), amount, metrics.STRIPES_DEFINITIONS[name]))
    rate = metrics.STRIPES_DEFINITIONS["recovery_rate"]
    return [*told, ("recovery rate", _percent(view.recovery_rate), rate)]
