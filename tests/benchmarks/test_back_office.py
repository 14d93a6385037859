"""The back office of two merchants, as the benchmark asks for it, with few rows."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from benchmarks import back_office, office_pages
from benchmarks.back_office import Asked, told
from recovery.models import RecoveryCase
from tests.back_office.people import log_in, make_world
from tests.benchmarks.tables import postgresql


@pytest.fixture(autouse=True)
def _cursors_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)


def test_a_page_that_many_cases_make_slow_is_missed_and_one_that_is_quick_is_not() -> None:
    pages = [
        Asked("slow", 5, 21, 10), Asked("quick", 5, 20, 10), Asked("noise", 5, 9, 1),
        Asked("curious", 20, 1, 1),
    ]  # fmt: skip

    measured = told(pages)

    assert [one.what for one in measured if one.is_missed] == [
        "slow (5 queries)", "the most queries of a page: curious",
    ]  # fmt: skip


def test_the_first_page_may_take_a_tenth_of_a_second_whatever_it_takes_with_few() -> None:
    [_, first, _] = told([Asked("index", 19, 101, 90)])
    assert (first.what, first.is_missed) == ("the first page", True)

    assert not any(one.is_missed for one in told([Asked("index", 19, 100, 90)]))


def test_a_page_with_as_many_queries_as_it_may_have_is_fine() -> None:
    assert not any(one.is_missed for one in told([Asked("curious", 19, 1, 1)]))


@postgresql
@pytest.mark.django_db
@pytest.mark.timeout(900)
@pytest.mark.no_cover  # long, of lines that others run
def test_every_page_is_asked_for_by_both_merchants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office_pages, "SEARCHED", ("noah", "case_{0}1"))
    monkeypatch.setattr(office_pages, "COMPLETED", ("noah",))
    monkeypatch.setattr(office_pages, "_queries", lambda *_: iter([{"p": 1}]))

    pages = {one.page: one for one in back_office.asked(few=10, many=60, rounds=1)}

    assert {
        "index", "health", "changes", "campaign dry run", "recovery recoverycase change",
        "recovery/recoverycase/?p=1", "recovery/recoverycase/?q=noah",
        "recovery/customer/?q=noah", "a case's long story, its end", "API: dashboard",
        "API: metrics", "API: events, first page", "API: events, last page",
    } <= set(pages)  # fmt: skip
    assert not any(one.is_missed for one in told([*pages.values()])[-1:])


def test_a_list_is_asked_for_by_its_filters_alone_and_together_in_its_orders_and_to_its_end(
    db: None,
) -> None:
    ours = make_world("fern")
    listed = log_in(ours).get("/admin/recovery/recoverycase/").context["cl"]

    asked = list(office_pages._queries(listed, RecoveryCase))

    assert {"view": "going"} in asked
    assert {"view": "paused", "status__exact": "lost"} in asked
    assert {"o": "-2"} in asked
    assert {"currency": "usd", "o": "5"} in asked
    listed.paginator.num_pages = 3
    assert {"p": 3} in list(office_pages._queries(listed, RecoveryCase))


@postgresql
@pytest.mark.django_db
def test_an_address_that_nobody_can_fill_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def view(_request: HttpRequest, **_: str) -> HttpResponse:
        return HttpResponse()

    def patterns() -> Iterator[URLPattern]:
        yield path("odd/<slug:unheard_of>/", view, name="odd")

    monkeypatch.setattr(office_pages, "_patterns", patterns)

    with pytest.raises(LookupError, match="what unheard_of is in the address of odd"):
        list(back_office.asked(few=10, many=10, rounds=1))
