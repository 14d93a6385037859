"""Every route of the JSON API that is for clients, as the URL map has it, and how to ask it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from rest_framework.views import APIView

from recovery import credentials, timeline, webhook_registrations
from recovery.api.authentication import InternalKeyAuthentication
from recovery.api.views import ClientView
from recovery.models import Customer, Merchant, PaymentAttempt, RecoveryCase, WebhookRegistration
from recovery.timeline import Kind
from recovery.webhook_registrations import MOST_OF_A_MERCHANT
from tests.recovery.api.asking import NOON, bearer

METHODS = ("get", "post", "put", "patch", "delete")
# Who isn't a client, and shows nothing: Stripe signs, customers have their links.
FOR_EVERYBODY: frozenset[str] = frozenset(
    {
        "webhook",
        "logo",
        "update",
        "update_invoice",
        "update_replace",
        "update_return",
        "update_return_from_checkout",
        "unsubscribe",
        "token",
        "token-refresh",
        "schema",
        "docs",
        "healthz",
        "readyz",
        "prometheus",
    }
)


def a_case(merchant: Merchant) -> dict[str, str]:
    """All that a case may have, each part with the merchant's name in it."""
    name, number = merchant.name.lower(), RecoveryCase.objects.count() + 1
    customer = Customer.objects.create(
        merchant=merchant, stripe_customer_id=f"cus_{name}_{number}", known_at=NOON,
        email=f"{name}.{number}@{name}.example", name=name,
    )  # fmt: skip
    case = RecoveryCase.objects.create(
        merchant=merchant, customer=customer, livemode=False, amount=4900, currency="usd",
        stripe_invoice_id=f"in_{name}_{number}", stripe_subscription_id=f"sub_{name}",
        invoice_number=f"{name}-{number}", description=name, decline_type="soft",
        decline_code=f"code_{name}_{number}", failed_at=NOON, opened_at=NOON, known_at=NOON,
    )  # fmt: skip
    happened(case)
    return {"event_id": case.public_id}


def happened(case: RecoveryCase) -> None:
    """One more attempt and one more entry."""
    number, name = case.attempts.count(), case.merchant.name.lower()
    PaymentAttempt.objects.create(
        merchant=case.merchant, case=case, trigger="stripe", state="claimed", amount=4900,
        currency="usd", attempted_at=NOON, key=f"{name}{number}", payment_method_id=f"pm_{name}",
    )  # fmt: skip
    timeline.append(
        case=case, kind=Kind.MESSAGE_SENT, at=NOON, once=f"m{number}", rule=name,
        summary=f"Mail to someone@{name}.example.", facts={"of": name},
    )  # fmt: skip


def a_webhook(merchant: Merchant) -> dict[str, str]:
    """Another one, or the newest of as many as there may be."""
    made = WebhookRegistration.objects.of(merchant).order_by("-id")
    if made.count() < MOST_OF_A_MERCHANT:
        webhook_registrations.register(
            merchant=merchant, url=f"https://{merchant.name.replace(' ', '-')}.example/",
            description=merchant.name, event_types=["case.lost"], now=NOON,
        )  # fmt: skip
    return {"webhook_id": made[0].public_id}


def a_delivery(merchant: Merchant) -> dict[str, str]:
    registration = WebhookRegistration.objects.get(public_id=a_webhook(merchant)["webhook_id"])
    sent = webhook_registrations.send_test(registration=registration, now=NOON)
    return {"delivery_id": sent.public_id}


# For each name in a path: makes what it names, and gives the names of the path their values.
SAMPLES: Mapping[str, Callable[[Merchant], dict[str, str]]] = {
    "event_id": a_case,
    "webhook_id": a_webhook,
    "delivery_id": a_delivery,
}


@dataclass(frozen=True)
class Route:
    name: str
    view: type[ClientView]
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(method for method in METHODS if hasattr(self.view, method))

    def ask(
        self, method: str, *, ids: Mapping[str, str], client: Merchant | None, **query: str
    ) -> Any:
        """By the merchant's own key, or by nobody's."""
        path = reverse(self.name, kwargs=dict(ids))
        headers = self.credential(client) if client else {}
        if method == "get":
            return Client().get(path, query, headers=headers)
        call = getattr(Client(), method)
        return call(path, "{}", content_type="application/json", headers=headers)

    def credential(self, merchant: Merchant) -> dict[str, str]:
        if InternalKeyAuthentication in self.view.authentication_classes:
            key = credentials.new_internal_key(merchant=merchant, now=timezone.now())
            return {"X-Internal-Key": key}
        return bearer(merchant)

    def sample(self, merchant: Merchant) -> dict[str, str]:
        """Makes what the path is about, and gives its ids."""
        return {name: value for id_ in self.ids for name, value in SAMPLES[id_](merchant).items()}


def patterns(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for found in (resolver or get_resolver()).url_patterns:
        if isinstance(found, URLResolver):
            if not str(found.pattern).startswith("admin/"):
                yield from patterns(found)
        elif not str(found.pattern).startswith("admin/"):
            yield found


def view_of(pattern: URLPattern) -> type[APIView] | None:
    return getattr(pattern.callback, "cls", None)


def routes() -> list[Route]:
    found = []
    for pattern in patterns():
        view = view_of(pattern)
        if view is not None and issubclass(view, ClientView) and pattern.name:
            found.append(Route(pattern.name, view, tuple(pattern.pattern.converters)))
    return found


ROUTES = routes()
OF_ONE = [route for route in ROUTES if route.ids]
LISTS = [route for route in ROUTES if not route.ids and "get" in route.methods]  # or figures
EVERY_METHOD = [(route, method) for route in ROUTES for method in METHODS]
NO_METHOD = [(route, method) for route, method in EVERY_METHOD if method not in route.methods]
CALLS = [(route, method) for route in OF_ONE for method in route.methods]
