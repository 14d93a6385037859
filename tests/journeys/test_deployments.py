"""New versions take over while Stripe delivers. No webhook misses an old one that was taken out of
the load balancer first; otherwise one may meet a door that is shut, or shuts as it knocks, and is
brought to the next."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.serving import HOST, PRODUCT, Server, beside, environment, web
from recovery.models import Merchant, StripeEvent
from recovery.signatures import sign
from tests.builders import make_merchant, signing_secret
from tests.journeys.product import free_ports
from tests.programs import database_url

pytestmark = pytest.mark.django_db(transaction=True)
DELIVERIES_AT_ONCE = 4
WHILE = 1.0  # seconds that both versions serve, and that one does alone


@dataclass
class Balancer:
    """Hands each event to a server that serves; where one takes no connection or resets it, to the
    next."""

    path: str
    secret: str
    ports: list[int] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    _is_over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def delivering(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self._deliver, args=(number,), daemon=True)
            for number in range(DELIVERIES_AT_ONCE)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def _deliver(self, number: int) -> None:
        count = 0
        while not self._is_over.is_set():
            count += 1
            event_id = f"evt_{number}_{count}"
            what = self.hand_over(event_id)
            self.met[what] += 1
            if what == "200":
                self.acknowledged.append(event_id)

    def hand_over(self, event_id: str) -> str:
        """What became of it: a status, or the name of an error."""
        invoice = {"id": f"in_{event_id}", "object": "invoice"}
        body = json.dumps({
            "id": event_id, "object": "event", "type": "invoice.payment_failed",
            "livemode": False, "created": int(time.time()), "data": {"object": invoice},
        }).encode()  # fmt: skip
        header = sign(body=body, secret=self.secret, timestamp=int(time.time()))
        for port in list(self.ports):
            connection = http.client.HTTPConnection(HOST, port, timeout=20)
            try:
                connection.connect()
            except ConnectionRefusedError:
                self.met["a shut door"] += 1
                continue
            try:
                connection.request("POST", self.path, body, {"Stripe-Signature": header})
                return str(connection.getresponse().status)
            except ConnectionError:  # the kernel had taken it for a server that shuts its door
                self.met["a reset"] += 1
            except (OSError, http.client.HTTPException) as error:
                return type(error).__name__
            finally:
                connection.close()
        return "nobody"


def balancer_of(merchant: Merchant) -> Balancer:
    path = f"/fourthngoal/recover/webhook?m={merchant.public_id}"
    return Balancer(path, signing_secret(merchant))


def server_of_tests(folder: Path, **known: str) -> Server:
    """One process on the database of the tests, with their secrets."""
    secrets = {
        "SECRET_KEY": settings.SECRET_KEY,
        "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS),
    }
    here = environment(str(folder), database_url())
    return Server(free_ports(1), here | secrets | {"WEB_WORKERS": "1"} | known)


def test_no_webhook_is_dropped_while_new_versions_take_over(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("The product as in production, on the database of the tests.")
    balancer = balancer_of(make_merchant())
    first = server_of_tests(tmp_path, WEB_THREADS="4")

    serving = _begin(first, balancer)
    with balancer.delivering():
        serving = _taken_out_first(serving, _following(first, balancer), balancer)
        met_when_announced = set(balancer.met)
        serving = _unannounced(serving, _following(first, balancer), balancer)
    serving.close()

    assert met_when_announced == {"200"}
    assert set(balancer.met) <= {"200", "a shut door", "a reset"}
    assert len(balancer.acknowledged) > 100
    stored = StripeEvent.objects.values_list("stripe_event_id", flat=True)
    assert sorted(stored) == sorted(balancer.acknowledged)


def _following(first: Server, balancer: Balancer) -> ExitStack:
    """Serves beside what serves now, for a while."""
    time.sleep(WHILE)
    following = _begin(beside(first, PRODUCT), balancer)
    time.sleep(WHILE)
    return following


def _taken_out_first(serving: ExitStack, following: ExitStack, balancer: Balancer) -> ExitStack:
    balancer.ports.pop(0)
    time.sleep(WHILE)
    serving.close()  # SIGTERM, and until it has ended
    time.sleep(WHILE)
    return following


def _unannounced(serving: ExitStack, following: ExitStack, balancer: Balancer) -> ExitStack:
    serving.close()
    balancer.ports.pop(0)
    time.sleep(WHILE)
    return following


def _begin(server: Server, balancer: Balancer) -> ExitStack:
    """Serves, and is given events once it does."""
    running = ExitStack()
    running.enter_context(web(server))
    balancer.ports.append(server.port)
    return running
