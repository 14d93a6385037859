"""What is measured with ten times the data, done with few rows."""

import pytest

from benchmarks import growth
from recovery import inbox
from recovery.models import StripeEvent
from tests.benchmarks.tables import postgresql

pytestmark = [pytest.mark.django_db, postgresql]


def test_what_is_stored_to_be_measured_is_left_to_nobody() -> None:
    assert growth.store(5) > 0

    assert not StripeEvent.objects.exists()


def test_an_event_that_is_not_stored_is_no_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "store", lambda **_: None)

    with pytest.raises(RuntimeError, match="are rows"):
        growth.store(5)


def test_payloads_that_are_old_enough_are_forgotten_and_no_others() -> None:
    growth.fill(100)
    kept = StripeEvent.objects.exclude(payload="").count()

    assert growth.forget(150) > 0

    assert kept - StripeEvent.objects.exclude(payload="").count() >= 150
    with pytest.raises(RuntimeError, match="were old enough"):
        growth.forget(kept)
