"""What came in over HTTP and what went out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .shapes import Object, Params


@dataclass(frozen=True)
class Request:
    """One HTTP request; header names in lower case."""

    method: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One HTTP response. With `is_dropped` the connection is cut instead, after `held_seconds`."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    is_dropped: bool = False
    held_seconds: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """One request to the API with its answer, for the log and for whoever checks the traffic."""

    method: str
    path: str
    operation: str | None  # as in Stripe's description: `GET /v1/invoices/{invoice}`
    params: Params  # decoded, not yet typed
    headers: dict[str, str]  # of note: version, account, idempotency key
    status: int
    answer: Object
    account: str | None
    livemode: bool | None
    request_id: str
    is_replayed: bool = False
