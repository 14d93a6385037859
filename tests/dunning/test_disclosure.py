"""All that is kept about one person is in one document, and nothing about anybody else."""

import json
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning import disclosure, erasure
from dunning.models import SuppressedAddress
from recovery.models import Customer, Merchant, RecoveryCase, StripeEvent
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.dunning.people import (
    CANARIES,
    EMAIL,
    KEPT,
    NAME,
    TEXT,
    fill,
    live,
    models_of_a_person,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
# Where in a case the rows of a model are.
PARTS = {
    "PaymentAttempt": "charges", "TimelineEntry": "timeline", "OperatorTask": "tasks",
    "Checkout": "checkouts", "OutboundNotice": "notices", "DunningRun": "runs",
    "DunningMessage": "messages", "PaymentUpdateLink": "links",
}  # fmt: skip
# A word between workers; a charge that a campaign is to ask for, which is then an attempt.
IN_NO_PART = {"Customer", "RecoveryCase", "WebhookDelivery", "Closing", "DunningRetry"}


def export(customer: Customer) -> dict[str, Any]:
    """As it is read by whoever gets it."""
    told: dict[str, Any] = json.loads(json.dumps(disclosure.of(customer, now=timezone.now())))
    return told


def test_every_row_about_the_person_is_in_it_with_all_that_it_says() -> None:
    customer = live(make_merchant())
    fill(customer)

    told = export(Customer.objects.get())

    [case] = told["cases"]
    assert {model.__name__ for model in models_of_a_person()} == PARTS.keys() | IN_NO_PART
    for model, way in models_of_a_person().items():
        if part := PARTS.get(model.__name__):
            rows: models.QuerySet[Any] = (
                models.QuerySet(model).filter(**{way: customer.pk}).order_by("pk")
            )
            assert len(case[part]) == len(rows) > 0, part
            for field in model._meta.concrete_fields:
                is_planted = isinstance(field, models.CharField | models.TextField)
                if is_planted and field.name not in KEPT and not field.choices:
                    assert [one[field.name] for one in case[part]] == list(
                        rows.values_list(field.name, flat=True)
                    )
    assert [one["deliveries"] for one in case["notices"] if one["deliveries"]] != []
    assert (told["customer"]["email"], told["customer"]["name"]) == (EMAIL, NAME)
    assert case["description"] == TEXT
    assert len(told["suppressed_addresses"]) == 2 == SuppressedAddress.objects.count()
    assert len(told["stripe_events"]) == 3 == StripeEvent.objects.count()


def test_money_times_and_who_it_is_of_can_be_read_by_a_machine() -> None:
    merchant = make_merchant()
    customer = live(merchant)

    told = export(customer)

    [case] = told["cases"]
    opened_at = RecoveryCase.objects.get().opened_at.isoformat().replace("+00:00", "Z")
    assert (case["amount"], case["currency"], case["opened_at"]) == (4900, "usd", opened_at)
    assert (told["format"], told["version"]) == ("recover.person", 1)
    assert told["merchant"] == {"id": merchant.public_id, "name": "Fern Tea Club"}
    assert told["exported_at"].endswith("Z")


def test_nobody_else_is_in_it_and_no_secret() -> None:
    merchant: Merchant = make_merchant()
    live(merchant)
    other = live(merchant, customer="cus_2", invoice="in_2", name="Al Fir", email="al@fir.example")
    live(make_merchant("Moss"), invoice="in_3")
    token = links.create(case=other.cases.get(), now=timezone.now()).partition("token=")[2]

    written = json.dumps(export(other))

    assert [one for one in (*CANARIES[:3], "in_1", "in_3") if one in written.lower()] == []
    assert "al@fir.example" in written
    assert token not in written
    digests = PaymentUpdateLink.objects.values_list("digest", flat=True)
    assert [one for one in digests if one in written] == []


def test_of_who_was_erased_it_has_what_stays() -> None:
    customer = live(make_merchant())
    erasure.erase(customer=customer, closes_open_cases=False, actor="jo", now=timezone.now())

    told = export(Customer.objects.get())

    assert (told["customer"]["name"], told["customer"]["stripe_customer_id"]) == ("", "cus_1")
    assert told["cases"][0]["amount"] == 4900


def test_a_guest_has_one_too() -> None:
    make_merchant()
    receive(DOCUMENTED_EXAMPLE)

    told = export(Customer.objects.get())

    assert [one["stripe_event_id"] for one in told["stripe_events"]] == [DOCUMENTED_EXAMPLE["id"]]
