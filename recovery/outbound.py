"""What happened is told to whoever registered for it.

A notice is written in the transaction of what it tells, so nothing is told that was taken back.
A moment later it is published: it gets its number on its case, its text, and a delivery to each
registration that wants it. Sending these is outbound_delivery.py's.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from recovery import desk
from recovery.masking import mask_email, mask_within
from recovery.models import (
    OutboundNotice,
    RecoveryCase,
    WebhookDelivery,
    WebhookRegistration,
)
from recovery.outbound_events import STATES, VERSION, EventType
from recovery.redaction import Redaction

BATCH = 100
STATE_FIELDS = ("status", "reason", "mechanism", "amount_recovered", "closed_at")


def is_awaited(*, merchant_id: int, type: EventType) -> bool:  # noqa: A002 - the payload's word
    """Whether an active registration wants this: one look at a small index, whatever happens."""

    def chosen() -> list[Sequence[str]]:
        active = WebhookRegistration.objects.filter(
            merchant_id=merchant_id, state=WebhookRegistration.State.ACTIVE
        )
        return list(active.values_list("event_types", flat=True))

    return any(type in types for types in desk.noted(("awaited", merchant_id), chosen))


def emit(
    *,
    case: RecoveryCase,
    type: EventType,  # noqa: A002
    data: Mapping[str, Any],
    once: str,
    now: datetime,
) -> bool:
    """Tell of something on a case, once for each `once`; False if nobody registered for it.

    `data` is what JSON can hold and stands beside the case in the payload; e-mail addresses in it
    are masked. To be called in the transaction of what it tells.
    """
    if not is_awaited(merchant_id=case.merchant_id, type=type):
        return False
    tell(case=case, type=type, data=data, once=once, now=now)
    return True


def tell(
    *,
    case: RecoveryCase,
    type: EventType,  # noqa: A002
    data: Mapping[str, Any],
    once: str,
    now: datetime,
) -> None:
    """`emit` for who knows that it is awaited. Where a case has got to is told as it is now in
    `case`, and only if something else was told last. A notice refers to its case, so that it waits
    for one that lies on a desk."""
    told = dict(data)
    if type in STATES:
        told["case"] = {name: plain(getattr(case, name)) for name in STATE_FIELDS}

    def write() -> None:
        if type not in STATES or _last_state(case) != type:
            _write(
                case=case, merchant_id=case.merchant_id, type=type, data=told, once=once, now=now
            )

    desk.afterwards(write)


def emit_for_merchant(
    *,
    merchant_id: int,
    type: EventType,  # noqa: A002
    data: Mapping[str, Any],
    once: str,
    now: datetime,
) -> bool:
    """The same for what concerns no case."""
    if not is_awaited(merchant_id=merchant_id, type=type):
        return False
    _write(case=None, merchant_id=merchant_id, type=type, data=data, once=once, now=now)
    return True


def _write(
    *,
    case: RecoveryCase | None,
    merchant_id: int,
    type: EventType,  # noqa: A002
    data: Mapping[str, Any],
    once: str,
    now: datetime,
) -> None:
    notice = OutboundNotice(
        merchant_id=merchant_id, case=case, type=type, data=mask_within(data), once=once[:300],
        happened_at=now,
    )  # fmt: skip
    OutboundNotice.objects.bulk_create([notice], ignore_conflicts=True)


def _last_state(case: RecoveryCase) -> str | None:
    told = OutboundNotice.objects.filter(case=case, type__in=STATES)
    return told.order_by("-id").values_list("type", flat=True).first()


def publish(*, now: datetime) -> int:
    """Number the notices that wait and make their deliveries; how many cases had some.

    Those of one case are numbered by one worker at a time, in the order in which they were
    written.
    """
    return _publish_of_cases(now=now) + _publish_of_merchants(now=now)


@transaction.atomic
def _publish_of_cases(*, now: datetime) -> int:
    waiting = OutboundNotice.objects.filter(published_at__isnull=True)
    # Held until the numbers are given; no_key, so that whoever writes of the case needn't wait.
    batch = list(
        RecoveryCase.objects.filter(pk__in=waiting.filter(case__isnull=False).values("case"))
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("customer")
        .order_by("id")[:BATCH]
    )
    cases = {case.pk: case for case in batch}
    numbered = OutboundNotice.objects.filter(case__in=cases, sequence__isnull=False)
    last = dict(
        numbered.values("case").annotate(Max("sequence")).values_list("case", "sequence__max")
    )
    notices = list(waiting.filter(case__in=cases).order_by("id"))
    for notice in notices:
        assert notice.case_id  # noqa: S101 - they were found by it
        notice.sequence = last[notice.case_id] = last.get(notice.case_id, 0) + 1
        _put_in_words(notice, case=cases[notice.case_id], now=now)
    _deliver_to_all(notices, now=now)
    return len(batch)


@transaction.atomic
def _publish_of_merchants(*, now: datetime) -> int:
    waiting = OutboundNotice.objects.filter(published_at__isnull=True, case__isnull=True)
    notices = list(
        waiting.select_for_update(skip_locked=True, of=("self",)).order_by("id")[:BATCH]
    )
    for notice in notices:
        _put_in_words(notice, case=None, now=now)
    _deliver_to_all(notices, now=now)
    return len(notices)


def _put_in_words(notice: OutboundNotice, *, case: RecoveryCase | None, now: datetime) -> None:
    """The case as it is now, but for the state that the notice tells of."""
    data = dict(notice.data)
    if case is not None:
        data = {"case": {**describe(case), **data.pop("case", {})}, **data}
    notice.published_at = now
    notice.payload = json.dumps(
        {
            "type": notice.type,
            "version": VERSION,
            "id": notice.public_id,
            "created_at": plain(notice.happened_at),
            "sequence": notice.sequence,
            "data": data,
        },
        separators=(",", ":"),
    )


def _deliver_to_all(notices: Sequence[OutboundNotice], *, now: datetime) -> None:
    registrations = WebhookRegistration.objects.filter(
        merchant__in={notice.merchant_id for notice in notices},
        state=WebhookRegistration.State.ACTIVE,
    )
    OutboundNotice.objects.bulk_update(notices, ["published_at", "sequence", "payload"])
    WebhookDelivery.objects.bulk_create(
        _delivery(notice, registration, now=now)
        for notice in notices
        for registration in registrations
        if registration.merchant_id == notice.merchant_id
        and notice.type in registration.event_types
    )


def _delivery(
    notice: OutboundNotice, registration: WebhookRegistration, *, now: datetime
) -> WebhookDelivery:
    return WebhookDelivery(
        merchant_id=notice.merchant_id, registration=registration, notice=notice,
        case_id=notice.case_id, sequence=notice.sequence, due_at=now, created_at=now,
    )  # fmt: skip


def redact(case: RecoveryCase, redaction: Redaction) -> None:
    """Take who owes out of what was told of the case, and out of what receivers answered. What is
    sent again is sent so."""
    notices = list(case.notices.all())
    for notice in notices:
        notice.data = redaction.within(notice.data)
        notice.once = redaction.key(notice.once)[:300]
        if notice.payload:
            told = redaction.within(json.loads(notice.payload))
            notice.payload = json.dumps(told, separators=(",", ":"))
    OutboundNotice.objects.bulk_update(notices, ["data", "once", "payload"], batch_size=500)
    deliveries = WebhookDelivery.objects.filter(case=case)
    deliveries.update(response_excerpt="", last_error="")


@transaction.atomic
def write_test(*, registration: WebhookRegistration, once: str, now: datetime) -> WebhookDelivery:
    """A message that tells of nothing, to this registration alone."""
    notice = OutboundNotice(
        merchant_id=registration.merchant_id, type=EventType.WEBHOOK_TEST, once=once,
        data={"registration": registration.public_id}, happened_at=now,
    )  # fmt: skip
    _put_in_words(notice, case=None, now=now)
    notice.save()
    delivery = _delivery(notice, registration, now=now)
    delivery.save()
    return delivery


def describe(case: RecoveryCase) -> dict[str, Any]:
    """The case as a merchant's systems know it: by Stripe's ids. Amounts are minor units."""
    customer = case.customer
    return {
        "id": case.public_id,
        "livemode": case.livemode,
        "stripe_customer_id": customer.stripe_customer_id if customer else "",
        "customer_email_masked": mask_email(case.customer_email),
        **{name: plain(getattr(case, name)) for name in CASE_FIELDS},
    }


CASE_FIELDS = (
    "stripe_invoice_id", "stripe_payment_intent_id", "stripe_subscription_id", "invoice_number",
    *STATE_FIELDS, "is_paused", "amount", "amount_refunded", "currency", "decline_type",
    "decline_code", "attempt_count", "failed_at", "opened_at", "next_payment_attempt_at",
)  # fmt: skip


def plain(value: Any) -> Any:
    """Times as 2026-01-31T09:00:00Z, to the second or finer; None and "" as they are."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
