"""Trouble on demand: the next requests that match meet it."""

import threading
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from .cards import EVERY_TIME, Outcome
from .declines import Decline
from .errors import ApiError
from .shapes import Object


class Kind(StrEnum):
    TIMEOUT = "timeout"  # holds the response for `seconds`, then drops the connection
    RESET = "reset"  # drops the connection, having done nothing
    LOST_RESPONSE = "lost_response"  # does it, then drops the connection
    RATE_LIMIT = "429"
    CONFLICT = "409"  # another request with the same Idempotency-Key is still under way
    SERVER_ERROR = "500"
    LOCK_TIMEOUT = "lock_timeout"
    DECLINE = "decline"  # the charge that the request makes is declined for `reason`
    AUTHENTICATION = "3ds"  # the charge that the request makes needs the cardholder


@dataclass
class Fault:
    """Meets the next `times` requests whose method and path match the globs, but for the first
    `after` of them."""

    kind: Kind
    method: str = "*"
    path: str = "*"
    times: int = 1
    after: int = 0
    seconds: float = 120.0
    reason: str = "generic_decline"
    advice_code: str | None = None
    network_decline_code: str | None = None
    network_advice_code: str | None = None
    # Stripe remembers even a 500 under the Idempotency-Key; without this a retry gets through.
    is_remembered: bool = True

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def outcome(self) -> Outcome | None:
        """What it makes of a charge."""
        if self.kind is Kind.AUTHENTICATION:
            return EVERY_TIME
        if self.kind is not Kind.DECLINE:
            return None
        return Outcome(
            decline=Decline(
                self.reason, self.advice_code, self.network_decline_code, self.network_advice_code
            )
        )

    def error(self) -> ApiError | None:
        """The answer that it gives instead of the real one."""
        make = _ERRORS.get(self.kind)
        return make(self) if make else None


def _rate_limited(_: Fault) -> ApiError:
    fields: Object = {
        "type": "invalid_request_error",
        "code": "rate_limit",
        "message": "Request rate limit exceeded. You can learn more about rate limits here "
        "https://stripe.com/docs/rate-limits.",
    }
    return ApiError(429, fields, is_before_execution=True)


def _key_in_use(_: Fault) -> ApiError:
    fields: Object = {
        "type": "idempotency_error",
        "code": "idempotency_key_in_use",
        "message": "There is currently another in-progress request using this Idempotent Key "
        "(that probably means you submitted twice, and the other request is still going "
        "through). Please try again later.",
    }
    headers = {"Stripe-Should-Retry": "true"}
    return ApiError(409, fields, headers, is_before_execution=True)


def _lock_timeout(_: Fault) -> ApiError:
    fields: Object = {
        "type": "invalid_request_error",
        "code": "lock_timeout",
        "message": "This object cannot be accessed right now because another API request or "
        "Stripe process is currently accessing it.",
    }
    headers = {"Stripe-Should-Retry": "true"}
    return ApiError(429, fields, headers, is_before_execution=True)


def _server_error(fault: Fault) -> ApiError:
    fields: Object = {
        "type": "api_error",
        "message": "An unknown error occurred. Please contact support@stripe.com.",
    }
    return ApiError(500, fields, is_before_execution=not fault.is_remembered)


_ERRORS = {
    Kind.RATE_LIMIT: _rate_limited,
    Kind.CONFLICT: _key_in_use,
    Kind.LOCK_TIMEOUT: _lock_timeout,
    Kind.SERVER_ERROR: _server_error,
}

# Set for the course of a request that meets a `decline` or `3ds` fault.
forced_outcome: ContextVar[Outcome | None] = ContextVar("forced_outcome", default=None)


@dataclass
class Faults:
    """Those still to be met, in the order they were asked for."""

    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, *, method: str = "*", path: str = "*", **details: object) -> Fault:
        """Details are the fields of Fault: times, seconds, reason, advice_code, …"""
        facts: dict[str, object] = {"method": method, "path": path, **details}
        fault = Fault(Kind(kind), **facts)  # type: ignore[arg-type]
        with self._lock:
            self._waiting.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.matches(method, path):
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def waiting(self) -> list[Object]:
        with self._lock:
            return [asdict(fault) for fault in self._waiting]
