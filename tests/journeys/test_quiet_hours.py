"""After a quiet while the web server ends its threads and begins new ones: the pool gets back
every connection that they had."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection

from benchmarks.serving import web
from tests.builders import make_merchant
from tests.journeys.test_deployments import balancer_of, server_of_tests

pytestmark = pytest.mark.django_db(transaction=True)
CONNECTIONS = 4
EVENTS = 40  # each time, enough to keep all threads busy
IDLE = 5  # seconds, the least that granian takes; 30 unless it is told


def test_events_are_taken_in_after_any_number_of_quiet_whiles(tmp_path: Path) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no pool of connections.")
    stripe = balancer_of(make_merchant())
    server = server_of_tests(
        tmp_path, WEB_THREADS=str(CONNECTIONS), DATABASE_POOL_SIZE=str(CONNECTIONS),
        GRANIAN_BLOCKING_THREADS_IDLE_TIMEOUT=str(IDLE),
    )  # fmt: skip

    with web(server):
        stripe.ports.append(server.port)
        met: list[str] = []
        for while_ in range(CONNECTIONS + 2):
            time.sleep(while_ and IDLE + 2)
            ids = [f"evt_{while_}_{number}" for number in range(EVENTS)]
            with ThreadPoolExecutor(CONNECTIONS) as deliveries:
                met += deliveries.map(stripe.hand_over, ids)

    assert set(met) == {"200"}
