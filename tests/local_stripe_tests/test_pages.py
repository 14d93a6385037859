"""The pages, clicked through as a browser without JavaScript would."""

import http.client
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import stripe

from recovery.models.merchants import DEFAULT_SETTLING_MINUTES
from tests.demo.merchant import SETTLING_MINUTES
from tests.local_stripe import LocalStripe
from tests.local_stripe.pages.layout import BANNER

GOOD = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Jane Doe"}


@dataclass(frozen=True)
class Shown:
    status: int
    body: str
    location: str | None


def visit(
    url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Shown:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=5)
    try:
        body = urlencode(form) if form is not None else None
        connection.request("POST" if form is not None else "GET", parts.path, body, headers or {})
        response = connection.getresponse()
        return Shown(response.status, response.read().decode(), response.headers["Location"])
    finally:
        connection.close()


def _portal(client: stripe.StripeClient, customer: str, **more: object) -> str:
    configuration = client.v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}
    )
    params: Any = {
        "customer": customer,
        "configuration": configuration.id,
        "return_url": "http://127.0.0.1:9/back",
        **more,
    }
    session = client.v1.billing_portal.sessions.create(params)
    return session.url


DONE: dict[str, object] = {
    "flow_data": {
        "type": "payment_method_update",
        "after_completion": {
            "type": "redirect",
            "redirect": {"return_url": "http://127.0.0.1:9/done"},
        },
    }
}


