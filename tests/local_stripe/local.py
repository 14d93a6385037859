"""LocalStripe: the whole of it, as tests and `python -m` hold it."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from . import resources
from .api import Api
from .clock import Time
from .control import Control
from .engine import Clock, Engine
from .exchange import Exchange, Reply, Request
from .faults import Faults
from .outbox import DeliveryAttempt
from .pages import Pages
from .scenarios import Scenarios
from .server import Server
from .versions import ACCOUNT_DEFAULT
from .world import World

assert resources.ROUTES  # importing them registers them


class LocalStripe:
    """A stand-in for Stripe on a port of this machine.

    `on_exchange` is called with every API request and its answer; what it raises comes out of
    `stop()`, since it is called on the server's threads. `signing_time` stamps webhook
    signatures: real time by default, because receivers check it against theirs.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        api_version: str = ACCOUNT_DEFAULT,
        frozen_at: int | None = None,
        signing_time: Callable[[], float] = time.time,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.world = World(time=Time(frozen_at=frozen_at), api_version=api_version)
        self.faults = Faults()
        self.requests: list[Exchange] = []
        self.engine = Engine(self.world, signing_time=signing_time)
        self.clock = Clock(self.engine)
        self.scenarios = Scenarios(self.world)
        self._on_exchange = on_exchange
        self._complaints: list[Exception] = []
        self._api = Api(self.world, self.faults)
        self._control = Control(self)
        self._pages = Pages(self)
        self._server = Server(port, self._answer)
        self.world.url = self.url

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def deliveries(self) -> list[DeliveryAttempt]:
        """Every attempt to deliver a webhook, oldest first."""
        return list(self.world.outbox.log)

    def start(self) -> Self:
        self._server.start()
        self.engine.start()
        return self

    def stop(self) -> None:
        """Frees the port. Raises all that `on_exchange` complained of, and bugs met on the way."""
        self._server.close()
        self.engine.stop()
        if self._complaints:
            raise ExceptionGroup("the traffic was not as it should be", self._complaints)

    def wait_until_delivered(self, seconds: float = 5.0) -> bool:
        """Whether every webhook was tried at least once within that real time."""
        return self.world.outbox.wait_until_tried(seconds)

    def reset(self) -> None:
        """Forgets all state, faults and logs; the clock stays where it was moved to."""
        with self.world.lock:
            self.world.reset()
            self.faults.clear()
            self.requests.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith("/v1/"):
            return self._answer_api(request)
        if request.path.startswith("/_local/"):
            return self._control.answer(request)
        return self._pages.answer(request)

    def _answer_api(self, request: Request) -> Reply:
        try:
            reply, exchange = self._api.answer(request)
        except Exception as bug:  # noqa: BLE001 (a bug here must fail the test, not look like Stripe's)
            self._complaints.append(bug)
            return Reply(
                500, b'{"error": {"type": "api_error", "message": "bug in Local Stripe"}}'
            )
        self.requests.append(exchange)
        if self._on_exchange is not None:
            try:
                self._on_exchange(exchange)
            except Exception as complaint:  # noqa: BLE001 (whatever it is, `stop` raises it)
                self._complaints.append(complaint)
        return reply
