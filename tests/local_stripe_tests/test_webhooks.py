"""Webhook endpoints, signatures and deliveries."""

from typing import Any

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe_tests.conftest import NEWEST, MakeClient
from tests.local_stripe_tests.receiver import Receiver


def _listen(
    client: stripe.StripeClient, receiver: Receiver, *events: str, version: str = NEWEST
) -> stripe.WebhookEndpoint:
    params: Any = {
        "url": receiver.url,
        "enabled_events": list(events) or ["*"],
        "api_version": version,
    }
    return client.v1.webhook_endpoints.create(params)


def test_the_secret_is_told_once_and_its_signatures_verify(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    endpoint = _listen(client, receiver)
    assert endpoint.secret is not None
    assert "secret" not in client.v1.webhook_endpoints.retrieve(endpoint.id)

    local_stripe.scenarios.renewal_fails()
    assert local_stripe.wait_until_delivered()

    assert all(one.verify(endpoint.secret) for one in receiver.received)
    failed = receiver.of_type("invoice.payment_failed")[0]
    event = stripe.Webhook.construct_event(failed.body, failed.signature, endpoint.secret)
    assert (event.type, event.api_version) == ("invoice.payment_failed", NEWEST)


def test_only_enabled_events_are_sent(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    _listen(client, receiver, "invoice.payment_failed", "customer.subscription.deleted")

    ids = local_stripe.scenarios.renewal_fails()
    local_stripe.scenarios.cancel(subscription=ids["subscription"])
    local_stripe.wait_until_delivered()

    assert receiver.types == ["invoice.payment_failed", "customer.subscription.deleted"]


def test_a_failed_charge_of_an_invoice_tells_of_charge_payment_and_invoice(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    wanted = ("charge.failed", "payment_intent.payment_failed", "invoice.payment_failed")
    _listen(client, receiver, *wanted)

    local_stripe.scenarios.renewal_fails()
    local_stripe.wait_until_delivered()

    assert receiver.types == list(wanted)
    assert "last_payment_error" not in receiver.received[2].body.decode()


def test_a_refused_delivery_is_tried_again_with_a_new_signature_and_the_same_event(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    endpoint = _listen(client, receiver, "customer.created")
    receiver.answers = [500, 302]

    client.v1.customers.create()
    local_stripe.wait_until_delivered()
    pending = client.v1.events.list({"delivery_success": False}).data
    assert [event.pending_webhooks for event in pending] == [1]
    local_stripe.clock.advance(hours=1)

    statuses = [attempt.status for attempt in local_stripe.deliveries]
    assert statuses == [500, 302, 200]
    assert len({one.event["id"] for one in receiver.received}) == 1
    assert all(one.verify(str(endpoint.secret)) for one in receiver.received)
    assert client.v1.events.list({"delivery_success": False}).data == []


def test_each_endpoint_gets_the_shape_of_its_own_version(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    with Receiver() as old, Receiver() as new:
        _listen(client, old, "invoice.payment_failed", version="2024-06-20")
        _listen(client, new, "invoice.payment_failed")
        ids = local_stripe.scenarios.renewal_fails()
        local_stripe.wait_until_delivered()

    before, after = old.received[0].event, new.received[0].event
    assert before["id"] == after["id"]
    assert (before["api_version"], after["api_version"]) == ("2024-06-20", NEWEST)
    assert before["data"]["object"]["subscription"] == ids["subscription"]
    assert before["data"]["object"]["payment_intent"] == ids["payment_intent"]
    assert "payment_intent" not in after["data"]["object"]
    details = after["data"]["object"]["parent"]["subscription_details"]
    assert details["subscription"] == ids["subscription"]


def test_while_a_secret_is_rolled_both_sign(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    endpoint = _listen(client, receiver, "customer.created")
    fresh = local_stripe.scenarios.roll_secret(webhook_endpoint=endpoint.id)["secret"]

    client.v1.customers.create()
    local_stripe.wait_until_delivered()
    local_stripe.clock.advance(days=2)
    client.v1.customers.create()
    local_stripe.wait_until_delivered()

    both, one = receiver.received
    assert both.verify(fresh)
    assert both.verify(str(endpoint.secret))
    assert one.verify(fresh)
    assert one.signature.count("v1=") == 1


def test_a_new_default_card_says_what_it_was_before(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    _listen(client, receiver, "payment_method.attached", "customer.updated")

    local_stripe.scenarios.new_card(customer=ids["customer"])
    local_stripe.wait_until_delivered()

    assert receiver.types == ["payment_method.attached", "customer.updated"]
    previous = receiver.received[1].event["data"]["previous_attributes"]
    assert previous == {"invoice_settings": {"default_payment_method": ids["payment_method"]}}


def test_there_may_be_16_endpoints(client: stripe.StripeClient, receiver: Receiver) -> None:
    for _ in range(16):
        _listen(client, receiver)

    with pytest.raises(stripe.InvalidRequestError) as error:
        _listen(client, receiver)
    assert error.value.user_message == (
        "You have reached the maximum of 16 test webhook endpoints."
    )
    assert len(client.v1.webhook_endpoints.list({"limit": 100}).data) == 16


def test_plain_http_is_for_this_machine_and_test_mode_only(
    client: stripe.StripeClient, make_client: MakeClient, receiver: Receiver
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="HTTPS"):
        client.v1.webhook_endpoints.create({"url": "http://example.com/", "enabled_events": ["*"]})
    with pytest.raises(stripe.InvalidRequestError, match="HTTPS"):
        _listen(make_client("sk_live_x1"), receiver)


def test_nobody_off_this_machine_is_ever_contacted(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    client.v1.webhook_endpoints.create(
        {"url": "https://example.com/", "enabled_events": ["customer.created"]}
    )

    client.v1.customers.create()
    local_stripe.wait_until_delivered()

    attempt = local_stripe.deliveries[0]
    assert attempt.status is None
    assert attempt.error == "NotOfThisMachineError: https://example.com is not contacted"


def test_an_event_can_be_sent_again(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    _listen(client, receiver, "customer.created")
    client.v1.customers.create()
    local_stripe.wait_until_delivered()
    event = client.v1.events.list().data[0]

    client.raw_request("post", f"/v1/events/{event.id}/retry")
    local_stripe.wait_until_delivered()

    assert [one.event["id"] for one in receiver.received] == [event.id, event.id]


def test_a_platform_hears_of_its_connected_accounts_at_its_connect_endpoint(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    account = client.v1.accounts.create({"type": "standard"})
    with Receiver() as own:
        _listen(client, own)
        client.v1.webhook_endpoints.create(
            {"url": receiver.url, "enabled_events": ["*"], "connect": True}
        )
        local_stripe.scenarios.renewal_fails(stripe_account=account.id)
        local_stripe.scenarios.deauthorize(account=account.id)
        local_stripe.wait_until_delivered()

    assert own.received == []
    assert {one.event["account"] for one in receiver.received} == {account.id}
    assert receiver.types[-1] == "account.application.deauthorized"


def test_a_deleted_endpoint_hears_nothing(
    local_stripe: LocalStripe, client: stripe.StripeClient, receiver: Receiver
) -> None:
    endpoint = _listen(client, receiver)
    client.v1.webhook_endpoints.delete(endpoint.id)

    client.v1.customers.create()
    local_stripe.wait_until_delivered()

    assert receiver.received == []