def test_a_customer_replaces_their_card_in_the_portal(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    url = _portal(client, ids["customer"], **DONE)

    shown = visit(url)
    saved = visit(url, GOOD)

    assert BANNER in shown.body
    assert 'href="http://127.0.0.1:9/back"' in shown.body
    assert (saved.status, saved.location) == (303, "http://127.0.0.1:9/done")
    customer = client.v1.customers.retrieve(ids["customer"])
    assert customer.invoice_settings is not None
    default = customer.invoice_settings.default_payment_method
    assert default != ids["payment_method"]
    card = client.v1.payment_methods.retrieve(str(default)).card
    assert card is not None
    assert (card.last4, card.exp_year) == ("4242", 2034)
    # The portal collects nothing by itself.
    assert client.v1.invoices.retrieve(ids["invoice"]).status == "open"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"number": "4000 0000 0000 0002"}, "Your card was declined."),
        ({"number": "4000000000009995"}, "Your card has insufficient funds."),
        ({"number": "4000 0000 0000 0069"}, "Your card has expired."),
        ({"number": "1234"}, "Your card number is invalid."),
        ({"expiry": "12 / 20"}, "expiration date is in the past"),
        ({"expiry": "soon"}, "expiration date is incomplete"),
        ({"cvc": ""}, "security code is incomplete"),
    ],
)
def test_a_card_that_cannot_be_saved_is_explained(
    local_stripe: LocalStripe, client: stripe.StripeClient, change: dict[str, str], sentence: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    url = _portal(client, ids["customer"], **DONE)

    refused = visit(url, GOOD | change)

    assert refused.status == 402
    assert sentence in refused.body.replace("&#x27;", "'")
    listed = client.v1.customers.payment_methods.list(ids["customer"]).data
    assert [method.id for method in listed] == [ids["payment_method"]]


def test_a_portal_link_dies_after_five_minutes_unused_and_an_hour_after_use(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()
    used, unused = _portal(client, ids["customer"]), _portal(client, ids["customer"])

    assert visit(used).status == 200
    local_stripe.clock.advance(minutes=6)
    assert (visit(used).status, visit(unused).status) == (200, 410)
    local_stripe.clock.advance(minutes=61)
    assert visit(used).status == 410


def test_the_portal_needs_a_configuration(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.subscriber()

    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.billing_portal.sessions.create({"customer": ids["customer"]})
    assert "No configuration provided and your test mode default configuration" in str(
        error.value.user_message
    )
    local_stripe.scenarios.portal_default()
    assert client.v1.billing_portal.sessions.create({"customer": ids["customer"]}).url


def test_a_portal_for_nobody_is_404(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as error:
        client.v1.billing_portal.sessions.create({"customer": "cus_none"})
    assert (error.value.http_status, error.value.param) == (404, "customer")


def test_an_invoice_is_paid_on_its_page(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    url = str(client.v1.invoices.retrieve(ids["invoice"]).hosted_invoice_url)

    declined = visit(url, GOOD | {"number": "4000 0000 0000 9995"})
    paid = visit(url, GOOD)

    assert declined.status == 402
    assert "insufficient funds" in declined.body
    assert (paid.status, paid.location) == (303, url)
    assert client.v1.invoices.retrieve(ids["invoice"]).status == "paid"
    assert "Paid. Thank you." in visit(url).body


@pytest.mark.parametrize(("choice", "status"), [("complete", "paid"), ("fail", "open")])
def test_the_bank_asks_and_the_cardholder_answers(
    local_stripe: LocalStripe, client: stripe.StripeClient, choice: str, status: str
) -> None:
    ids = local_stripe.scenarios.renewal_fails()
    url = str(client.v1.invoices.retrieve(ids["invoice"]).hosted_invoice_url)

    asked = visit(url, GOOD | {"number": "4000 0000 0000 3220"})
    challenge = f"{local_stripe.url}{asked.location}"
    assert "3D Secure" in visit(challenge).body
    assert "Confirm with your bank" in visit(url).body
    answered = visit(challenge, {"choice": choice})

    assert answered.location == url
    assert client.v1.invoices.retrieve(ids["invoice"]).status == status


def test_a_checkout_session_is_paid_on_its_page(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "http://127.0.0.1:9/thanks?s={CHECKOUT_SESSION_ID}",
            "line_items": [
                {
                    "quantity": 2,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 1500,
                        "product_data": {"name": "Mug"},
                    },
                }
            ],
        }
    )

    declined = visit(str(session.url), GOOD | {"number": "4000000000000002"})
    paid = visit(str(session.url), GOOD | {"email": "jo@example.com"})

    assert declined.status == 402
    assert paid.location == f"http://127.0.0.1:9/thanks?s={session.id}"
    done = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent", "line_items"]}
    )
    assert (done.status, done.payment_status, done.amount_total) == ("complete", "paid", 3000)
    assert isinstance(done.payment_intent, stripe.PaymentIntent)
    assert done.payment_intent.status == "succeeded"


def test_a_checkout_session_can_be_expired_once(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    price = client.v1.prices.create(
        {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Mug"}}
    )
    session = client.v1.checkout.sessions.create(
        {"mode": "payment", "line_items": [{"price": price.id, "quantity": 1}]}
    )
    assert client.v1.checkout.sessions.expire(session.id).status == "expired"
    assert visit(f"{local_stripe.url}/c/pay/{session.id}").status == 410
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        client.v1.checkout.sessions.expire(session.id)


def test_the_home_page_makes_a_renewal_fail_and_shows_it(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    form = {"name": "<Maria>", "email": "m@example.com", "price": "19.50", "reason": "lost_card"}

    pressed = visit(f"{local_stripe.url}/do/renewal_fails", form)
    shown = visit(local_stripe.url + "/").body

    assert (pressed.status, pressed.location) == (303, "/")
    assert BANNER in shown
    assert "&lt;Maria&gt;" in shown
    assert "19.50 USD" in shown
    invoice = client.v1.invoices.list({"status": "open"}).data[0]
    assert invoice.amount_due == 1950


@pytest.mark.parametrize(
    "amount",
    ["0", "0.49", "-5", "1000000", "1e400", "-1e400", "NaN", "sNaN", "inf", "49.005", "4,90", "x"],
)
@pytest.mark.parametrize(
    ("action", "name"), [("renewal_fails", "price"), ("one_time_fails", "amount")]
)
def test_an_amount_that_cannot_be_charged_is_answered_as_a_form_does(
    local_stripe: LocalStripe, client: stripe.StripeClient, action: str, name: str, amount: str
) -> None:
    answer = visit(f"{local_stripe.url}/do/{action}", {name: amount, "name": "Maria"})

    assert answer.status == 400
    assert "Write an amount from 0.50 to 999,999.99, as 49.00." in answer.body
    assert client.v1.customers.list().data == []


@pytest.mark.parametrize(
    ("amount", "cents"), [("0.50", 50), ("999999.99", 99_999_999), ("7", 700)]
)
def test_the_least_and_the_most_that_can_be_charged_are(
    local_stripe: LocalStripe, client: stripe.StripeClient, amount: str, cents: int
) -> None:
    assert visit(f"{local_stripe.url}/do/one_time_fails", {"amount": amount}).status == 303
    (intent,) = client.v1.payment_intents.list().data
    assert intent.amount == cents


def test_a_clock_that_cannot_be_moved_so_far_stays(local_stripe: LocalStripe) -> None:
    before = local_stripe.clock.now()

    assert visit(f"{local_stripe.url}/do/advance", {"days": "1e400"}).status == 400
    assert local_stripe.clock.now() - before < 60


def test_the_home_page_says_why_a_one_time_payment_is_not_written_about_at_once(
    local_stripe: LocalStripe,
) -> None:
    shown = visit(local_stripe.url + "/").body

    assert f"after {'one' if SETTLING_MINUTES == '1' else SETTLING_MINUTES} minute for" in shown
    assert f"after {DEFAULT_SETTLING_MINUTES} for any other" in shown


def test_the_buttons_of_the_home_page_work(
    local_stripe: LocalStripe, client: stripe.StripeClient
) -> None:
    base = local_stripe.url
    ids = local_stripe.scenarios.renewal_fails()
    retried = visit(f"{base}/do/retry", {"invoice": ids["invoice"]})
    paid = visit(f"{base}/do/pay", {"invoice": ids["invoice"]})
    canceled = visit(f"{base}/do/cancel", {"subscription": ids["subscription"]})
    failed = visit(f"{base}/do/one_time_fails", {"amount": "25.00", "reason": "3ds"})
    moved = visit(f"{base}/do/advance", {"days": "1"})
    again = visit(f"{base}/do/pay", {"invoice": ids["invoice"]})

    assert [one.status for one in (retried, paid, canceled, failed, moved)] == [303] * 5
    assert again.status == 400
    assert "Invoice is already paid" in again.body
    assert client.v1.subscriptions.retrieve(ids["subscription"]).status == "canceled"
    assert re.search("requires_action", visit(base + "/").body)


def test_a_page_from_elsewhere_cannot_press_the_buttons(local_stripe: LocalStripe) -> None:
    url = f"{local_stripe.url}/do/subscriber"

    assert visit(url, {}, {"Origin": "https://evil.example"}).status == 403
    assert visit(local_stripe.url + "/", headers={"Host": "evil.example"}).status == 403
    assert list(local_stripe.world.realms()) == []


@pytest.mark.parametrize(
    "path", ["/nothing", "/p/session/x", "/i/acct_1/in_1", "/3ds/pi_1", "/c/pay/cs_1", "/do/x"]
)
def test_what_is_not_there_is_404(local_stripe: LocalStripe, path: str) -> None:
    shown = visit(local_stripe.url + path)

    assert shown.status == 404
    assert BANNER in shown.body
