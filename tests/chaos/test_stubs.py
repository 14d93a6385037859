"""Stripe and the mail server, as the proofs need them."""

import json
import smtplib
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import serving
from tests.chaos import history, services
from tests.chaos.stripe_stub import Stripe, Trouble

HISTORY = history.make(seed=1, events=400, begins_at=1_790_000_000, merchants=6)
MAIL = "Message-ID: <msg_{}@example.com>\n\nHello"


@pytest.fixture
def stripe(tmp_path: Path) -> Stripe:
    told = json.dumps([debt.told() for debt in HISTORY.debts])
    (tmp_path / "debts.json").write_text(told)
    return Stripe(tmp_path)


def charge(stripe: Stripe, number: int, key: str) -> int:
    path = f"/v1/invoices/in_{number:08}/pay"
    return stripe.answer("POST", path, b"payment_method=pm_1", key)[0]


def an_open_one(*, is_paid: bool) -> int:
    return next(
        debt.number
        for debt in HISTORY.debts
        if debt.kind == "stays_open" and (debt.number % 3 == 0) == is_paid
    )


def test_it_charges_once_for_a_key_and_notes_it(stripe: Stripe, tmp_path: Path) -> None:
    number = an_open_one(is_paid=True)
    assert [charge(stripe, number, "a") for _time in range(2)] == [200, 200]

    [line] = (tmp_path / "charges.jsonl").read_text().splitlines()
    made = json.loads(line)
    assert (made["debt"], made["key"], made["is_paid"]) == (number, "a", True)
    _status, invoice = stripe.answer("GET", f"/v1/invoices/in_{number:08}", b"", "")
    assert invoice["status"] == "paid"
    assert charge(stripe, number, "b") == 400  # paid already


def test_it_declines_what_has_no_money(stripe: Stripe) -> None:
    assert charge(stripe, an_open_one(is_paid=False), "a") == 402


def test_it_tells_of_each_debt_what_became_of_it(stripe: Stripe) -> None:
    for debt in HISTORY.debts:
        kind = "payment_intents/pi" if debt.is_one_time else "invoices/in"
        status, told = stripe.answer("GET", f"/v1/{kind}_{debt.number:08}", b"", "")
        assert (status, told["amount" if debt.is_one_time else "amount_due"]) == (200, debt.amount)
        is_paid = told["status"] in {"paid", "succeeded"}
        assert is_paid == (debt.kind in {"paid", "refunded", "payment_paid"})


def test_it_fails_for_as_long_as_it_was_told_to(stripe: Stripe) -> None:
    stripe.answer("POST", f"/control/{Trouble.FAILS}/60", b"", "")
    assert charge(stripe, 1, "a") == 500
    stripe.answer("POST", f"/control/{Trouble.NONE}/0", b"", "")
    assert stripe.answer("GET", "/v1/customers/cus_00000001", b"", "")[0] == 200


def send(port: int, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        connection.sendmail("shop@example.com", ["jo@example.com"], MAIL.format(number))


def test_the_mail_server_notes_each_mail_that_it_took_also_where_its_answer_is_lost(
    tmp_path: Path,
) -> None:
    with serving.stub("tests.chaos.mail_sink", tmp_path) as port:
        made = SimpleNamespace(mail_port=port)
        send(port, 1)
        services.Services.trouble_mail(made, "drops_answers", 60)  # type: ignore[arg-type]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(port, 2)
        services.Services.trouble_mail(made, "drops", 60)  # type: ignore[arg-type]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            send(port, 3)

    taken = (tmp_path / "mails.txt").read_text().split()
    assert taken == ["msg_1@example.com", "msg_2@example.com"]
