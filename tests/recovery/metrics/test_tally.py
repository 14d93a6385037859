"""The tally tells what the cases tell, at any moment and whatever became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recovery import metrics
from recovery.metrics import Counted, Range, funnel, stripes_view, tallying
from recovery.models import Merchant, RecoveryCase, Tally
from tests.builders import make_merchant
from tests.recovery.api.asking import NOON
from tests.recovery.metrics.past import ZONES, Past, pasts
from tests.threads import at_once, in_thread

pytestmark = [
    pytest.mark.no_cover,  # long, of lines that others run
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL tallies alone."),
]
MONTH = Range(date(2026, 11, 1), date(2026, 11, 30), ZoneInfo("UTC"))
IN_TURN = pytest.mark.django_db(transaction=True)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def told(counted: Counted, range_: Range) -> dict[str, Any]:
    """Every figure there is, by all that it may be grouped by."""
    dimensions = metrics.DIMENSIONS
    return {
        **{
            f"totals {by}": {
                key: {currency: dict(sums) for currency, sums in figures.totals.items()}
                for key, figures in metrics.totals(counted, range_, by=by).items()
            }
            for by in ((), *((one,) for one in dimensions), dimensions)
        },
        "funnel": funnel.stages(counted, range_, by=("decline_type", "currency")),
        "stripe": stripes_view.by_currency(counted, range_),
        "owed": metrics.owed_now(counted),
    }


def both(merchant: Merchant, range_: Range = MONTH) -> tuple[dict[str, Any], dict[str, Any]]:
    """By the tally, and by the cases."""
    merchant.refresh_from_db()
    tallied = Counted(merchant)
    assert tallied.is_tallied
    by_tally = told(tallied, range_)
    merchant.tallied_in = "nowhere"
    return by_tally, told(Counted(merchant), range_)


def case(merchant: Merchant, name: str = "in_1", **facts: Any) -> RecoveryCase:
    return RecoveryCase.objects.create(
        merchant=merchant, stripe_invoice_id=name, livemode=False, currency="usd",
        decline_type="soft", failed_at=NOON, opened_at=NOON, known_at=NOON,
        **{"amount": 4900, **facts},
    )  # fmt: skip


# --- exact ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """Of one of the cases there are then, if there are any."""

    kind: str
    which: int
    to: dict[str, Any]


@st.composite
def lives(draw: st.DrawFn) -> tuple[Past, list[Change]]:
    """A past, and what becomes of it: cases that come, change, go; the tally put together now and
    then, and all of it counted anew when the merchant moves."""
    past = draw(pasts())
    kinds = st.sampled_from(["comes", "changes", "changes", "goes", "together", "moves"])
    change = st.builds(
        Change, kinds, st.integers(0, 9), st.sampled_from(past.cases or [{"currency": "usd"}])
    )
    return past, draw(st.lists(change, max_size=8))


def apply(merchant: Merchant, change: Change, number: int) -> None:
    rows = list(RecoveryCase.objects.of(merchant).order_by("pk"))
    chosen = rows[change.which % len(rows)] if rows else None
    if change.kind == "together":
        tallying.put_together(merchant)
    elif change.kind == "moves":
        Merchant.objects.update(time_zone=ZONES[change.which % len(ZONES)])
        tallying.keep()
    elif change.kind == "comes" and len(change.to) > 1:
        RecoveryCase.objects.create(
            merchant=merchant, stripe_invoice_id=f"in_new_{number}", **change.to
        )
    elif chosen and change.kind == "goes":
        chosen.delete()
    elif chosen and change.kind == "changes":
        plain = {"closed_at": None, "reason": "", "amount_recovered": 0, "mechanism": ""}
        for name, value in (plain | change.to).items():
            setattr(chosen, name, value)
        if len(change.to) > 1:
            chosen.save()


@settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(life=lives())
def test_whatever_becomes_of_cases_the_tally_tells_what_they_tell(
    merchant: Merchant, life: tuple[Past, list[Change]]
) -> None:
    past, changes = life
    Merchant.objects.update(time_zone=past.zone)
    RecoveryCase.objects.of(merchant).delete()
    RecoveryCase.objects.bulk_create(
        RecoveryCase(merchant=merchant, stripe_invoice_id=f"in_{number}", **facts)
        for number, facts in enumerate(past.cases)
    )
    tallying.keep()

    for number, change in enumerate(changes):
        apply(merchant, change, number)

    merchant.refresh_from_db()
    by_tally, by_cases = both(merchant, Range(past.first, past.last, merchant.zone))
    assert by_tally == by_cases
    tallying.keep()
    assert both(merchant, Range(past.first, past.last, merchant.zone)) == (by_cases, by_cases)


def test_a_change_shows_at_once(merchant: Merchant) -> None:
    tallying.keep()

    case(merchant)

    by_tally, by_cases = both(merchant)
    assert by_tally == by_cases
    assert by_tally["owed"] == {"usd": 4900}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati"])
def test_what_rests_at_another_account_is_not_owed_now_to_the_moment(zone: str) -> None:
    merchant = make_merchant(time_zone=zone)
    merchant.stripe.account_since = NOON
    merchant.stripe.save()
    for number, hours in enumerate([-30, -1, 0, 1, 30]):
        made = case(merchant, f"in_{number}", amount=10**number)
        RecoveryCase.objects.filter(pk=made.pk).update(opened_at=NOON + timedelta(hours=hours))
    tallying.keep()

    by_tally, by_cases = both(merchant)

    assert by_tally["owed"] == by_cases["owed"] == {"usd": 11100}


CLOSED: dict[str, Any] = {
    "status": "recovered", "reason": "invoice_paid", "closed_at": NOON, "amount_recovered": 4900,
    "mechanism": "card_update", "stripe_subscription_id": "sub_1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "livemode": True, "opened_at": NOON - timedelta(days=1), "amount": 9900,
        "closed_at": NOON + timedelta(days=1), "failed_at": NOON - timedelta(days=40),
        "stripe_subscription_id": "", "status": "voided", "decline_type": "hard",
        "decline_code": "lost_card", "mechanism": "checkout", "currency": "eur",
        "amount_recovered": 2900, "amount_refunded": 900, "is_reached": True,
        "has_opened": True, "has_updated": True,
    }.items(),
)  # fmt: skip
def test_each_fact_that_a_figure_shows_is_tallied_by_itself(
    merchant: Merchant, name: str, value: Any
) -> None:
    made = case(merchant, **CLOSED)
    tallying.keep()
    before, _by_cases = both(merchant)

    RecoveryCase.objects.filter(pk=made.pk).update(**{name: value})

    by_tally, by_cases = both(merchant)
    assert by_tally == by_cases
    assert Tally.objects.filter(is_of_day=False).exists()
    assert (by_tally == before) is (name == "livemode")  # which is a merchant's, for figures


def test_a_change_that_is_taken_back_leaves_nothing(merchant: Merchant) -> None:
    tallying.keep()
    with transaction.atomic():
        case(merchant)
        transaction.set_rollback(True)

    assert not Tally.objects.exists()


def test_what_no_figure_shows_is_not_tallied(merchant: Merchant) -> None:
    made = case(merchant)
    tallying.keep()

    made.description, made.is_paused = "Another word", True
    made.save()

    assert not Tally.objects.filter(is_of_day=False).exists()


@pytest.mark.parametrize("since", [date(2026, 10, 1), date(2026, 11, 3)])
def test_what_got_past_the_database_s_rules_is_found_and_counted_right_again(
    merchant: Merchant, since: date
) -> None:
    for number in range(3):
        case(merchant, f"in_{number}", **CLOSED)
    tallying.keep()
    merchant.refresh_from_db()
    RecoveryCase.objects.update(amount=9900)
    assert tallying.miscounted(merchant, since=since) == 0

    Tally.objects.filter(is_of_day=False, owed__gt=0).delete()

    assert tallying.miscounted(merchant, since=since) == 3  # opened, closed, failed
    tallying.count(merchant)
    assert tallying.miscounted(merchant, since=since) == 0


# --- small ------------------------------------------------------------------------------------


def test_put_together_it_has_a_row_for_each_day_and_kind(merchant: Merchant) -> None:
    for day in range(3):
        for number in range(40):
            made = case(merchant, f"in_{day}_{number}")
            RecoveryCase.objects.filter(pk=made.pk).update(opened_at=NOON - timedelta(days=day))
    tallying.keep()

    assert [row.cases for row in Tally.objects.order_by("at")] == [40, 40, 40]


def test_what_cancels_out_is_gone(merchant: Merchant) -> None:
    tallying.keep()
    case(merchant).delete()
    assert Tally.objects.count() == 2

    tallying.keep()

    assert not Tally.objects.exists()


# --- the merchant's days ----------------------------------------------------------------------


def test_the_days_of_another_time_zone_are_read_from_the_cases_until_they_are_counted(
    merchant: Merchant,
) -> None:
    case(merchant)
    tallying.keep()
    Merchant.objects.update(time_zone="Pacific/Kiritimati")
    merchant.refresh_from_db()

    assert not Counted(merchant).is_tallied
    [before] = metrics.totals(Counted(merchant), MONTH, by=("day",))
    tallying.keep()
    merchant.refresh_from_db()
    assert Counted(merchant).is_tallied
    assert list(metrics.totals(Counted(merchant), MONTH, by=("day",))) == [before]


# --- at the same time -------------------------------------------------------------------------


def between(merchant: Merchant, work: Callable[[], object]) -> None:
    """`work` is done by another process while a change of a case isn't committed yet."""
    with transaction.atomic():
        RecoveryCase.objects.of(merchant).update(amount=9900)
        case(merchant, "in_2")
        in_thread(work).join()


