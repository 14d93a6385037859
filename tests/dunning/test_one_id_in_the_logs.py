"""Whoever asks what became of a debt finds each line about it by one id, from webhook to mail."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from dunning.mail import handover
from dunning.models import DunningMessage
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recover_project.logs import Json, Redact
from recovery import log_context
from recovery.models import Merchant, RecoveryCase, StripeEvent
from tests.builders import EXPIRED_CARD, make_merchant, receive
from tests.dunning.people import EMAIL, NAME, live

pytestmark = pytest.mark.django_db(transaction=True)
DEBT = EXPIRED_CARD["data"]["object"]["id"]


@pytest.fixture
def merchant() -> Merchant:
    return make_merchant()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process of ours writes as JSON."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(Json())
    handler.addFilter(Redact())
    ours = [logging.getLogger(name) for name in ("recovery", "dunning", "billing_portal")]
    for logger in ours:
        logger.addHandler(handler)
    yield text
    for logger in ours:
        logger.removeHandler(handler)


def lines(text: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.getvalue().splitlines()]


def test_one_id_leads_from_the_webhook_to_the_mail(
    merchant: Merchant, written: io.StringIO
) -> None:
    receive(EXPIRED_CARD, merchant=merchant)
    start_runs()
    work_due_steps()
    deliver_queued()

    case, message = RecoveryCase.objects.get(), DunningMessage.objects.get()
    event_id = EXPIRED_CARD["id"]
    ours = [line for line in lines(written) if line.get("debt") == DEBT]
    told = [line["message"] for line in ours]
    received_at = StripeEvent.objects.get().received_at
    assert told[0] == (
        f"Event {event_id}, which came in at {received_at:%Y-%m-%d %H:%M:%S} UTC, is taken up: "
        "invoice.payment_failed."
    )
    assert f"Case {case.public_id}: opened." in told
    assert f"Case {case.public_id}: dunning started." in told
    assert told[-1] == f"Case {case.public_id}: message sent."
    assert (ours[0]["event"], ours[0]["merchant"]) == (event_id, merchant.public_id)
    [opened] = [line for line in ours if line["message"].endswith(": opened.")]
    assert (opened["event"], opened["case"]) == (event_id, case.public_id)
    assert (ours[-1]["case"], ours[-1]["message_id"]) == (case.public_id, message.public_id)
    assert log_context.current() == {}


def test_what_goes_wrong_on_the_way_bears_it_too(
    merchant: Merchant, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(EXPIRED_CARD, merchant=merchant)
    start_runs()
    work_due_steps()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("for whoever@example.com")

    monkeypatch.setattr(handover, "hand_over", fail)
    deliver_queued()

    [failure] = [line for line in lines(written) if "error" in line]
    assert failure["debt"] == DEBT
    assert "RuntimeError: for wh***@example.com" in failure["error"]


def test_a_line_about_a_debt_names_nobody(merchant: Merchant, written: io.StringIO) -> None:
    live(merchant)

    assert len(lines(written)) > 5
    assert NAME not in written.getvalue()
    assert EMAIL not in written.getvalue()
