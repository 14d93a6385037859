"""Events become open cases as the benchmark has it, with few of them."""

from unittest import mock

import pytest
from pytest_django import Settings

from benchmarks import events, processing
from benchmarks.serving import stub
from recovery import inbox, ingest, turns
from recovery.models import PaymentAttempt, RecoveryCase
from tests.benchmarks.tables import postgresql

pytestmark = [pytest.mark.django_db, postgresql]


def test_events_are_worked_to_the_last_however_short_a_workers_turns_are(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(turns, "LONG", 0)
    monkeypatch.setattr(inbox, "BATCH", 2)
    monkeypatch.setattr(processing, "WARMING_UP", 3)

    with stub("benchmarks.stripe_stub") as port:
        settings.STRIPE_API_BASE = f"http://127.0.0.1:{port}"
        assert processing.work(5) > 0
        assert processing.work(10, events.pairs) > 0

    assert RecoveryCase.objects.count() == (3 + 5) + (1 + 5)
    assert PaymentAttempt.objects.count() == RecoveryCase.objects.count()


def test_an_event_that_cannot_be_processed_ends_the_measure(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(ingest, "process", mock.Mock(side_effect=LookupError("no way")))
    monkeypatch.setattr(processing, "WARMING_UP", 1)

    with pytest.raises(RuntimeError, match="no way"):
        processing.work(1)
