"""The limits over several web processes that count in one Redis, which may go away."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from email.message import Message
from itertools import cycle, islice
from pathlib import Path

import pytest

from tests.builders import DASHBOARD
from tests.journeys.product import wait_for
from tests.journeys.web_server import Installed, manage, migrated
from tests.redis_server import RedisServer

__all__ = ["migrated"]  # a fixture

pytestmark = [pytest.mark.journey, pytest.mark.any_database, pytest.mark.timeout(240)]
PAGE = "/fourthngoal/recover/update"
ENOUGH = 20  # seconds of a window, for what is asked in it


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message

    @property
    def is_counted(self) -> bool:
        return "RateLimit-Limit" in self.headers


def ask(port: int, path: str, *headers: tuple[str, str]) -> Answer:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.putrequest("GET", path)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        with connection.getresponse() as answer:
            answer.read()
            return Answer(answer.status, answer.headers)


@dataclass(frozen=True)
class Web:
    ports: list[int]
    keys: list[str]
    log: Path

    def with_key(self, key: str, *, port: int | None = None) -> Answer:
        return ask(port or self.ports[0], DASHBOARD, ("X-Internal-Key", key))

    def fresh_key(self) -> str:
        """One whose window has begun lately: windows of keys don't end together."""
        found = {key: int(self.with_key(key).headers["RateLimit-Reset"]) for key in self.keys}
        key = max(found, key=lambda each: found[each])
        assert found[key] >= ENOUGH
        return key


@pytest.fixture
def web(tmp_path: Path, migrated: Path, redis_server: RedisServer) -> Iterator[Web]:
    (tmp_path / "product").mkdir()
    product = Installed.in_folder(
        tmp_path / "product", migrated, REDIS_URL=redis_server.url, TRUSTED_PROXY_COUNT="1"
    )
    more = [
        json.loads(manage(product.environment, "create_merchant", name, "--json"))["internal_key"]
        for name in ("Moss", "Reed", "Sage")
    ]
    with ExitStack() as stack:
        ports = [stack.enter_context(product.serving()) for _each in range(2)]
        yield Web(ports, [product.made["internal_key"], *more], product.log)


def test_two_web_processes_share_one_limit_and_survive_their_redis(
    web: Web, redis_server: RedisServer
) -> None:
    key = web.fresh_key()
    with ThreadPoolExecutor(8) as pool:
        ports = islice(cycle(web.ports), 150)
        answers = list(pool.map(lambda port: web.with_key(key, port=port), ports))
    passed = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert (len(passed), len(refused)) == (99, 51)  # fresh_key asked once
    left = sorted(int(answer.headers["RateLimit-Remaining"]) for answer in passed)
    assert left == list(range(99))
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)

    redis_server.stop()
    uncounted = [web.with_key(key, port=port) for port in web.ports for _each in range(10)]
    assert {(answer.status, answer.is_counted) for answer in uncounted} == {(200, False)}
    assert web.log.read_text().count("Requests pass uncounted") == len(web.ports)

    redis_server.start()
    for port in web.ports:
        wait_for(lambda port=port: web.with_key(key, port=port).is_counted)  # type: ignore[misc]


def test_two_lines_of_a_header_are_one_list_whose_end_the_proxy_wrote(web: Web) -> None:
    """Some proxies add a line of their own, others add to the line that is there."""
    real = ("X-Forwarded-For", "198.51.100.7")
    claims = [("X-Forwarded-For", f"203.0.113.{number}") for number in range(3)]

    answers = [ask(web.ports[0], PAGE, claimed, real) for claimed in claims]

    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers]
    assert left in ([59, 58, 57], [59, 58, 59], [59, 59, 58])  # a window may end meanwhile
