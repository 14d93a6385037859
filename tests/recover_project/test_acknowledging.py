"""Events are acknowledged ahead of Django where nothing is to be asked, else by its view."""

from typing import Any

import pytest
from django.db import OperationalError

from recovery import inbox
from recovery.models import Merchant, StripeEvent
from tests.recover_project.front_door import Web, an_event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def test_an_event_is_stored_and_acknowledged_as_django_would(web: Web, merchant: Merchant) -> None:
    ahead = web.post(an_event(), merchant)

    assert web.asked_django == 1
    assert StripeEvent.objects.of(merchant).count() == 2
    status, headers, body = Web().post(an_event(), merchant)
    assert headers.pop("X-Request-Id").startswith("req_")  # Django's own: each has another
    assert ahead == (status, headers, body)
    assert ahead[0] == "200 OK"
    assert ahead[2] == {"received": True}
    assert {"Content-Length", "Content-Security-Policy", "X-Content-Type-Options"} <= set(ahead[1])


def test_an_event_that_comes_again_is_stored_once(web: Web, merchant: Merchant) -> None:
    told = an_event()

    for _time in range(2):
        assert web.post(told, merchant)[0] == "200 OK"

    assert StripeEvent.objects.of(merchant).count() == 2


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"secret": "whsec_of_somebody_else"}, "400 Bad Request", "invalid_signature"),
        ({"HTTP_STRIPE_SIGNATURE": "t=1"}, "400 Bad Request", "invalid_signature"),
        ({"QUERY_STRING": "m=mer_of_nobody"}, "400 Bad Request", "invalid_signature"),
        ({"QUERY_STRING": "m=a%00b"}, "400 Bad Request", "invalid_signature"),
        ({"CONTENT_LENGTH": "3"}, "400 Bad Request", "invalid_signature"),
        ({"CONTENT_LENGTH": "many"}, "400 Bad Request", "invalid_length"),
        ({"CONTENT_LENGTH": str(2**20 + 1)}, "413 Request Entity Too Large", "too_large"),
        ({"CONTENT_LENGTH": "0" * 30 + str(2**30)}, "400 Bad Request", "invalid_length"),
        ({"CONTENT_LENGTH": "0" * 5_000 + "7"}, "400 Bad Request", "invalid_length"),
        ({"REQUEST_METHOD": "PUT"}, "405 Method Not Allowed", "method_not_allowed"),
    ],
)
def test_what_is_wrong_is_said_by_django(
    web: Web, merchant: Merchant, changes: dict[str, Any], status: str, code: str
) -> None:
    answer = web.post(an_event(), merchant, **changes)

    assert (answer[0], answer[2]["error"]["code"]) == (status, code)
    assert web.asked_django == 2
    assert StripeEvent.objects.count() == 1


def test_what_is_signed_and_no_event_is_refused(web: Web, merchant: Merchant) -> None:
    answer = web.post({"id": 1}, merchant)

    assert (answer[0], answer[2]["error"]["code"]) == ("400 Bad Request", "not_an_event")


def test_an_endpoint_without_a_merchants_name_is_djangos(web: Web, merchant: Merchant) -> None:
    assert web.post(an_event(), merchant, QUERY_STRING="")[0] == "200 OK"
    assert web.asked_django == 2
    assert StripeEvent.objects.of(merchant).count() == 2


def test_what_could_not_be_stored_is_tried_once_more(
    web: Web, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that the database has closed meanwhile is found out by its next statement."""
    faults = [OperationalError("server closed the connection unexpectedly")]
    store = inbox.store

    def fail_once(**facts: Any) -> None:
        if faults:
            raise faults.pop()
        store(**facts)

    monkeypatch.setattr(inbox, "store", fail_once)

    assert web.post(an_event(), merchant)[0] == "200 OK"
    assert web.asked_django == 2
    assert StripeEvent.objects.of(merchant).count() == 2


def test_what_nobody_foresaw_is_answered_by_django(
    web: Web, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "is_for", lambda *_: 1 / 0)

    answer = web.post(an_event(), merchant)

    assert answer[0] == "500 Internal Server Error"
    assert answer[2]["error"]["code"] == "internal_error"


def test_an_error_of_djangos_is_nobodys_acknowledgement(merchant: Merchant) -> None:
    web = Web()
    web.post(an_event(), merchant, secret="whsec_of_somebody_else")

    assert web.post(an_event(), merchant)[0] == "200 OK"
    assert web.asked_django == 2
