"""Ninety days of a hundred customers in one run, held to a calendar that people can read.

RECOVER_GOLDEN=write makes the calendar anew; read the difference before you keep it.
"""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper
from pytest_django.live_server_helper import LiveServer

from dunning.models import DunningMessage, DunningRun
from dunning.planning import where_of
from recovery.models import OperatorTask, PaymentAttempt, RecoveryCase
from tests.journeys.ninety_days import BEGIN, World, calendar
from tests.local_stripe import LocalStripe

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),  # three hundred were too few for a busy machine
    pytest.mark.any_database,
    pytest.mark.no_cover,  # twice as long, for lines that others run
]
GOLDEN = Path(__file__).with_name("ninety_days.txt")


@pytest.fixture
def world(
    settings: SettingsWrapper, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    clock = [BEGIN]

    def set_clock(moment: datetime) -> None:
        clock[0] = moment

    monkeypatch.setattr(timezone, "now", lambda: clock[0])
    stripe = LocalStripe(
        frozen_at=int(BEGIN.timestamp()), signing_time=lambda: timezone.now().timestamp()
    )
    with stripe:
        settings.STRIPE_API_BASE, settings.PUBLIC_URL = stripe.url, live_server.url
        yield World(stripe, set_clock)


def test_a_hundred_customers_are_worked_as_the_calendar_says(world: World) -> None:
    world.live()

    told = calendar(world)
    if os.environ.get("RECOVER_GOLDEN") == "write":
        GOLDEN.write_text(told)
    assert told == GOLDEN.read_text()
    _nobody_was_written_to_at_night_or_after_the_close()
    _every_charge_kept_the_rules()
    assert not DunningRun.objects.filter(state="live", case__closed_at__isnull=False).exists()
    assert not DunningMessage.objects.filter(state__in=["unknown", "failed", "sending"]).exists()


def _nobody_was_written_to_at_night_or_after_the_close() -> None:
    for message in DunningMessage.objects.filter(state="sent").select_related(
        "case__merchant", "case__customer"
    ):
        case = message.case
        assert message.sent_at
        assert case.closed_at is None or message.sent_at <= case.closed_at
        local = message.sent_at.astimezone(where_of(case).zone)
        assert 9 <= local.hour < 18, (message, local)
        assert local.isoweekday() <= 5, (message, local)


def _every_charge_kept_the_rules() -> None:
    """Stripe's own and Recover's never overlap, and a card refused for good is left alone."""
    for case in RecoveryCase.objects.all():
        attempts = list(PaymentAttempt.objects.filter(case=case).order_by("attempted_at"))
        first_of_ours = next((one for one in attempts if one.trigger == "recover"), None)
        if first_of_ours:
            later = [one for one in attempts if one.attempted_at > first_of_ours.attempted_at]
            assert "stripe" not in {one.trigger for one in later}
        refused_for_good = {one.fingerprint for one in attempts if one.decline_type == "hard"}
        ours = [one for one in attempts if one.trigger == "recover"]
        assert not refused_for_good.intersection(one.fingerprint for one in ours)
    unknown = PaymentAttempt.objects.filter(decline_code="a_code_nobody_knows")
    for case_id in unknown.values_list("case", flat=True).distinct():
        assert unknown.filter(case=case_id, trigger="recover").count() <= 1
    assert OperatorTask.objects.exists()
