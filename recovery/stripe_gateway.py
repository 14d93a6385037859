"""The one door to Stripe: the pinned version, one HTTP pool, short times, few named errors."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from recovery.declines import Decline
from recovery.models import Merchant
from recovery.reading import Node, id_of, items, node, text
from recovery.stripe_errors import (
    DeclinedError,
    MissingPermissionError,
    NotConnectedError,
    ObjectMissingError,
    RefusedError,
    StripeError,
    StripeUnavailableError,
    TooManyEndpointsError,
)
from recovery.stripe_objects import (
    Charged,
    Customer,
    Failure,
    Invoice,
    PaymentIntent,
    PaymentMethod,
)

API_VERSION = "2026-10-28.endive"
CONNECT_SECONDS, READ_SECONDS = 3.05, 15
NETWORK_RETRIES = 2
PAGE = 100

stripe.enable_telemetry = False


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: str
    url: str
    api_version: str
    is_enabled: bool
    merchant: str
    secret: str = ""


class _Http(stripe.RequestsClient):
    """The SDK falls over an answer that isn't Stripe's, a captive portal's page for instance."""

    def request(  # type: ignore[override]  # as RequestsClient has it
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        body, status, answered = super().request(method, url, headers, post_data)
        if not _is_stripes(body, status):
            raise stripe.APIConnectionError("Not Stripe's answer.")  # type: ignore[no-untyped-call]
        return body, status, answered


def _is_stripes(body: bytes, status: int) -> bool:
    """Every object of Stripe's says in `object` what it is; errors have a shape of their own."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return body.lstrip().startswith(b"{") and (status >= 400 or b'"object"' in body)


BY_INTENT_STATUS = {"succeeded": "paid", "processing": "pending"}


@cache
def _http() -> stripe.RequestsClient:
    return _Http(timeout=(CONNECT_SECONDS, READ_SECONDS))


def _permission_in(message: str) -> str:
    found = re.search(r"rak_\w+", message)
    return found.group() if found else ""


def _named(error: stripe.StripeError) -> StripeError:
    """Ours for theirs. The text is Stripe's, without the body that SDK errors carry along."""
    message = error.user_message or "Stripe gave no reason."
    code = getattr(error.error, "code", None) if error.error else None
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError | stripe.APIError):
        return StripeUnavailableError(message)
    if isinstance(error, stripe.CardError):
        return DeclinedError(message, _declined(error))
    if isinstance(error, stripe.AuthenticationError):
        return NotConnectedError("Stripe doesn't accept the key.")
    if isinstance(error, stripe.PermissionError):
        return MissingPermissionError(_permission_in(message))
    if isinstance(error, stripe.IdempotencyError) or code == "idempotency_key_in_use":
        return StripeUnavailableError(message)
    if error.http_status == 404 or code == "resource_missing":
        return ObjectMissingError(message)
    if re.search(r"maximum of \d+ .*webhook endpoints", message):
        return TooManyEndpointsError(
            "This Stripe account has no room for another webhook endpoint (16 per mode). Delete "
            "one that is no longer used in Stripe's dashboard, under Developers → Webhooks."
        )
    return RefusedError(message)


@contextmanager
def _errors_named() -> Iterator[None]:
    try:
        yield
    except stripe.StripeError as error:
        raise _named(error) from None


