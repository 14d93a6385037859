"""python -m tests.chaos.stripe_stub PORT FOLDER: answers as Stripe would about the debts in
FOLDER/debts.json, as they are when all has happened, and takes charges once for each key.

What it took stands in FOLDER/charges.jsonl. POST /control/NAME/SECONDS makes trouble (see
Trouble), or has it forget what it charged.
"""

import asyncio
import contextlib
import enum
import json
import re
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.chaos import debts
from tests.chaos.debts import INTENT_STATUS, INVOICE_STATUS, OPEN, Debt

NUMBER = re.compile(r"_(\d{8})")
SOFT_ENDS_PAID = 3  # each so many-th card that is asked again has money
DELAY = 2  # seconds
FORGET = "forget"
Answer = tuple[int, dict[str, Any]]


class Trouble(enum.StrEnum):
    NONE = "none"
    DROPS = "drops"  # hangs up before it has heard anything
    DROPS_ANSWERS = "drops_answers"  # does what it is asked, and hangs up
    DELAYS = "delays"
    FAILS = "fails"  # 500


class Stripe:
    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "debts.json").read_text())
        self._debts = {debt["number"]: Debt.read(debt) for debt in told}
        self._notes = folder / "charges.jsonl"
        self._answers: dict[str, Answer] = {}
        self._charged: dict[int, tuple[bool, int]] = {}  # debt: whether it was paid, when
        self.trouble, self._until = Trouble.NONE, 0.0

    def is_in(self, trouble: Trouble) -> bool:
        return self.trouble is trouble and time.monotonic() < self._until

    def answer(self, method: str, path: str, body: bytes, key: str) -> Answer:
        path, _, query = path.partition("?")
        if path.startswith("/control/"):
            _, _, name, seconds = path.split("/")
            self._control(name, float(seconds))
            return 200, {"object": "control"}
        if self.is_in(Trouble.FAILS):
            return 500, {"error": {"type": "api_error", "message": "Something went wrong."}}
        asked = NUMBER.search(path) or NUMBER.search(query)
        debt = self._debts.get(int(asked[1])) if asked else None
        if debt is None:
            return 404, {"error": {"type": "invalid_request_error", "code": "resource_missing",
                                   "message": "No such object."}}  # fmt: skip
        if method == "POST" and key and path.endswith(("/pay", "/confirm")):
            if key not in self._answers:
                self._answers[key] = self._charge(debt, parse_qs(body.decode()), key)
            return self._answers[key]
        return self._read(debt, path.split("/")[2])

    def _control(self, name: str, seconds: float) -> None:
        if name == FORGET:
            self._answers.clear()
            self._charged.clear()
        else:
            self.trouble, self._until = Trouble(name), time.monotonic() + seconds

    def _read(self, debt: Debt, what: str) -> Answer:
        match what:
            case "invoices":
                return 200, self._invoice(debt)
            case "payment_intents":
                return 200, self._intent(debt)
            case "customers":
                return 200, debts.customer(debt)
            case "subscriptions":
                return 200, debts.subscription(debt)
            case "payment_methods":
                return 200, debts.method(debt)
            case "invoice_payments":
                return 200, {"object": "list", "has_more": False, "url": "/v1/invoice_payments",
                             "data": self._payments(debt)}  # fmt: skip
        return 404, {"error": {"code": "resource_missing", "message": "Unknown address."}}

    def _payments(self, debt: Debt) -> list[dict[str, Any]]:
        if debt.is_one_time:
            return []
        return [
            {"id": debt.id("inpay"), "object": "invoice_payment", "created": debt.failed_at,
             "invoice": self._invoice(debt) | {"customer": debts.customer(debt)},
             "payment": {"type": "payment_intent", "payment_intent": self._intent(debt)}}
        ]  # fmt: skip

    def _invoice(self, debt: Debt) -> dict[str, Any]:
        is_paid, at = self._charged.get(debt.number, (False, 0))
        if is_paid:
            return debts.charged_invoice(debt, at=at)
        status = INVOICE_STATUS.get(debt.kind, "open")
        return debts.invoice(debt, attempt=debt.failures, status=status)

    def _intent(self, debt: Debt) -> dict[str, Any]:
        if debt.number in self._charged:
            is_paid, at = self._charged[debt.number]
            return debts.charged_intent(debt, at=at, is_paid=is_paid)
        status = INTENT_STATUS.get(debt.kind, "requires_payment_method")
        return debts.intent(debt, attempt=debt.failures, status=status)

    def _charge(self, debt: Debt, asked: dict[str, list[str]], key: str) -> Answer:
        """Writes down each charge that it makes."""
        is_invoice = not debt.is_one_time
        is_paid, _at = self._charged.get(debt.number, (False, 0))
        if is_paid or debt.kind not in OPEN:
            status = self._invoice(debt)["status"] if is_invoice else self._intent(debt)["status"]
            message = f"Invoice is already {status}" if is_invoice else f"a status of {status}"
            return 400, {"error": {"type": "invalid_request_error", "message": message}}
        is_paid = debt.number % SOFT_ENDS_PAID == 0
        at = int(time.time())
        self._charged[debt.number] = (is_paid, at)
        line = {"debt": debt.number, "key": key, "is_paid": is_paid, "at": at,
                "payment_method": asked.get("payment_method", [""])[0]}  # fmt: skip
        with self._notes.open("a") as notes:
            print(json.dumps(line), file=notes)
        if is_paid:
            return 200, self._invoice(debt) if is_invoice else self._intent(debt)
        error = self._intent(debt)["last_payment_error"]
        return 402, {
            "error": {**error, "message": "Declined.", "payment_intent": self._intent(debt)}
        }


async def _serve(
    stripe: Stripe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, path, _ = head.split(" ", 2)
            headers = _headers(head)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            is_told = path.startswith("/control/")
            if stripe.is_in(Trouble.DROPS) and not is_told:
                break
            if stripe.is_in(Trouble.DELAYS) and not is_told:
                await asyncio.sleep(DELAY)
            status, answer = stripe.answer(method, path, body, headers.get("idempotency-key", ""))
            if stripe.is_in(Trouble.DROPS_ANSWERS) and not is_told:
                break
            writer.write(_written(status, json.dumps(answer).encode()))
    writer.close()


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(": ") for line in head.split("\r\n")[1:])
    return {name.lower(): value for name, _, value in lines if name}


def _written(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


async def main(port: int, folder: Path) -> None:
    stripe = Stripe(folder)
    server = await asyncio.start_server(
        lambda reader, writer: _serve(stripe, reader, writer), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
