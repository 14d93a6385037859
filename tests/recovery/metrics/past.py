"""Random pasts of a merchant: cases around the days on which clocks and months turn."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from recovery.timeline import PROGRESS

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "America/Havana",
    "Pacific/Kiritimati", "Australia/Lord_Howe",
)  # fmt: skip
TURNS = tuple(
    date.fromisoformat(day)
    for day in (
        "2024-02-29", "2026-02-28", "2026-03-01", "2026-03-08", "2026-03-29", "2026-03-31",
        "2026-04-24", "2026-10-25", "2026-11-01",
    )
)  # fmt: skip
NEAR = st.one_of(
    st.integers(-15, 15).map(lambda hours: hours * 3600),
    st.integers(-15, 15).map(lambda hours: hours * 3600 - 1),
    st.integers(-90_000, 90_000),
)


def moments(turn: date) -> st.SearchStrategy[datetime]:
    """About midnight of that day, somewhere."""
    midnight = datetime(turn.year, turn.month, turn.day, tzinfo=UTC)
    return NEAR.map(lambda seconds: midnight + timedelta(seconds=seconds))


REASONS = {"lost": "campaign_ended", "voided": "refunded", "recovered": "invoice_paid"}


@st.composite
def case_facts(draw: st.DrawFn, turn: date) -> dict[str, Any]:
    status = draw(st.sampled_from(["open", "recovered", "recovered", "lost", "voided"]))
    failed_at = draw(moments(turn))
    facts: dict[str, Any] = {
        "status": status, "failed_at": failed_at, "known_at": failed_at, "livemode": False,
        "opened_at": failed_at + timedelta(seconds=draw(st.integers(0, 7200))),
        "amount": draw(st.integers(1, 10_000)),
        "currency": draw(st.sampled_from(["usd", "usd", "jpy", "bhd"])),
        "decline_type": draw(st.sampled_from(["soft", "hard", "action_required"])),
        "decline_code": draw(st.sampled_from(["", "insufficient_funds", "expired_card"])),
        "stripe_subscription_id": draw(st.sampled_from(["", "sub_1"])),
        **{progress: draw(st.booleans()) for progress in PROGRESS.values()},
    }  # fmt: skip
    if status == "open":
        return facts
    facts["closed_at"] = draw(
        st.one_of(
            moments(turn), st.integers(0, 40 * 86_400).map(lambda s: failed_at + timedelta(0, s))
        )
    )
    facts["reason"] = REASONS[status]
    if status == "recovered" or (status == "voided" and draw(st.booleans())):
        facts["amount_recovered"] = draw(st.integers(1, facts["amount"]))
        facts["amount_refunded"] = draw(st.one_of(st.just(0), st.integers(0, 12_000)))
        facts["mechanism"] = draw(st.sampled_from(["stripe_retry", "card_update"]))
    return facts


@dataclass(frozen=True)
class Past:
    """Cases about one turn of the clock or the month, and the days that are asked about."""

    zone: str
    cases: list[dict[str, Any]]
    first: date
    last: date


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    turn = draw(st.sampled_from(TURNS))
    first = turn - timedelta(days=draw(st.integers(0, 2)))
    last = first + timedelta(days=draw(st.one_of(st.integers(0, 4), st.integers(0, 40))))
    cases = draw(st.lists(case_facts(turn), max_size=10))
    return Past(draw(st.sampled_from(ZONES)), cases, first, last)
