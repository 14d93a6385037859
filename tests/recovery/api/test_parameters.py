"""Parameters of a query: what can't be meant is refused, and says how it is written."""

import pytest
from django.test import Client

from tests.builders import make_merchant
from tests.recovery.api.programs import BASE, Program

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("asked", "repeated"),
    [
        ("events?status=open&status=lost", "status"),
        ("events?limit=1&limit=1", "limit"),
        ("metrics?group_by=day&group_by=currency", "group_by"),
        ("webhooks?limit=1&limit=2", "limit"),
    ],
)
def test_a_parameter_given_twice_is_refused(asked: str, repeated: str) -> None:
    program = Program(make_merchant())

    answer = program.get(asked)

    assert (answer.status, answer.error) == (400, "invalid_request")
    assert answer.fields == {repeated: ["Give this parameter once."]}


def test_the_refusal_of_an_offset_whose_plus_became_a_space_says_how_a_plus_is_written() -> None:
    program = Program(make_merchant())

    bare = program.get("events?opened_after=2026-01-31T09:00:00+02:00")
    escaped = program.get("events?opened_after=2026-01-31T09:00:00%2B02:00")

    assert bare.status == 400
    assert "%2B" in bare.fields["opened_after"][0]
    assert escaped.status == 200


def test_the_page_of_the_api_says_that_it_is_only_read() -> None:
    response = Client(enforce_csrf_checks=True).post(f"{BASE}docs")

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
