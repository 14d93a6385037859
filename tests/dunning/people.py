"""A person whose name, addresses and cards are in every column that can hold them, and where they
are looked for afterwards: in every column of every table that there is."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.utils import timezone

from billing_portal import links
from dunning import erasure
from dunning.mail import addresses
from dunning.models import DunningMessage, DunningRetry, DunningRun, SuppressedAddress
from dunning.tasks import deliver_queued, start_runs, work_due_steps
from recovery import cases, operator_tasks, outbound
from recovery import erasure as rows
from recovery.models import (
    Checkout,
    Customer,
    Merchant,
    PaymentAttempt,
    RecoveryCase,
    TimelineEntry,
    WebhookDelivery,
)
from recovery.operator_tasks import TaskKind
from tests.builders import EXPIRED_CARD, event, receive
from tests.recovery.receivers import registered

NAME, EMAIL = "Zanzibar Quill", "zanzibar.quill@canary.example"
OTHER_EMAIL, OLD_EMAIL = "office@quill-canary.example", "before@quill-canary.example"
BY = "olga@merchant.example"
TEXT = f"Ask {NAME} at {EMAIL}."
CANARIES = ("zanzibar", "quill", "canary", "goldfish", "za***")
# What is in a row of the person's and stays, by the name of the column; for each why.
KEPT: Mapping[str, str] = {
    name: why
    for why, names in {
        "it is the row's own name": "public_id digest provider_id",
        "Stripe's id, which leads to what Stripe keeps": (
            "stripe_customer_id stripe_invoice_id stripe_payment_intent_id stripe_subscription_id "
            "stripe_charge_id stripe_event_id payment_method_id payment_method_before session_id "
            "payment_intent_id concerns"
        ),
        "the debt's own number in the merchant's books": "invoice_number",
        "a word of Stripe's, of a bank's or of ours, of a few that there are": (
            "currency decline_code advice_code network_decline_code network_advice_code "
            "block_reason card_brand kind type reason result"
        ),
        "one of the merchant's people": "actor asked_for_by",
        "planted as what it is": "once key fingerprint pseudonym payload",
        "two letters, no text; looked at by itself": "country card_country card_last4 card_expiry",
    }.items()
    for name in names.split()
}  # fmt: skip


def models_of_a_person() -> dict[type[models.Model], str]:
    """Each model whose rows are a customer's, with the way from the row to the customer."""
    found: dict[type[models.Model], str] = {Customer: "pk", RecoveryCase: "customer"}
    for model in apps.get_models():
        relations = {one.related_model for one in model._meta.fields if one.is_relation}
        if RecoveryCase in relations and model not in found:
            found[model] = "case__customer"
    return found


def live(merchant: Merchant, *, customer: str = "cus_1", invoice: str = "in_1",
         name: str = NAME, email: str = EMAIL) -> Customer:  # fmt: skip
    """A case that lived through what a case may, with what that leaves of its customer."""
    now = timezone.now()
    registered(merchant)
    failure = copy.deepcopy(EXPIRED_CARD)
    failure["id"] = f"evt_{invoice}"
    failure["data"]["object"] |= {
        "id": invoice, "customer": customer, "customer_email": email, "customer_name": name,
        "number": f"NR-{invoice}", "description": f"Lessons for {name}",
    }  # fmt: skip
    receive(failure, merchant=merchant)
    receive(
        event("customer.updated", {"id": customer, "object": "customer", "email": email,
                                   "name": name, "metadata": {"pet": "goldfish"}},
              created=int(now.timestamp()) + 30),
        event("invoice.paid", {"id": f"{invoice}_other", "customer": customer,
                               "customer_email": email, "amount_paid": 100}),
        merchant=merchant,
    )  # fmt: skip
    start_runs()
    work_due_steps()
    deliver_queued()
    case = RecoveryCase.objects.get(merchant=merchant, stripe_invoice_id=invoice)
    links.create(case=case, now=now)
    by = "jo@merchant.example"
    cases.note(case=case, text=f"{name} called.", once="1", actor=by, now=now)
    cases.close(case=case, reason=f"{name} is broke", actor=by, now=now)
    operator_tasks.create(
        case=case, kind=TaskKind.ADDRESS_FAILED, summary=f"Reach {email}", once=email, now=now
    )
    addresses.suppress(
        merchant=merchant, email=email, reason=addresses.Reason.UNSUBSCRIBED, detail=email, now=now
    )
    outbound.publish(now=now)
    assert case.customer
    return case.customer


