"""The figures of any past, zone and range are what a slow count of each case finds."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.recovery.api.asking import get
from tests.recovery.metrics.oracle import Oracle, groups
from tests.recovery.metrics.past import Past, pasts

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
# One merchant lives through all examples; each begins with no cases.
MANY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
GROUPINGS = st.lists(
    st.sampled_from(["day", "decline_type", "decline_code", "mechanism", "currency"]), unique=True,
    max_size=3,
)  # fmt: skip


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def live(merchant: Merchant, past: Past) -> list[RecoveryCase]:
    Merchant.objects.update(time_zone=past.zone)
    RecoveryCase.objects.of(merchant).delete()
    return RecoveryCase.objects.bulk_create(
        RecoveryCase(merchant=merchant, stripe_invoice_id=f"in_{number}", **facts)
        for number, facts in enumerate(past.cases)
    )


@MANY
@given(past=pasts(), by=GROUPINGS, currency=st.sampled_from([None, None, "jpy"]))
def test_figures_are_what_a_slow_count_finds(
    merchant: Merchant, *, past: Past, by: list[str], currency: str | None
) -> None:
    cases = [one for one in live(merchant, past) if currency in {None, one.currency}]
    asked = {"from": past.first, "to": past.last, "group_by": ",".join(by)}

    answer = get(merchant, "metrics", **asked | ({"currency": currency} if currency else {}))

    assert answer.status_code == 200, answer.content
    told = answer.json()
    zone = ZoneInfo(past.zone)
    oracle = Oracle(cases, first=past.first, last=past.last, zone=zone)
    held = [one for one in cases if oracle.holds(one.opened_at) or oracle.holds(one.closed_at)]
    currencies = [currency] if currency else sorted({"usd", *(one.currency for one in held)})
    assert told["total"] == oracle.answer(currencies)
    every = groups(cases, by=by, days=(past.first, past.last), zone=zone, currencies=currencies)
    assert told["groups"] == (every if by else [])
    money = told["stripe"]["money"]
    assert money == {one: oracle.stripes_money(one) for one in money}
    assert {one.currency for one in oracle.subscriptions()} <= set(money)
