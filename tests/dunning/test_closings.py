"""Runs of closed cases are found by what closed, and not among all that are live."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dunning import closings, runs
from dunning.models import Closing, DunningRun
from recovery import cases
from recovery.models import RecoveryCase
from recovery.state_machine import Trigger
from tests.builders import make_merchant
from tests.dunning.facts import close, fail

pytestmark = pytest.mark.django_db
of_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="On SQLite runs and cases are compared."
)


@pytest.fixture
def case() -> RecoveryCase:
    make_merchant()
    return fail()


def is_live(case: RecoveryCase) -> bool:
    return DunningRun.objects.filter(case=case, state="live").exists()


@of_postgresql
def test_where_nothing_closed_no_run_is_looked_at(case: RecoveryCase) -> None:
    runs.start(case, now=timezone.now())

    with CaptureQueriesContext(connection) as asked:
        runs.stop_for_closed_cases(now=timezone.now())

    [question] = asked.captured_queries
    assert "dunning_closing" in question["sql"]
    assert "dunning_dunningrun" not in question["sql"]


@of_postgresql
def test_a_close_is_noted_however_it_is_written_and_struck_once_it_was_looked_at(
    case: RecoveryCase,
) -> None:
    other, now = fail(), timezone.now()
    runs.start(case, now=now)
    close(case, now=now)
    RecoveryCase.objects.filter(pk=other.pk).update(
        status="lost", reason=Trigger.CAMPAIGN_ENDED, closed_at=now
    )
    assert sorted(closings.case_ids()) == [case.pk, other.pk]

    runs.stop_for_closed_cases(now=now)

    assert not is_live(case)
    assert not Closing.objects.exists()


@of_postgresql
def test_what_changes_without_a_close_is_not_noted(case: RecoveryCase) -> None:
    now = timezone.now()
    cases.pause(case=case, until=now + timedelta(days=1), actor="operator", now=now)
    assert not Closing.objects.exists()

    close(case, now=now, trigger=Trigger.SUBSCRIPTION_CANCELED)
    close(case, now=now)  # paid after all
    assert [closing.case_id for closing in Closing.objects.all()] == [case.pk]


def test_one_that_cannot_be_stopped_holds_up_no_other_and_comes_again(
    case: RecoveryCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, now = fail(), timezone.now()
    for each in (case, other):
        runs.start(each, now=now)
        close(each, now=now)
    stop = runs.end

    def fails(run: DunningRun, **how: object) -> None:
        if run.case_id == case.pk:
            raise RuntimeError
        stop(run, **how)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(runs, "end", fails)
        runs.stop_for_closed_cases(now=now)
    assert (is_live(case), is_live(other)) == (True, False)

    runs.stop_for_closed_cases(now=now)
    assert not is_live(case)


def test_a_case_that_closed_since_it_was_read_gets_no_run(case: RecoveryCase) -> None:
    now = timezone.now()
    close(RecoveryCase.objects.get(pk=case.pk), now=now)
    runs.stop_for_closed_cases(now=now)

    assert runs.start(case, now=now) is None
    assert not DunningRun.objects.exists()
    assert not case.timeline.filter(kind="dunning_started").exists()
