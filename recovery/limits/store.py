"""Where Redis is, requests are counted in it, for all web processes together."""

import json
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient

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