class StripeGateway:
    """One merchant's Stripe. Every method raises StripeUnavailableError, NotConnectedError or
    MissingPermissionError; what else one raises, it says."""

    def __init__(self, *, api_key: str, account: str = "") -> None:
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            stripe_account=account or None,
            http_client=_http(),
            max_network_retries=NETWORK_RETRIES,
            base_addresses={"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {},
        )

    # --- what the payload leaves out ---
    def invoice(self, invoice_id: str) -> Invoice:
        """The invoice now, with its newest payment's failure. Raises ObjectMissingError."""
        with _errors_named():
            invoice = self._client.v1.invoices.retrieve(invoice_id).to_dict()
            payments = self._client.v1.invoice_payments.list({"invoice": invoice_id}).to_dict()
        intent_id = self._newest_intent(payments) or id_of(invoice.get("payment_intent"))
        if intent_id:
            invoice["payment_intent"] = self._payment_intent(intent_id)
        return Invoice.read(invoice)

    @staticmethod
    def _newest_intent(payments: Node) -> str:
        newest = sorted(items(payments), key=lambda payment: payment.get("created") or 0)
        intents = [id_of(node(payment, "payment").get("payment_intent")) for payment in newest]
        return intents[-1] if intents else ""

    def _payment_intent(self, intent_id: str) -> dict[str, Any]:
        with _errors_named():
            return self._client.v1.payment_intents.retrieve(
                intent_id, {"expand": ["latest_charge"]}
            ).to_dict()

    def payment_intent(self, intent_id: str) -> PaymentIntent:
        """Raises ObjectMissingError."""
        return PaymentIntent.read(self._payment_intent(intent_id))

    def invoice_of(self, intent_id: str) -> str:
        """The invoice that a PaymentIntent pays, "" for a one-time payment."""
        with _errors_named():
            found = self._client.v1.invoice_payments.list(
                {"payment": {"type": "payment_intent", "payment_intent": intent_id}}
            ).to_dict()
        return next((id_of(payment.get("invoice")) for payment in items(found)), "")

    def customer(self, customer_id: str) -> Customer:
        """Raises ObjectMissingError; a deleted customer is returned as deleted."""
        with _errors_named():
            return Customer.read(self._client.v1.customers.retrieve(customer_id).to_dict())

    def open_invoices(self, customer_id: str = "") -> list[Invoice]:
        """Invoices whose automatic charge failed and that are still open, oldest first."""
        filters: dict[str, Any] = {"status": "open", "limit": PAGE}
        if customer_id:
            filters["customer"] = customer_id
        with _errors_named():
            listed = self._client.v1.invoices.list(filters)  # type: ignore[arg-type]
            found = [Invoice.read(invoice.to_dict()) for invoice in listed.auto_paging_iter()]
        due = [
            invoice
            for invoice in found
            if invoice.attempted and invoice.collection_method != "send_invoice"
        ]
        return due[::-1]

    # --- money ---
    def pay_invoice(
        self, invoice_id: str, *, payment_method_id: str, key: str, is_customer_present: bool
    ) -> Charged:
        """Charge an open invoice. A decline is an answer. Raises ObjectMissingError."""
        try:
            with _errors_named():
                invoice = self._client.v1.invoices.pay(
                    invoice_id,
                    {"payment_method": payment_method_id, "off_session": not is_customer_present},
                    {"idempotency_key": key},
                ).to_dict()
        except DeclinedError as error:
            return error.charged
        except RefusedError as error:
            if "already paid" in str(error):
                return Charged("already_paid")
            if "open invoices" in str(error):
                return Charged("not_open")
            raise
        return Charged("paid" if Invoice.read(invoice).is_paid else "pending")

    def confirm_payment(
        self, intent_id: str, *, payment_method_id: str, key: str, is_customer_present: bool
    ) -> Charged:
        """Charge a failed one-time payment to another payment method, as `pay_invoice` does."""
        try:
            with _errors_named():
                intent = self._client.v1.payment_intents.confirm(
                    intent_id,
                    {"payment_method": payment_method_id, "off_session": not is_customer_present},
                    {"idempotency_key": key},
                ).to_dict()
        except DeclinedError as error:
            return error.charged
        except RefusedError as error:
            if re.search(r"already succeeded|status of succeeded", str(error)):
                return Charged("already_paid")
            if "status of canceled" in str(error):
                return Charged("not_open")
            raise
        return Charged(BY_INTENT_STATUS.get(text(intent.get("status")), "requires_action"))

    # --- the portal ---
    def ensure_portal_configuration(self) -> str:
        """The id of a portal configuration of ours, made where there is none."""
        with _errors_named():
            listed = self._client.v1.billing_portal.configurations.list(
                {"active": True, "limit": PAGE}
            ).to_dict()
            for configuration in items(listed):
                if node(configuration.get("metadata")).get("made_by") == "recover":
                    return id_of(configuration)
            made = self._client.v1.billing_portal.configurations.create(
                {
                    "features": {
                        "payment_method_update": {"enabled": True},
                        "invoice_history": {"enabled": True},
                    },
                    "metadata": {"made_by": "recover"},
                }
            ).to_dict()
        return id_of(made)

    def portal_session(self, *, customer_id: str, configuration_id: str, return_url: str) -> str:
        """The address of a portal page that updates the card; good for 5 minutes, so never kept.
        Raises ObjectMissingError for a deleted customer."""
        redirect: Any = {"type": "redirect", "redirect": {"return_url": return_url}}
        with _errors_named():
            session = self._client.v1.billing_portal.sessions.create(
                {
                    "customer": customer_id,
                    "return_url": return_url,
                    "flow_data": {"type": "payment_method_update", "after_completion": redirect},
                    **({"configuration": configuration_id} if configuration_id else {}),
                }
            ).to_dict()
        return text(session.get("url"), longest=5000)

    # --- connecting ---
    def account(self) -> str:
        """The account's id, "" where the key may not ask for it."""
        try:
            with _errors_named():
                return id_of(self._client.v1.accounts.retrieve_current().to_dict())
        except MissingPermissionError:
            return ""

    def endpoints(self) -> list[Endpoint]:
        with _errors_named():
            listed = self._client.v1.webhook_endpoints.list({"limit": PAGE}).to_dict()
        return [_endpoint(endpoint) for endpoint in items(listed)]

    def create_endpoint(self, *, url: str, events: list[str], merchant: str, key: str) -> Endpoint:
        """A new endpoint with its secret, told this once. Raises TooManyEndpointsError."""
        with _errors_named():
            made = self._client.v1.webhook_endpoints.create(
                {
                    "url": url,
                    "enabled_events": events,  # type: ignore[typeddict-item]
                    "api_version": API_VERSION,  # type: ignore[typeddict-item]
                    "description": "Recover",
                    "metadata": {"recover_merchant": merchant},
                },
                {"idempotency_key": key},
            ).to_dict()
        return _endpoint(made)

    def update_endpoint(self, endpoint_id: str, *, events: list[str]) -> None:
        with _errors_named():
            self._client.v1.webhook_endpoints.update(
                endpoint_id,
                {"enabled_events": events, "disabled": False},  # type: ignore[arg-type]
            )

    def delete_endpoint(self, endpoint_id: str) -> None:
        with _errors_named():
            self._client.v1.webhook_endpoints.delete(endpoint_id)

    def missing_permissions(self) -> list[str]:
        """The permissions that the key lacks, by asking for things that don't exist: Stripe looks
        at the permission before it looks for the object."""
        v1 = self._client.v1
        nothing = "recover_probe"
        probes = {
            "rak_invoice_write": lambda: v1.invoices.pay(f"in_{nothing}"),
            "rak_payment_intent_read": lambda: v1.payment_intents.retrieve(f"pi_{nothing}"),
            "rak_charge_read": lambda: v1.charges.retrieve(f"ch_{nothing}"),
            "rak_customer_read": lambda: v1.customers.retrieve(f"cus_{nothing}"),
            "rak_subscription_read": lambda: v1.subscriptions.retrieve(f"sub_{nothing}"),
            "rak_payment_method_read": lambda: v1.payment_methods.retrieve(f"pm_{nothing}"),
            "rak_event_read": lambda: v1.events.retrieve(f"evt_{nothing}"),
            "rak_webhook_write": lambda: v1.webhook_endpoints.delete(f"we_{nothing}"),
            "rak_customer_portal_write": lambda: v1.billing_portal.sessions.create(
                {"customer": f"cus_{nothing}"}
            ),
        }
        return [name for name, probe in probes.items() if not _is_permitted(probe)]


