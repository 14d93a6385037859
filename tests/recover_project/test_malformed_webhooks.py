"""What is no event of Stripe's: a clear refusal, and nothing is stored."""

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from recovery.models import Merchant, StripeEvent
from recovery.signatures import sign
from tests.builders import SECRET
from tests.examples import examples
from tests.recover_project.front_door import Web, an_event

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.no_cover,  # long, of lines that others run
]
MALFORMED = examples(1_000)
Sent = tuple[bytes, dict[str, Any]]  # a body, and what is odd about the request
METHODS = ("GET", "PUT", "PATCH", "DELETE", "TRACE", "P\tST")
LENGTHS = ("many", "-1", "1e3", "٣", "0x10", str(2**20 + 1), "9" * 400,
           "0" * 30 + str(2**30), "0" * 5_000 + "7")  # fmt: skip
NO_EVENTS = (b"", b"null", b"true", b"[]", b"{}", b'"evt_1"', b"NaN", b"-", b"[" * 100_000,
             b'{"id": "evt_1"}', b'{"id": 7, "type": 8}', b'{"type": "invoice.paid"}', b"\xff\xfe",
             b'{"id": "\\ud800", "type": "\\u0000"}', b"\x00" * 100)  # fmt: skip


def noise(chance: random.Random, longest: int = 300) -> str:
    return "".join(chr(chance.choice((chance.randrange(1, 128), chance.randrange(128, 0x250))))
                   for _each in range(chance.randrange(longest)))  # fmt: skip


def signed(body: bytes, secret: str = SECRET, age: int = 0) -> dict[str, Any]:
    stamp = int(time.time()) - age
    return {"HTTP_STRIPE_SIGNATURE": sign(body=body, secret=secret, timestamp=stamp)}


def by_nobody(chance: random.Random, body: bytes) -> Sent:
    return body, {"HTTP_STRIPE_SIGNATURE": chance.choice(("", "v1=", "t=,v1=", noise(chance)))}


def by_somebody_else(chance: random.Random, body: bytes) -> Sent:
    return body, signed(body, secret=chance.choice(("whsec_of_another", SECRET[:-1], SECRET * 2)))


def out_of_time(chance: random.Random, body: bytes) -> Sent:
    return body, signed(body, age=chance.choice((-1, 1)) * chance.randrange(400, 10**7))


def changed_on_its_way(chance: random.Random, body: bytes) -> Sent:
    at = chance.randrange(len(body))
    other = bytes([body[at] ^ chance.randrange(1, 256)])
    changed = chance.choice((body[:at], body[:at] + other + body[at + 1 :], body + b" "))
    return changed, signed(body)


def with_half_a_header(chance: random.Random, body: bytes) -> Sent:
    whole = signed(body)["HTTP_STRIPE_SIGNATURE"]
    at = chance.randrange(len(whole))
    unnamed = "x" + noise(chance).replace(",", "") + whole  # what follows a comma would count
    return body, {"HTTP_STRIPE_SIGNATURE": chance.choice((whole[:at], unnamed))}


def cut_short_and_signed(chance: random.Random, body: bytes) -> Sent:
    cut = body[: chance.randrange(len(body))]
    return cut, signed(cut)


def no_event_and_signed(chance: random.Random, _body: bytes) -> Sent:
    of_bytes = chance.randbytes(chance.randrange(1, 300))
    body = chance.choice((*NO_EVENTS, b"\xff" + of_bytes, json.dumps(noise(chance)).encode()))
    return body, signed(body)


def with_a_false_length(chance: random.Random, body: bytes) -> Sent:
    short = str(chance.randrange(len(body)))
    return body, {**signed(body), "CONTENT_LENGTH": chance.choice((*LENGTHS, short))}


def by_another_method(chance: random.Random, body: bytes) -> Sent:
    return body, {**signed(body), "REQUEST_METHOD": chance.choice(METHODS)}


def for_nobody(chance: random.Random, body: bytes) -> Sent:
    whom = chance.choice(("m=mer_of_nobody", "m=%00", "m=" + "a" * 500, "m=%FF&m=%FE"))
    return body, {**signed(body), "QUERY_STRING": whom}


SPOILED: tuple[Callable[[random.Random, bytes], Sent], ...] = (
    by_nobody, by_somebody_else, out_of_time, changed_on_its_way, with_half_a_header,
    cut_short_and_signed, no_event_and_signed, with_a_false_length, by_another_method, for_nobody,
)  # fmt: skip


def test_whatever_is_malformed_is_refused_and_leaves_no_row(web: Web, merchant: Merchant) -> None:
    chance = random.Random(MALFORMED)
    for number in range(MALFORMED):
        spoil = SPOILED[number % len(SPOILED)]
        body, odd = spoil(chance, json.dumps(an_event()).encode())

        status, headers, said = web.post(body, merchant, **odd)

        assert status.startswith("4"), (number, spoil.__name__, status, body, odd)
        if said is not None:
            assert said["error"]["code"], (number, spoil.__name__, said)
            assert headers["Content-Type"] == "application/json"
    assert StripeEvent.objects.count() == 1
