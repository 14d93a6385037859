"""A Local Stripe whose whole traffic is checked, a client for it, and someone who listens."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.openapi import Validator
from tests.local_stripe_tests.receiver import Receiver


def headers_of(answer: stripe.StripeObject) -> Mapping[str, str]:
    """The headers that an answer came with."""
    response = answer.last_response
    assert response is not None
    return response.headers


def headers_of_error(error: stripe.StripeError) -> Mapping[str, str]:
    assert error.headers is not None
    return error.headers


def body_of(error: stripe.StripeError) -> dict[str, Any]:
    """The `error` object as it was sent."""
    body: Any = error.json_body
    fields: dict[str, Any] = body["error"]
    return fields


KEY = "sk_test_recover_demo"
NEWEST = "2026-10-28.endive"

MakeClient = Callable[..., stripe.StripeClient]


@pytest.fixture
def validator() -> Validator:
    return Validator()


@pytest.fixture
def local_stripe(validator: Validator) -> Iterator[LocalStripe]:
    """Every answer and every webhook of every test agrees with Stripe's description."""
    with LocalStripe(on_exchange=validator.check) as running:
        yield running
        for attempt in running.deliveries:
            if attempt.payload["api_version"] >= "2025-03-31":
                validator.check_event(attempt.payload)


@pytest.fixture
def make_client(local_stripe: LocalStripe) -> Iterator[MakeClient]:
    """Stripe's SDK, pointed here: `make_client(key=…, version=…, retries=…)`."""
    http = stripe.RequestsClient(timeout=5)
    stripe.enable_telemetry = False

    def make(key: str = KEY, version: str = NEWEST, retries: int = 0) -> stripe.StripeClient:
        return stripe.StripeClient(
            key,
            stripe_version=version,
            http_client=http,
            max_network_retries=retries,
            base_addresses={"api": local_stripe.url},
        )

    yield make
    http.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def client(make_client: MakeClient) -> stripe.StripeClient:
    return make_client()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
