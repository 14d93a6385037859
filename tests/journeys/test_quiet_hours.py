"""After a quiet while the web server ends its threads and begins new ones: the pool gets back
every connection that they had."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.serving import Server, environment, web
from tests.builders import make_merchant, signing_secret
from tests.journeys.product import free_ports
from tests.journeys.test_deployments import Balancer
from tests.programs import database_url

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTIONS = 4
EVENTS = 40  # each time, enough to keep all threads busy
IDLE = 5  # seconds, the least that granian takes; 30 unless it is told


def test_events_are_taken_in_after_any_number_of_quiet_whiles(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool of connections.")
    merchant = make_merchant()
    path = f"/fourthngoal/recover/webhook?m={merchant.public_id}"
    stripe = Balancer(path, signing_secret(merchant))
    known = {"WEB_WORKERS": "1", "WEB_THREADS": str(CONNECTIONS),
             "DATABASE_POOL_SIZE": str(CONNECTIONS),
             "GRANIAN_BLOCKING_THREADS_IDLE_TIMEOUT": str(IDLE),
             "SECRET_KEY": settings.SECRET_KEY,
             "FIELD_ENCRYPTION_KEYS": ",".join(settings.FIELD_ENCRYPTION_KEYS)}  # fmt: skip
    server = Server(free_ports(1), environment(str(tmp_path), database_url()) | known)

    with web(server):
        stripe.ports.append(server.port)
        met: list[str] = []
        for while_ in range(CONNECTIONS + 2):
            time.sleep(while_ and IDLE + 2)
            ids = [f"evt_{while_}_{number}" for number in range(EVENTS)]
            with ThreadPoolExecutor(CONNECTIONS) as deliveries:
                met += deliveries.map(stripe.hand_over, ids)

    assert set(met) == {"200"}
