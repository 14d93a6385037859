"""What a test fills in, and what the page says to it."""

from typing import Any

from django.test import Client
from django.urls import reverse

from recovery.models import Merchant

ACCOUNT = {
    "name": "Fern Ltd", "product_name": "Fern Tea", "time_zone": "Asia/Tokyo", "currency": "JPY",
    "monthly_price": "3000", "settling_minutes": "5", "payload_days": "45",
    "message_days": "400",
}  # fmt: skip


def address(name: str, *args: object) -> str:
    return reverse(f"admin:settings{name}", args=args)


def send(client: Client, name: str, /, *args: object, **fields: Any) -> list[str]:
    """What is said to a form that is sent and taken."""
    answer = client.post(address(name, *args), fields)
    assert answer.status_code == 302, errors(answer)
    return [str(message) for message in client.get(answer["Location"]).context["messages"]]


def refused(client: Client, name: str, /, *args: object, **fields: Any) -> dict[str, list[str]]:
    """What is wrong with a form that is sent, by field; the page says it beside it."""
    answer = client.post(address(name, *args), fields)
    assert answer.status_code == 200
    told = errors(answer)
    assert told
    return told


def errors(answer: Any) -> dict[str, list[str]]:
    names = ("form", "overriding", "addresses", "window", "overlap", "replacement")
    found: dict[str, list[str]] = {}
    for name in names:
        form = (answer.context or {}).get(name)
        if form is not None and form.is_bound:
            found |= {field: [str(one) for one in told] for field, told in form.errors.items()}
    return found


def row(merchant: Merchant) -> dict[str, Any]:
    found: dict[str, Any] = {**Merchant.objects.filter(pk=merchant.pk).values().get()}
    return found


def shown(client: Client, answer: Any) -> list[str]:
    """The secrets of the page that is led to, in their order."""
    assert answer.status_code == 302, errors(answer)
    page = client.get(answer["Location"])
    assert "no-store" in page["Cache-Control"]
    return [secret.value for secret in page.context.get("secrets", ())]
