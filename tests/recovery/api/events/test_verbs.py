"""POST events/{id}/pause, /resume, /close."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recovery.models import Merchant, RecoveryCase
from tests.builders import make_merchant
from tests.recovery.api.asking import NOON, case, get, post

pytestmark = pytest.mark.django_db
RECOVERED = {
    "status": "recovered", "reason": "invoice_paid", "mechanism": "stripe_retry",
    "amount_recovered": 4900, "closed_at": NOON,
}  # fmt: skip


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant(time_zone="Europe/Berlin")


@pytest.fixture
def debt(merchant: Merchant) -> RecoveryCase:
    return case(merchant)


def do(debt: RecoveryCase, verb: str, body: Any = None, **options: Any) -> tuple[int, Any]:
    answer = post(debt.merchant, f"events/{debt.public_id}/{verb}", body, **options)
    return answer.status_code, answer.json()


def test_pausing_and_resuming_say_what_changed_and_what_did_not(debt: RecoveryCase) -> None:
    told = []
    for verb in ("pause", "pause", "resume", "resume"):
        status, answer = do(debt, verb)
        shown = answer["event"]
        assert (status, shown["id"]) == (200, debt.public_id)
        told.append((answer["is_changed"], answer["message"], shown["is_paused"]))

    assert told == [
        (True, "The case is paused.", True),
        (False, "The case was paused already.", True),
        (True, "The case goes on.", False),
        (False, "The case was not paused.", False),
    ]
    kinds = debt.timeline.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["paused", "resumed"]


def test_the_timeline_says_which_client_it_was(debt: RecoveryCase) -> None:
    do(debt, "pause")

    assert debt.timeline.get().actor.startswith("api_key:")


@pytest.mark.parametrize(
    ("until", "at"),
    [
        ("2999-01-31", "2999-01-30T23:00:00Z"),  # the merchant's day
        ("2999-01-31T09:00:00Z", "2999-01-31T09:00:00Z"),
        ("2999-01-31T09:00:00+02:00", "2999-01-31T07:00:00Z"),
        (None, None),
    ],
)
def test_a_pause_may_have_an_end(debt: RecoveryCase, until: str | None, at: str | None) -> None:
    _status, answer = do(debt, "pause", {"until": until})

    assert answer["event"]["paused_until"] == at


def test_giving_up_keeps_the_reason_in_the_clients_words(debt: RecoveryCase) -> None:
    assert do(debt, "close", {"reason": "Paid by check."})[1]["is_changed"] is True
    status, again = do(debt, "close", {"reason": "Twice."})

    assert (status, again["is_changed"], again["message"]) == (
        200, False, "The case was given up already.",
    )  # fmt: skip
    shown = get(debt.merchant, f"events/{debt.public_id}").json()
    assert (shown["status"], shown["reason"]) == ("lost", "operator_closed")
    (entry,) = shown["timeline"]
    assert entry["facts"] == {"reason": "Paid by check."}


@pytest.mark.parametrize("verb", ["pause", "resume", "close"])
def test_a_debt_that_is_paid_is_a_409_that_says_so(debt: RecoveryCase, verb: str) -> None:
    RecoveryCase.objects.update(**RECOVERED)

    status, answer = do(debt, verb)

    assert status == 409
    assert answer["error"] == {
        "code": "event_closed", "message": "Nothing was done: the money is already back.",
        "fields": {"status": "recovered", "rule": "the money is already back"},
    }  # fmt: skip
    debt.refresh_from_db()
    assert (debt.status, debt.is_paused) == ("recovered", False)
    assert not debt.timeline.exists()


@pytest.mark.parametrize(
    ("verb", "body", "fields"),
    [
        ("pause", {"until": "tomorrow"}, {"until"}),
        ("pause", {"until": "2020-01-01"}, {"until"}),
        ("pause", {"until": 5}, {"until"}),
        ("pause", {"till": "2999-01-01"}, {"till"}),
        ("resume", {"now": True}, {"now"}),
        ("close", {"reason": "x" * 201}, {"reason"}),
        ("close", {"reason": "\x00"}, {"reason"}),
        ("close", ["reason"], {"non_field_errors"}),
        ("retry", {"payment_method": "pm_1"}, {"payment_method"}),
    ],
)
def test_a_body_that_is_not_understood_changes_nothing(
    debt: RecoveryCase, verb: str, body: Any, fields: set[str]
) -> None:
    status, answer = do(debt, verb, body)

    assert (status, set(answer["error"]["fields"])) == (400, fields)
    debt.refresh_from_db()
    assert (debt.status, debt.is_paused, debt.timeline.count()) == ("open", False, 0)


def test_a_request_that_is_sent_again_is_answered_the_same(debt: RecoveryCase) -> None:
    first = do(debt, "pause", key="k1")
    do(debt, "resume")

    assert do(debt, "pause", key="k1") == first
    debt.refresh_from_db()
    assert debt.is_paused is False


def test_nothing_of_a_reason_is_logged(
    debt: RecoveryCase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="recovery")
    do(debt, "close", {"reason": "jo@example.com asked"})

    assert "jo@example.com" not in caplog.text


def test_a_pause_that_ends_at_once_is_none(debt: RecoveryCase) -> None:
    at = (timezone.now() - timedelta(seconds=1)).isoformat()

    assert do(debt, "pause", {"until": at})[0] == 400
