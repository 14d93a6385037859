"""The whole surface against Stripe's published description, and the check itself."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe.resources import ROUTES
from tests.local_stripe_tests.conftest import KEY, NEWEST
from tests.local_stripe_tests.make_params import operation_shape
from tests.local_stripe_tests.openapi import (
    UNDESCRIBED,
    UnlikeStripeError,
    Validator,
    check_object,
    check_request,
    load_description,
)


def test_every_route_is_one_of_stripes() -> None:
    paths = load_description()["paths"]

    for route in ROUTES:
        if route.name not in UNDESCRIBED:
            assert route.method.lower() in paths[route.template], route.name


def test_a_broad_session_agrees_with_the_description(
    local_stripe: LocalStripe, client: stripe.StripeClient, validator: Validator
) -> None:
    """Touches what the other tests do not; `local_stripe` checks each answer and event."""
    client.v1.webhook_endpoints.create(
        {"url": "https://example.com/", "enabled_events": ["*"], "api_version": NEWEST}  # type: ignore[typeddict-item]
    )
    _catalog(client)
    ids = _subscriptions(client, local_stripe)
    _invoices(client, ids)
    _payments(client, ids)
    _rest(client, ids)
    local_stripe.clock.advance(days=70)
    local_stripe.wait_until_delivered()

    assert len(local_stripe.deliveries) > 100
    assert len(validator.seen) > 60


def _catalog(client: stripe.StripeClient) -> None:
    product = client.v1.products.create({"name": "A", "metadata": {"k": "v"}})
    client.v1.products.update(product.id, {"description": "b"})
    client.v1.products.retrieve(product.id)
    client.v1.products.list({"active": True})
    price = client.v1.prices.create({"currency": "eur", "unit_amount": 1, "product": product.id})
    client.v1.prices.update(price.id, {"nickname": "n"})
    client.v1.prices.retrieve(price.id, {"expand": ["product"]})
    client.v1.prices.list({"product": product.id})
    plan = client.v1.plans.create(
        {"currency": "usd", "amount": 5, "interval": "year", "product": product.id}
    )
    client.v1.plans.retrieve(plan.id)
    client.v1.plans.list()


def _subscriptions(client: stripe.StripeClient, local_stripe: LocalStripe) -> dict[str, str]:
    ids = local_stripe.scenarios.renewal_fails(metadata={"team": "7"})
    client.v1.subscriptions.update(ids["subscription"], {"cancel_at_period_end": True})
    client.v1.subscriptions.update(ids["subscription"], {"cancel_at_period_end": False})
    client.v1.subscriptions.list({"status": "all", "customer": ids["customer"]})
    client.v1.subscriptions.list({"price": ids["price"]})
    client.v1.subscriptions.retrieve(
        ids["subscription"], {"expand": ["latest_invoice.payments", "customer"]}
    )
    trial = client.v1.subscriptions.create(
        {
            "customer": ids["customer"],
            "items": [{"price": ids["price"], "quantity": 2}],
            "trial_period_days": 7,
        }
    )
    assert trial.status == "trialing"
    waiting = client.v1.subscriptions.create(
        {
            "customer": ids["customer"],
            "items": [{"price": ids["price"]}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    assert waiting.status == "incomplete"
    with pytest.raises(stripe.CardError):
        client.v1.subscriptions.create(
            {
                "customer": ids["customer"],
                "items": [{"price": ids["price"]}],
                "payment_behavior": "error_if_incomplete",
            }
        )
    client.v1.subscriptions.create(
        {
            "customer": ids["customer"],
            "items": [{"price": ids["price"]}],
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
    )
    return ids


def _invoices(client: stripe.StripeClient, ids: dict[str, str]) -> None:
    draft = client.v1.invoices.create({"customer": ids["customer"], "description": "d"})
    item = client.v1.invoice_items.create(
        {"customer": ids["customer"], "amount": 700, "invoice": draft.id}
    )
    client.v1.invoice_items.retrieve(item.id)
    client.v1.invoice_items.list({"customer": ids["customer"]})
    client.v1.invoices.update(str(draft.id), {"metadata": {"a": "b"}})
    client.v1.invoices.line_items.list(str(draft.id))
    client.v1.invoices.finalize_invoice(str(draft.id), {"auto_advance": False})
    client.v1.invoices.send_invoice(str(draft.id))
    client.v1.invoices.mark_uncollectible(str(draft.id))
    client.v1.invoices.void_invoice(str(draft.id))
    other = client.v1.invoices.create({"customer": ids["customer"], "auto_advance": True})
    client.v1.invoices.delete(str(other.id))
    empty = client.v1.invoices.create({"customer": ids["customer"]})
    assert client.v1.invoices.finalize_invoice(str(empty.id)).status == "paid"
    payment = client.v1.invoice_payments.list({"invoice": ids["invoice"], "status": "open"}).data
    client.v1.invoice_payments.retrieve(payment[0].id)


def _payments(client: stripe.StripeClient, ids: dict[str, str]) -> None:
    method = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    client.v1.payment_methods.attach(method.id, {"customer": ids["customer"]})
    client.v1.payment_methods.update(method.id, {"metadata": {"a": "b"}})
    client.v1.payment_methods.list({"customer": ids["customer"], "type": "card"})
    client.v1.customers.update(
        ids["customer"], {"invoice_settings": {"default_payment_method": method.id}}
    )
    intent = client.v1.payment_intents.create(
        {"amount": 100, "currency": "usd", "customer": ids["customer"]}
    )
    client.v1.payment_intents.update(intent.id, {"payment_method": method.id})
    client.v1.payment_intents.confirm(intent.id, {"off_session": True})
    client.v1.payment_intents.list({"customer": ids["customer"]})
    charge = client.v1.charges.list({"payment_intent": intent.id}).data[0]
    refund = client.v1.refunds.create({"charge": charge.id})
    client.v1.refunds.retrieve(refund.id)
    client.v1.refunds.list({"charge": charge.id})
    client.v1.charges.retrieve(charge.id, {"expand": ["payment_intent", "refunds"]})
    canceled = client.v1.payment_intents.create({"amount": 100, "currency": "usd"})
    client.v1.payment_intents.cancel(canceled.id, {"cancellation_reason": "abandoned"})
    client.v1.payment_intents.create(
        {
            "amount": 100,
            "currency": "usd",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
        }
    )
    dispute = client.v1.disputes.list().data[0]
    client.v1.disputes.retrieve(dispute.id, {"expand": ["charge"]})
    client.v1.payment_methods.detach(method.id)


def _rest(client: stripe.StripeClient, ids: dict[str, str]) -> None:
    configuration = client.v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}
    )
    client.v1.billing_portal.configurations.update(
        configuration.id, {"features": {"invoice_history": {"enabled": True}}}
    )
    client.v1.billing_portal.configurations.retrieve(configuration.id)
    client.v1.billing_portal.configurations.list({"active": True})
    client.v1.billing_portal.sessions.create(
        {"customer": ids["customer"], "configuration": configuration.id}
    )
    endpoint = client.v1.webhook_endpoints.list().data[0]
    client.v1.webhook_endpoints.update(endpoint.id, {"description": "d", "disabled": False})
    client.v1.events.retrieve(client.v1.events.list({"limit": 1}).data[0].id)
    account = client.v1.accounts.create({"type": "standard"})
    client.v1.accounts.retrieve(account.id)
    client.v1.accounts.list()
    client.v1.customers.update(
        ids["customer"],
        {"address": {"city": "Oslo"}, "shipping": {"name": "J", "address": {"line1": "x"}}},
    )
    session = client.v1.checkout.sessions.create(
        {"mode": "payment", "line_items": [{"price": ids["price"], "quantity": 1}]}
    )
    client.v1.checkout.sessions.line_items.list(session.id)
    client.v1.checkout.sessions.list()


def test_a_violation_names_the_operation_and_the_exact_place() -> None:
    with pytest.raises(UnlikeStripeError, match=r"request POST /v1/customers.*nonsense"):
        check_request("POST /v1/customers", {"nonsense": "1"})
    with pytest.raises(UnlikeStripeError, match=r"object webhook_endpoint: .*created"):
        check_object("webhook_endpoint", {"id": "we_1", "object": "webhook_endpoint"})


def test_a_violation_fails_whoever_stops_the_server() -> None:
    def complain(_: object) -> None:
        raise UnlikeStripeError("there")

    server = LocalStripe(on_exchange=complain).start()
    stripe.StripeClient(KEY, base_addresses={"api": server.url}).v1.customers.list()

    with pytest.raises(ExceptionGroup) as group:
        server.stop()
    assert [str(error) for error in group.value.exceptions] == ["there"]


def test_the_table_of_parameters_is_the_descriptions() -> None:
    operation = load_description()["paths"]["/v1/refunds"]["post"]

    shape = operation_shape(operation)

    assert shape["takes"]["amount"] == "integer"
    assert "payment_intent" in shape["takes"]