def fill(customer: Customer) -> None:
    """A row of each model, and the person in every column that may hold a text."""
    now, merchant = timezone.now(), customer.merchant
    case, run = RecoveryCase.objects.filter(customer=customer)[0], DunningRun.objects.all()[0]
    step = run.campaign.steps.all()[0]
    PaymentAttempt.objects.create(
        merchant=merchant, case=case, trigger="stripe", state="failed", key="k:FP1canary.2027-01",
        fingerprint="FP1canary", card_last4="7391", card_expiry="2027-01", card_country="DE",
        amount=4900, currency="usd", attempted_at=now, resolved_at=now, error="no",
    )  # fmt: skip
    DunningRetry.objects.create(
        merchant=merchant, run=run, step=step, case=case, queued_at=now, due_at=now, state="done"
    )
    Checkout.objects.create(
        merchant=merchant, case=case, created_at=now, expires_at=now, due_at=None, closed_at=now,
        state="closed",
    )  # fmt: skip
    for model, way in models_of_a_person().items():
        owned: models.QuerySet[Any] = models.QuerySet(model).filter(**{way: customer.pk})
        assert owned.exists() or model.__name__ == "Closing", model
        for field in model._meta.concrete_fields:
            if value := _planted(field):
                owned.update(**{field.name: value})
    entries: models.QuerySet[TimelineEntry] = models.QuerySet(TimelineEntry)
    for entry in entries.filter(case=case):
        entries.filter(pk=entry.pk).update(once=f"{entry.once[:200]}:{EMAIL}")
    Customer.objects.filter(pk=customer.pk).update(
        name=NAME, email=EMAIL, alternate_email=OTHER_EMAIL, country="DE", metadata={"a": TEXT}
    )
    DunningMessage.objects.filter(case=case).update(recipient=OLD_EMAIL)
    SuppressedAddress.objects.create(
        merchant=merchant, email=OLD_EMAIL, reason="bounced", detail=TEXT, suppressed_at=now
    )
    for delivery in WebhookDelivery.objects.filter(case=case).select_related("notice"):
        told = {**json.loads(delivery.notice.payload), "who": TEXT}
        type(delivery.notice).objects.filter(pk=delivery.notice_id).update(
            payload=json.dumps(told)
        )


def _planted(field: Any) -> Any:
    """None where nothing is planted."""
    if field.name in KEPT or field.choices or field.primary_key:
        return None
    if isinstance(field, models.JSONField):
        return {"told": [TEXT, {"of": TEXT}], "reason": TEXT}
    if isinstance(field, models.CharField | models.TextField):
        return TEXT[: field.max_length]
    return None


def erase(customer: Customer, **options: Any) -> bool:
    is_new = erasure.erase(
        customer=customer, now=timezone.now(), actor=BY, **{"closes_open_cases": False, **options}
    )
    customer.refresh_from_db()
    rows.look_through_events(customer, until=None, now=timezone.now())
    return is_new


def later(type_: str, told: dict[str, Any]) -> dict[str, Any]:
    """Of a minute from now: Stripe's times are whole seconds, and of one second nothing is new."""
    return event(type_, told, created=int(timezone.now().timestamp()) + 60)


def failure(invoice: str, **changes: Any) -> dict[str, Any]:
    """Of the person, a minute from now."""
    told = EXPIRED_CARD["data"]["object"] | {
        "id": invoice, "customer": "cus_1", "customer_email": EMAIL, "customer_name": NAME,
        "description": f"Lessons for {NAME}", **changes,
    }  # fmt: skip
    return later("invoice.payment_failed", told)


def whereabouts() -> Iterator[str]:
    """Each table and column in which anything of the person stands."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    if found := [one for one in CANARIES if one in str(value).lower()]:
                        yield f"{table}.{column}: {found} in {str(value)[:200]}"