def _is_permitted(probe: Any) -> bool:
    try:
        with suppress(ObjectMissingError, RefusedError), _errors_named():
            probe()
    except MissingPermissionError:
        return False
    return True


def _endpoint(value: Node) -> Endpoint:
    return Endpoint(
        id=id_of(value),
        url=text(value.get("url"), longest=2000),
        api_version=text(value.get("api_version")),
        is_enabled=value.get("status") == "enabled",
        merchant=text(node(value.get("metadata")).get("recover_merchant")),
        secret=text(value.get("secret")),
    )


def _declined(error: stripe.CardError) -> Charged:
    """Any 402. It carries the whole PaymentIntent, so no second question is needed."""
    body = node(error.json_body, "error")
    if error.code in {"invoice_payment_intent_requires_action", "payment_intent_action_required"}:
        return Charged("requires_action")
    intent = node(body, "payment_intent")
    failure = Failure.read(node(intent, "last_payment_error") or body, intent.get("latest_charge"))
    failure = failure or Failure(decline=Decline(), payment_method=PaymentMethod())
    return Charged("declined", failure, failure.charge_id)


def of(merchant: Merchant) -> StripeGateway:
    """The merchant's gateway: by its own key, else by the platform's for its Connect account.

    Raises NotConnectedError where there is neither.
    """
    connection = merchant.stripe
    if connection.disconnected_at:
        raise NotConnectedError("The merchant's Stripe account was disconnected.")
    if connection.api_key:
        return StripeGateway(api_key=connection.api_key)
    if connection.account_id and settings.STRIPE_API_KEY:
        return StripeGateway(api_key=settings.STRIPE_API_KEY, account=connection.account_id)
    raise NotConnectedError("The merchant has no Stripe key.")
