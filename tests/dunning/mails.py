"""A merchant, what its customers owe, and the mails about that."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dunning.wording.rendering import Rendered, render
from recovery.models import Customer, Merchant, RecoveryCase
from tests.builders import make_merchant

LINK = "https://pay.example.com/fourthngoal/recover/update?token=a.b.c"
UNSUBSCRIBE = "https://pay.example.com/fourthngoal/recover/unsubscribe?token=d.e.f"
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    made = make_merchant(product_name="Fern Tea")
    made.support_email = "help@fern.example"
    made.save()
    return made


def debt_of(
    merchant: Merchant, *, locale: str = "", code: str = "insufficient_funds", **facts: Any
) -> RecoveryCase:
    return RecoveryCase(
        merchant=merchant, customer=Customer(email="jo@example.com", name="Jo", locale=locale),
        decline_code=code, **{"amount": 4900, "currency": "usd", "failed_at": NOW, **facts},
    )  # fmt: skip


def rendered(merchant: Merchant, template: str, **facts: Any) -> Rendered:
    return render(debts=[debt_of(merchant, **facts)], template=template, link=LINK)
