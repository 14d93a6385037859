"""Idempotency-Key: a POST runs once, and is answered the same when it is asked again."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from recovery import credentials, idempotency
from recovery.api.authentication import BearerAuthentication, InternalKeyAuthentication
from recovery.api.parameters import Parameters
from recovery.api.views import ClientView
from recovery.idempotency import KeyInUseError
from recovery.models import IdempotentRequest, Merchant
from recovery.tasks import forget_requests
from tests.builders import make_merchant
from tests.recovery.stories import at_once

pytestmark = pytest.mark.django_db
KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


class Unavailable(APIException):
    status_code = 503


class Order(Parameters):
    size = serializers.IntegerField(min_value=1)


class Orders(ClientView):
    """Counts what ran; a size above 9 goes wrong in the way that `trouble` says."""

    authentication_classes = [BearerAuthentication, InternalKeyAuthentication]
    ran = 0
    trouble: Callable[[], Exception] = NotFound

    def post(self, request: Request, **_: Any) -> Response:
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        Orders.ran += 1
        if order.validated_data["size"] > 9:
            raise Orders.trouble()
        made = {"number": Orders.ran, "at": timezone.now(), "secret": "whsec_only_once"}
        return Response(made, status=201)


@pytest.fixture(autouse=True)
def _nothing_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Orders, "ran", 0)
    monkeypatch.setattr(Orders, "trouble", NotFound)


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


def bearer(merchant: Merchant) -> dict[str, str]:
    key = credentials.new_api_key(merchant=merchant, name="shop", now=timezone.now())
    return {"Authorization": f"Bearer {key}"}


def order(
    shown: dict[str, str], body: Any = None, *, key: str | None = KEY, path: str = "/orders"
) -> Response:
    headers = shown | ({} if key is None else {"Idempotency-Key": key})
    content = {"size": 1} if body is None else body
    request = APIRequestFactory().post(path, content, format="json", headers=headers)
    response: Response = Orders.as_view()(request)
    response.render()
    return response


def error(response: Response) -> tuple[int, str]:
    return response.status_code, response.data["error"]["code"]


def test_a_request_that_is_sent_again_runs_once_and_is_answered_the_same(
    merchant: Merchant,
) -> None:
    first = order(bearer(merchant))
    # another key of the same merchant, as after a rotation; the JSON is spelled in another way
    again = order(bearer(merchant), body={"size": 1})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert Orders.ran == 1


def test_without_a_key_it_runs_each_time(merchant: Merchant) -> None:
    order(bearer(merchant), key=None)
    order(bearer(merchant), key=None)

    assert Orders.ran == 2
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(
    "other", [{"body": {"size": 2}}, {"path": "/parcels"}, {"path": "/orders?gift=1"}]
)
def test_a_key_is_for_one_request(merchant: Merchant, other: dict[str, Any]) -> None:
    order(bearer(merchant))

    assert error(order(bearer(merchant), **other)) == (422, "idempotency_key_reused")
    assert Orders.ran == 1


def test_each_merchant_and_each_kind_of_client_has_keys_of_its_own(merchant: Merchant) -> None:
    key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
    internal = {"X-Internal-Key": key}
    answers = [order(shown) for shown in (bearer(merchant), internal, bearer(make_merchant("B")))]

    assert [answer.data["number"] for answer in answers] == [1, 2, 3]


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "two\tparts"])
def test_a_key_that_is_none_is_a_400_that_names_the_header(merchant: Merchant, key: str) -> None:
    response = order(bearer(merchant), key=key)

    assert error(response) == (400, "invalid_request")
    assert set(response.data["error"]["fields"]) == {"Idempotency-Key"}
    assert Orders.ran == 0


def test_a_key_may_have_255_characters(merchant: Merchant) -> None:
    assert order(bearer(merchant), key="k" * 255).status_code == 201


# --- what is kept -----------------------------------------------------------------------------


def test_a_refusal_that_came_of_running_is_an_answer_too(merchant: Merchant) -> None:
    first = order(bearer(merchant), {"size": 10})
    again = order(bearer(merchant), {"size": 10})

    assert error(first) == error(again) == (404, "not_found")
    assert again["Idempotent-Replayed"] == "true"
    assert Orders.ran == 1


def test_what_was_refused_before_it_ran_may_be_put_right_under_the_same_key(
    merchant: Merchant,
) -> None:
    assert error(order(bearer(merchant), {"size": 0})) == (400, "invalid_request")
    assert error(order({"Authorization": "Bearer x"})) == (401, "authentication_failed")

    assert order(bearer(merchant)).status_code == 201
    assert Orders.ran == 1


def test_our_own_trouble_is_no_answer(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Orders, "trouble", Unavailable)
    assert order(bearer(merchant), {"size": 10}).status_code == 503
    monkeypatch.setattr(Orders, "trouble", lambda: RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        order(bearer(merchant), {"size": 10})

    assert not IdempotentRequest.objects.exists()


def test_what_was_answered_can_be_read_by_nobody_else(merchant: Merchant) -> None:
    order(bearer(merchant))

    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM recovery_idempotentrequest")
        (stored,) = cursor.fetchone()
    assert "whsec_only_once" in IdempotentRequest.objects.get().body
    assert "whsec_only_once" not in stored


# --- two at once, and a worker that died --------------------------------------------------------


def claimed(merchant: Merchant, age: timedelta, **facts: Any) -> IdempotentRequest:
    """The first request runs, since a while ago."""
    at = timezone.now() - age
    order(bearer(merchant))
    IdempotentRequest.objects.update(created_at=at, claimed_at=at, status=None, body="")
    return IdempotentRequest.objects.get()


def test_while_the_first_runs_the_second_is_told_to_wait(merchant: Merchant) -> None:
    claimed(merchant, timedelta(seconds=119))

    assert error(order(bearer(merchant))) == (409, "idempotency_key_in_use")
    assert Orders.ran == 1


def test_a_request_whose_worker_died_is_run_by_the_next_and_its_late_answer_is_dropped(
    merchant: Merchant,
) -> None:
    first = claimed(merchant, timedelta(minutes=2))

    second = order(bearer(merchant))
    idempotency.keep(first, status=200, body='"late"')
    idempotency.release(first)

    assert second.data["number"] == 2
    assert order(bearer(merchant)).content == second.content


def test_of_two_who_find_a_dead_claim_one_runs_it(merchant: Merchant) -> None:
    now = timezone.now()
    found = claimed(merchant, timedelta(minutes=2))
    idempotency._take_over(found, asked=found.asked, created_at=found.created_at, now=now)

    with pytest.raises(KeyInUseError):
        idempotency._take_over(found, asked=found.asked, created_at=found.created_at, now=now)


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_runs(merchant: Merchant) -> None:
    shown = bearer(merchant)

    answers = at_once(lambda: order(shown).status_code, lambda: order(shown).status_code)

    assert Orders.ran == 1
    assert sorted(answers) in ([201, 201], [201, 409])


# --- a day later ------------------------------------------------------------------------------


def test_after_a_day_a_key_is_new(merchant: Merchant) -> None:
    order(bearer(merchant))
    day_ago = timezone.now() - timedelta(hours=24)
    IdempotentRequest.objects.update(created_at=day_ago, claimed_at=day_ago)

    assert order(bearer(merchant), {"size": 2}).data["number"] == 2
    assert order(bearer(merchant), {"size": 2})["Idempotent-Replayed"] == "true"


def test_what_is_older_than_a_day_is_swept_away(merchant: Merchant) -> None:
    order(bearer(merchant), key="old")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=24))
    order(bearer(merchant), key="new")

    forget_requests()

    assert [request.key for request in IdempotentRequest.objects.all()] == ["new"]


def test_no_key_or_answer_is_logged(merchant: Merchant, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="recovery")
    order(bearer(merchant))

    assert (KEY in caplog.text, "whsec_only_once" in caplog.text) == (False, False)
