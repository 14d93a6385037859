"""GET dashboard, as the contract's section 3 has it."""

import pytest
from django.test import Client
from django.utils import timezone

from tests.builders import DASHBOARD, DOCUMENTED_EXAMPLE, dashboard, make_merchant, receive

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("headers", [{}, {"X-Internal-Key": "rik_wrong"}])
def test_without_a_good_key_it_is_a_401_that_says_how_to_authenticate(
    headers: dict[str, str],
) -> None:
    response = Client().get(DASHBOARD, headers=headers)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("X-Internal-Key")
    assert set(response.json()["error"]) == {"code", "message", "fields"}


def test_a_merchant_sees_only_its_own_cases() -> None:
    ours = make_merchant()
    theirs = make_merchant("Other")
    receive(DOCUMENTED_EXAMPLE, merchant=ours)

    assert len(dashboard(ours)["events"]) == 1
    assert dashboard(theirs)["events"] == []
    assert dashboard(theirs)["failed_payments_mtd"] == 0


def test_before_anything_closed_there_is_no_rate() -> None:
    figures = dashboard(make_merchant(monthly_price=None))
    assert (figures["recovered_mtd"], figures["recovery_rate"]) == (0, None)
    assert figures["roi_multiple"] is None


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_limit_out_of_range_is_a_400_that_names_the_field(limit: str) -> None:
    from recovery import credentials

    key = credentials.new_internal_key(merchant=make_merchant())
    response = Client().get(DASHBOARD, {"limit": limit}, headers={"X-Internal-Key": key})
    assert response.status_code == 400
    assert "limit" in response.json()["error"]["fields"]


@pytest.mark.parametrize("created", [253_402_300_700, -62_135_596_800, 0])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_an_event_from_the_end_of_the_calendar_happened_when_it_was_heard(
    created: int, zone: str
) -> None:
    merchant = make_merchant(time_zone=zone)
    receive(DOCUMENTED_EXAMPLE | {"created": created})

    (shown,) = dashboard(merchant)["events"]
    assert shown["date"] == timezone.now().astimezone(merchant.zone).date().isoformat()
