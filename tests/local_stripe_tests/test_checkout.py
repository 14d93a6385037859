"""Checkout as Stripe behaves: how long a session lives, and what becomes of its payment."""

import time
from typing import Any

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.receiver import Receiver
from tests.local_stripe_tests.test_pages import GOOD, visit

HOUR = 3600


def session_of(client: stripe.StripeClient, **more: Any) -> Any:
    mug = {"currency": "usd", "unit_amount": 1500, "product_data": {"name": "Mug"}}
    params: Any = {
        "mode": "payment", "line_items": [{"quantity": 1, "price_data": mug}],
        "success_url": "http://127.0.0.1:9/thanks", **more,
    }  # fmt: skip
    return client.v1.checkout.sessions.create(params)


def declined(client: stripe.StripeClient, session: Any) -> str:
    """A card is declined there; the PaymentIntent that was made for it."""
    assert visit(session.url, GOOD | {"number": "4000000000000002"}).status == 402
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert isinstance(intent, str)
    return intent


def test_a_session_has_no_payment_until_somebody_tries_to_pay(
    client: stripe.StripeClient,
) -> None:
    session = session_of(client, payment_intent_data={"metadata": {"of": "case_1"}})
    assert session.payment_intent is None

    intent = client.v1.payment_intents.retrieve(declined(client, session))

    assert (intent.status, intent.metadata.to_dict()) == (
        "requires_payment_method", {"of": "case_1"},
    )  # fmt: skip
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"


def test_a_session_that_expires_cancels_the_payment_that_was_tried_there(
    client: stripe.StripeClient, receiver: Receiver, local_stripe: LocalStripe
) -> None:
    client.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["payment_intent.canceled"]}
    )
    session = session_of(client)
    intent = declined(client, session)

    client.v1.checkout.sessions.expire(session.id)

    ended = client.v1.payment_intents.retrieve(intent)
    assert (ended.status, ended.cancellation_reason) == ("canceled", "expired")
    assert local_stripe.wait_until_delivered()
    assert [one.payload["data"]["object"]["id"] for one in local_stripe.deliveries] == [intent]


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_session_expires_in_time_unless_it_was_paid(
    client: stripe.StripeClient, local_stripe: LocalStripe, is_paid: bool
) -> None:
    session = session_of(client, expires_at=int(time.time()) + HOUR)
    if is_paid:
        assert visit(session.url, GOOD).status == 303

    local_stripe.clock.advance(minutes=59)
    before = client.v1.checkout.sessions.retrieve(session.id).status
    local_stripe.clock.advance(minutes=2)
    after = client.v1.checkout.sessions.retrieve(session.id).status

    assert (before, after) == (("complete", "complete") if is_paid else ("open", "expired"))


@pytest.mark.parametrize(
    ("seconds", "bound"), [(HOUR // 2 - 60, "at least 30 minutes"), (25 * HOUR, "less than 24")]
)
def test_a_session_lives_half_an_hour_at_least_and_a_day_at_most(
    client: stripe.StripeClient, seconds: int, bound: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=bound) as error:
        session_of(client, expires_at=int(time.time()) + seconds)
    assert error.value.param == "expires_at"


def test_a_session_is_a_customers_or_a_guests(
    client: stripe.StripeClient, local_stripe: LocalStripe
) -> None:
    ids = local_stripe.scenarios.subscriber()
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        session_of(client, customer=ids["customer"], customer_email="jo@example.com")


@pytest.mark.parametrize("verb", ["cancel", "confirm"])
def test_a_payment_of_checkout_is_only_ended_with_its_session(
    client: stripe.StripeClient, verb: str
) -> None:
    session = session_of(client)
    intent = declined(client, session)

    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        getattr(client.v1.payment_intents, verb)(intent)

    found = client.v1.checkout.sessions.list({"payment_intent": intent})
    assert [one.id for one in found.data] == [session.id]
    assert client.v1.payment_intents.retrieve(intent).status == "requires_payment_method"


def test_a_portal_configuration_that_is_switched_off_opens_no_portal(
    client: stripe.StripeClient, local_stripe: LocalStripe
) -> None:
    ids = local_stripe.scenarios.subscriber()
    made = client.v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}
    )
    client.v1.billing_portal.configurations.update(made.id, {"active": False})

    with pytest.raises(stripe.InvalidRequestError, match=r"configuration .* is inactive"):
        client.v1.billing_portal.sessions.create(
            {"customer": ids["customer"], "configuration": made.id}
        )
