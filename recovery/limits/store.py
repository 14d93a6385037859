"""Where Redis is, requests and guesses are counted in it, for all web processes together."""

import json
import logging
from time import monotonic
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import RedisError

from recovery.limits.outage import Outage

logger = logging.getLogger(__name__)

INCREMENT = """
if redis.call("exists", KEYS[1]) == 0 then return false end
return redis.call("incrby", KEYS[1], ARGV[1])
"""


class Json:
    """What is kept, as JSON: Django's own way would run whatever a stranger put into Redis."""

    def dumps(self, value: Any) -> int | str:
        """A number as it is, so that Redis can count it up."""
        return value if type(value) is int else json.dumps(value)

    def loads(self, kept: bytes) -> Any:
        return json.loads(kept)


class CountingClient(RedisCacheClient):
    def __init__(self, servers: list[str], **options: Any) -> None:
        super().__init__(servers, **{**options, "serializer": Json()})

    def incr(self, key: str | bytes | memoryview, delta: int) -> int:
        """Django's own asks whether there is such a key and then increments it. One that ends
        between the two would come back as a key without an end; here both are one step."""
        count: int | None = self.get_client(key, write=True).eval(INCREMENT, 1, key, delta)
        if count is None:
            raise ValueError(f"There is no key {key!r}.")
        return count


class CountingCache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = CountingClient


class GuessesCache(CountingCache):
    """What guesses at passwords and codes are counted in. While Redis fails each process counts by
    itself: who works here gets in, and who guesses gets little further."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("while Redis fails", params | {"OPTIONS": {"MAX_ENTRIES": 10_000}})

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return bool(self._tried("add", key, value, timeout, version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._tried("get", key, default, version)

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._tried("set", key, value, timeout, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._tried("delete", key, version))

    def _tried(self, what: str, *told: Any) -> Any:
        now = monotonic()
        if not _outage.is_on(now=now):
            try:
                return getattr(super(), what)(*told)
            except (RedisError, OSError) as error:
                if _outage.failed(now=now):
                    logger.warning("Each process counts guesses by itself: %s.", error)
        return getattr(self._own, what)(*told)


_outage = Outage()
