"""The clock that counting reads, for tests to set."""

from types import SimpleNamespace

import pytest

STORES = ("django.core.cache.backends.base", "django.core.cache.backends.locmem")


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, now: float) -> None:
        self.now = now
        read = SimpleNamespace(time=lambda: self.now)
        for module in ("django_ratelimit.core", *STORES):
            monkeypatch.setattr(f"{module}.time", read)
