"""What the load asks a server for."""

import time

from benchmarks import events
from benchmarks.load import REQUESTS, get
from recovery.signatures import verify
from recovery.stripe_events import Event
from recovery.stripe_objects import Invoice
from tests.builders import SECRET


def test_each_request_is_of_another_client_so_that_none_meets_its_limit() -> None:
    asked = {get("/page?token=x") for _one in range(2 * REQUESTS)}

    assert len(asked) == 2 * REQUESTS
    for request in asked:
        lines = request.decode().split("\r\n")
        assert lines[0] == "GET /page?token=x HTTP/1.1"
        assert lines[3].startswith("X-Forwarded-For: 10.")
        assert lines[-2:] == ["", ""]


def test_each_event_is_another_one_signed_and_as_long_as_a_real_one() -> None:
    requests = events.signed(3, path="/webhook?m=1", secret=SECRET)

    bodies = [request.partition(b"\r\n\r\n")[2] for request in requests]
    assert len({Event.parse(body).id for body in bodies}) == 3
    for request, body in zip(requests, bodies, strict=True):
        header = request.partition(b"Stripe-Signature: ")[2].partition(b"\r\n")[0].decode()
        verify(body=body, header=header, secrets=[SECRET], now=time.time())
        assert len(body) == events.BYTES
        assert Event.parse(body).is_known
        assert Invoice.read(Event.parse(body).object).amount_owed == 4900
