"""Stripe's side of the door: each event is delivered until it is acknowledged."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from recovery.signatures import sign
from tests.chaos.history import Merchant, Told

CONNECTIONS = 4
AGAIN = 0.5  # seconds; Stripe waits longer, and delivers for three days
TIMEOUT = 20  # seconds, as long as Stripe surely waits


@dataclass
class Feed:
    """`paths` and `merchants` by number. `is_held` tells whether so much waits to be processed
    that the next events come later."""

    port: int
    merchants: Sequence[Merchant]
    paths: Sequence[str]
    is_held: Callable[[], bool]
    acknowledged: dict[str, Told] = field(default_factory=dict)
    deliveries: int = 0
    refused: int = 0  # deliveries that weren't acknowledged, and came again
    last_at: float = 0.0  # time.monotonic() of the last acknowledgement

    def deliver(self, events: Sequence[Told]) -> None:
        waiting, taking = deque(events), threading.Lock()
        threads = [
            threading.Thread(target=self._work, args=(waiting, taking), daemon=True)
            for _one in range(CONNECTIONS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, waiting: deque[Told], taking: threading.Lock) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        while True:
            with taking:
                if not waiting:
                    return
                event = waiting.popleft()
            while self.is_held():
                time.sleep(0.05)
            while not self._is_acknowledged(connection, event):
                connection.close()
                self.refused += 1
                time.sleep(AGAIN)
            with taking:
                self.deliveries += 1
                self.acknowledged[event.id] = event
                self.last_at = time.monotonic()

    def _is_acknowledged(self, connection: http.client.HTTPConnection, event: Told) -> bool:
        secret = self.merchants[event.merchant].secret
        header = sign(body=event.body, secret=secret, timestamp=int(time.time()))
        try:
            connection.request(
                "POST", self.paths[event.merchant], event.body,
                {"Stripe-Signature": header, "Content-Type": "application/json"},
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        return answer.status == 200