@IN_TURN
@pytest.mark.parametrize("work", [tallying.count, tallying.put_together])
def test_a_change_that_is_under_way_is_neither_lost_nor_told_twice(
    merchant: Merchant, work: Callable[[Merchant], None]
) -> None:
    case(merchant)
    tallying.count(merchant)
    RecoveryCase.objects.update(amount=5900)

    between(merchant, lambda: work(merchant))

    for _again in range(2):
        by_tally, by_cases = both(merchant)
        assert by_tally == by_cases
        assert by_tally["owed"] == {"usd": 9900 + 4900}
        tallying.keep()


@IN_TURN
def test_nobody_counts_what_another_worker_is_putting_together(merchant: Merchant) -> None:
    case(merchant)
    tallying.count(merchant)
    case(merchant, "in_2")

    with transaction.atomic():
        tallying.put_together(merchant)
        other = in_thread(lambda: tallying.count(merchant))
        other.join(5)  # seconds: it doesn't wait
        assert not other.is_alive()

    by_tally, by_cases = both(merchant)
    assert by_tally == by_cases
    assert by_tally["owed"] == {"usd": 2 * 4900}


@IN_TURN
def test_two_workers_put_together_once(merchant: Merchant) -> None:
    tallying.count(merchant)
    for number in range(20):
        case(merchant, f"in_{number}")

    at_once(*[lambda: tallying.put_together(merchant)] * 3, lambda: tallying.count(merchant))

    by_tally, by_cases = both(merchant)
    assert by_tally == by_cases
    assert by_tally["owed"] == {"usd": 20 * 4900}
