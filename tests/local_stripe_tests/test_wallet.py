"""Which card is charged, what account updaters change, and retries that are called off."""

import pytest
import stripe

from tests.local_stripe import LocalStripe
from tests.local_stripe.shapes import Object

LEVELS = [
    "invoice.default_payment_method",
    "subscription.default_payment_method",
    "subscription.default_source",
    "customer.invoice_settings",
    "customer.default_source",
]


def _set(client: stripe.StripeClient, ids: dict[str, str], level: str, method: str) -> None:
    if level == "invoice.default_payment_method":
        client.v1.invoices.update(ids["invoice"], {"default_payment_method": method})
    elif level == "subscription.default_payment_method":
        client.v1.subscriptions.update(ids["subscription"], {"default_payment_method": method})
    elif level == "subscription.default_source":
        client.v1.subscriptions.update(ids["subscription"], {"default_source": method})
    elif level == "customer.invoice_settings":
        client.v1.customers.update(
            ids["customer"], {"invoice_settings": {"default_payment_method": method}}
        )
    else:
        client.v1.customers.update(ids["customer"], {"default_source": method})


@pytest.mark.parametrize("level", LEVELS)
def test_the_first_level_that_names_a_card_is_charged(
    local_stripe: LocalStripe, client: stripe.StripeClient, level: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    client.v1.customers.update(
        ids["customer"], {"invoice_settings": {"default_payment_method": ""}}
    )
    named: dict[str, str] = {}
    for each in LEVELS[LEVELS.index(level) :]:
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": ids["customer"]})
        named[each] = method.id
        _set(client, ids, each, method.id)

    client.v1.invoices.pay(ids["invoice"])

    paid = client.v1.charges.list({"payment_intent": ids["payment_intent"]}).data[0]
    assert (paid.status, paid.payment_method) == ("succeeded", named[level])


def test_a_subscriptions_source_gives_way_to_a_payment_method_for_good(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": ids["customer"]}).id
    client.v1.subscriptions.update(ids["subscription"], {"default_source": ids["payment_method"]})

    changed = client.v1.subscriptions.update(
        ids["subscription"], {"default_payment_method": method, "default_source": ""}
    )

    assert (changed.default_payment_method, changed.default_source) == (method, None)
    told = client.v1.events.list({"type": "customer.subscription.updated"}).data[0]
    assert told.data.to_dict()["previous_attributes"] == {
        "default_payment_method": None, "default_source": ids["payment_method"],
    }  # fmt: skip
    assert client.v1.invoices.pay(ids["invoice"]).status == "paid"


def test_a_payment_method_tells_the_cards_fingerprint_expiry_and_country(
    client: stripe.StripeClient,
) -> None:
    customer = client.v1.customers.create({"email": "jo@example.com"})
    first, second, indian = (
        client.v1.payment_methods.retrieve(
            client.v1.payment_methods.attach(token, {"customer": customer.id}).id
        ).card
        for token in ("pm_card_visa", "pm_card_visa", "pm_card_in")
    )
    assert first
    assert second
    assert indian
    assert (first.exp_month, first.exp_year, first.country) == (12, 2034, "US")
    assert first.fingerprint == second.fingerprint != indian.fingerprint
    assert indian.country == "IN"


def _updates(client: stripe.StripeClient) -> list[Object]:
    found = client.v1.events.list({"type": "payment_method.automatically_updated"}).data
    return [event.data.to_dict() for event in found]


def test_an_account_updater_keeps_the_payment_method_and_changes_what_is_on_the_card(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="expired_card")

    local_stripe.scenarios.card_updated(customer=ids["customer"], exp="2031-05")

    [told] = _updates(client)
    assert told["object"]["id"] == ids["payment_method"]
    assert (told["object"]["card"]["exp_month"], told["object"]["card"]["exp_year"]) == (5, 2031)
    assert told["previous_attributes"] == {"card": {"exp_month": 12, "exp_year": 2034}}
    assert client.v1.invoices.pay(ids["invoice"]).status == "paid"


def test_a_replaced_card_has_another_number_and_may_be_declined_too(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails(reason="stolen_card")

    local_stripe.scenarios.card_updated(
        customer=ids["customer"], number="5555555555554444", reason="insufficient_funds"
    )

    [told] = _updates(client)
    assert set(told["previous_attributes"]["card"]) == {"last4", "fingerprint"}
    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(ids["invoice"])
    assert declined.value.error
    assert declined.value.error.decline_code == "insufficient_funds"


def test_a_card_that_no_bank_issued_replaces_nothing(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    with pytest.raises(Exception, match="No test card 12"):
        local_stripe.scenarios.card_updated(customer=ids["customer"], number="12")

    assert _updates(client) == []


def test_retries_that_are_called_off_happen_no_more(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    assert client.v1.invoices.retrieve(ids["invoice"]).next_payment_attempt is not None

    stopped = client.v1.invoices.update(ids["invoice"], {"auto_advance": False})
    local_stripe.clock.advance(days=40)

    assert (stopped.auto_advance, stopped.next_payment_attempt) == (False, None)
    invoice = client.v1.invoices.retrieve(ids["invoice"])
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert len(client.v1.charges.list({"payment_intent": ids["payment_intent"]}).data) == 1
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "past_due"


def test_an_invoice_that_is_written_off_says_so_once(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()

    assert client.v1.invoices.mark_uncollectible(ids["invoice"]).status == "uncollectible"

    with pytest.raises(stripe.InvalidRequestError, match="only mark open invoices"):
        client.v1.invoices.mark_uncollectible(ids["invoice"])
    told = client.v1.events.list({"type": "invoice.marked_uncollectible"}).data
    assert [event.data.object["id"] for event in told] == [ids["invoice"]]
