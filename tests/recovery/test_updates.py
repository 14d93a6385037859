"""Several rows are changed by one statement, as saving each would."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import DataError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recovery import updates
from recovery.models import RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import fail

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_each_row_holds_what_was_set_on_it_and_others_nothing_of_it() -> None:
    make_merchant()
    changed, other = [fail(), fail()], fail()
    now = timezone.now()
    for number, case in enumerate(changed):
        case.amount, case.description = 100 + number, f"Box {number} 💌 %s"
        case.settles_at = now + timedelta(days=number) if number else None
        case.decline_code = "not written"

    with CaptureQueriesContext(connection) as asked:
        updates.write(changed, ["amount", "description", "settles_at"])

    assert len(asked) == 1
    for case in changed:
        stored = RecoveryCase.objects.get(pk=case.pk)
        assert (stored.amount, stored.description) == (case.amount, case.description)
        assert stored.settles_at == case.settles_at
        assert stored.decline_code != "not written"
    stored = RecoveryCase.objects.get(pk=other.pk)
    assert (stored.amount, stored.description) == (other.amount, other.description)


def test_no_rows_ask_for_nothing() -> None:
    with CaptureQueriesContext(connection) as asked:
        updates.write([], ["amount"])
    assert not asked.captured_queries


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite refuses no length.")
def test_what_is_too_long_is_refused_and_not_cut_off() -> None:
    make_merchant()
    cases = [fail(), fail()]
    for case in cases:
        case.currency = "dollars"
    with pytest.raises(DataError):
        updates.write(cases, ["currency"])
