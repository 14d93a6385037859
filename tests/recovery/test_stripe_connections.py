"""How many questions Stripe is asked, and over which connections."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import stripe
from urllib3 import ProxyManager

from recovery.stripe_errors import MissingPermissionError, ObjectMissingError
from recovery.stripe_gateway import StripeGateway, connections, invoices
from tests.local_stripe import LocalStripe
from tests.recovery.stories import KEY


def test_an_invoice_its_payments_failure_and_who_owes_it_are_one_question(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    local_stripe.requests.clear()

    invoice, customer = gateway.debt(renewal["invoice"])

    assert len(local_stripe.requests) == 1
    assert invoice.failure
    assert invoice.failure.decline.best_code == "expired_card"
    assert invoice.failure.charged_at
    assert customer == gateway.customer(renewal["customer"])
    assert replace(invoice, failure=None, payment_intent_id="", payment_status="") == (
        gateway.bare_invoice(renewal["invoice"])
    )


def test_an_invoice_without_a_payment_is_asked_for_by_itself(
    local_stripe: LocalStripe, gateway: StripeGateway
) -> None:
    client = stripe.StripeClient(KEY, base_addresses={"api": local_stripe.url})
    customer = client.v1.customers.create({"email": "jo@example.com"})
    draft = client.v1.invoices.create({"customer": customer.id})

    invoice, owes = gateway.debt(draft.id)

    assert (invoice.id, invoice.status, owes) == (draft.id, "draft", None)
    with pytest.raises(ObjectMissingError):
        gateway.debt("in_that_is_not_there")


def test_a_key_that_may_not_have_things_along_asks_for_each_and_is_not_tried_again(
    local_stripe: LocalStripe, renewal: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = StripeGateway(api_key=KEY, account="")
    expected, _customer = gateway.debt(renewal["invoice"])
    read = gateway._read
    asked: list[str] = []

    def restricted(kind: str, stripe_id: str = "", **about: Any) -> dict[str, Any]:
        asked.append(kind)
        if kind == "invoice_payments" and "expand" in about:
            raise MissingPermissionError("rak_credit_note_read")
        return read(kind, stripe_id, **about)

    monkeypatch.setattr(gateway, "_read", restricted)
    monkeypatch.setattr(invoices, "_BARE", set())

    assert [gateway.debt(renewal["invoice"]) for _time in range(2)] == [(expected, None)] * 2
    once = ["invoice_payments", "invoices", "payment_intents"]
    assert asked == ["invoice_payments", *once, *once]


def test_who_asks_from_many_threads_keeps_the_connections(
    local_stripe: LocalStripe, gateway: StripeGateway, renewal: dict[str, str]
) -> None:
    connections._pool.cache_clear()
    for _set in range(3):
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(gateway.customer, [renewal["customer"]] * 8))

    pool = connections._pool("http", local_stripe.url.removeprefix("http://"))
    [(_key, kept)] = pool.pools._container.items()
    assert 0 < kept.num_connections <= 4
    assert len(local_stripe.requests) >= 24


@pytest.mark.parametrize(
    ("variable", "proxy", "basic"),
    [
        ("HTTPS_PROXY", "http://jo:p%40ss@127.0.0.1:9999", "am86cEBzcw=="),
        ("HTTPS_PROXY", "127.0.0.1:9999", ""),
        ("ALL_PROXY", "http://127.0.0.1:9999", ""),
    ],
)
def test_a_proxy_may_be_written_in_any_way_that_others_take(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str, basic: str
) -> None:
    connections._pool.cache_clear()
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, proxy)

    proxied = connections._pool("https", "api.stripe.com")
    connections._pool.cache_clear()

    assert isinstance(proxied, ProxyManager)
    assert proxied.proxy is not None
    assert (proxied.proxy.host, proxied.proxy.port) == ("127.0.0.1", 9999)
    told = {"proxy-authorization": f"Basic {basic}"} if basic else {}
    assert proxied.proxy_headers == told


def test_a_proxy_is_used_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    connections._pool.cache_clear()
    monkeypatch.setenv("HTTPS_PROXY", "http://jo:secret@127.0.0.1:9999")
    monkeypatch.setenv("NO_PROXY", "files.stripe.com")

    proxied = connections._pool("https", "api.stripe.com")
    direct = connections._pool("https", "files.stripe.com")
    connections._pool.cache_clear()

    assert isinstance(proxied, ProxyManager)
    assert proxied.proxy_headers == {"proxy-authorization": "Basic am86c2VjcmV0"}
    assert not isinstance(direct, ProxyManager)
    assert direct.connection_pool_kw["ca_certs"] == stripe.ca_bundle_path
