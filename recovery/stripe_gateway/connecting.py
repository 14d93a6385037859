"""What is looked at and made when a merchant connects: permissions and the webhook endpoint."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from recovery.reading import Node, id_of, items, node, text
from recovery.stripe_errors import MissingPermissionError, ObjectMissingError, RefusedError
from recovery.stripe_gateway.wire import API_VERSION, PAGE, Door, errors_named


@dataclass(frozen=True, slots=True)
class Endpoint:
    id: str
    url: str
    api_version: str
    is_enabled: bool
    merchant: str
    events: frozenset[str]
    secret: str = ""


class Connecting(Door):
    def account(self) -> str:
        """The account's id; of a key that may not ask for it, as Stripe's refusal names it, ""
        where that doesn't."""
        try:
            with errors_named():
                return id_of(self._client.v1.accounts.retrieve_current().to_dict())
        except MissingPermissionError as error:
            return error.account

    def endpoints(self) -> list[Endpoint]:
        with errors_named():
            listed = self._client.v1.webhook_endpoints.list({"limit": PAGE}).to_dict()
        return [_endpoint(endpoint) for endpoint in items(listed)]

    def create_endpoint(self, *, url: str, events: list[str], merchant: str, key: str) -> Endpoint:
        """A new endpoint with its secret, told this once. Raises TooManyEndpointsError."""
        with errors_named():
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

    def update_endpoint(self, endpoint_id: str, *, url: str, events: list[str]) -> None:
        with errors_named():
            self._client.v1.webhook_endpoints.update(
                endpoint_id,
                {"url": url, "enabled_events": events, "disabled": False},  # type: ignore[arg-type]
            )

    def delete_endpoint(self, endpoint_id: str) -> None:
        with errors_named():
            self._client.v1.webhook_endpoints.delete(endpoint_id)

    def missing_permissions(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that the key lacks, by asking for things that don't exist: Stripe looks
        at the permission before it looks for the object."""
        v1 = self._client.v1
        nothing = "recover_probe"
        probes: dict[str, Callable[[], object]] = {
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
            "rak_checkout_session_write": lambda: v1.checkout.sessions.expire(f"cs_{nothing}"),
            "rak_payment_intent_write": lambda: v1.payment_intents.cancel(f"pi_{nothing}"),
            "rak_customer_write": lambda: v1.customers.update(f"cus_{nothing}"),
            "rak_subscription_write": lambda: v1.subscriptions.update(f"sub_{nothing}"),
        }
        return [name for name in names if not _is_permitted(probes[name])]


def _is_permitted(probe: Callable[[], object]) -> bool:
    try:
        with suppress(ObjectMissingError, RefusedError), errors_named():
            probe()
    except MissingPermissionError:
        return False
    return True


def _endpoint(value: Node) -> Endpoint:
    enabled = value.get("enabled_events")
    enabled = enabled if isinstance(enabled, list) else []
    return Endpoint(
        id=id_of(value),
        url=text(value.get("url"), longest=2000),
        api_version=text(value.get("api_version")),
        is_enabled=value.get("status") == "enabled",
        merchant=text(node(value.get("metadata")).get("recover_merchant")),
        events=frozenset(text(event) for event in enabled if isinstance(event, str)),
        secret=text(value.get("secret")),
    )
