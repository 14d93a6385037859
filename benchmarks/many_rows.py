"""What a year leaves in a merchant's tables, made by the database itself within minutes: cases,
the newest of them open, each with its entries, attempts, messages and the rest.

A merchant of many cases differs from one of few in nothing but their number.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningCampaign, DunningMessage, DunningRun, SuppressedAddress
from recovery.models import (
    Customer,
    Merchant,
    OperatorTask,
    OutboundNotice,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
    WebhookDelivery,
    WebhookRegistration,
)

STATEMENTS = Path(__file__).parent / "many_rows.sql"
APART = 10_000_000  # between the ids of two merchants' cases
A_LONG_STORY = 5_000  # entries of the newest case's timeline
FILLED = (
    Customer, RecoveryCase, TimelineEntry, PaymentAttempt, DunningRun, DunningMessage,
    PaymentUpdateLink, StripeEvent, OutboundNotice, WebhookDelivery, OperatorTask,
    SuppressedAddress,
)  # fmt: skip


def fill(
    merchant: Merchant, *, cases: int, number: int, now: datetime,
    campaign: DunningCampaign, registration: WebhookRegistration,
) -> None:  # fmt: skip
    """`number` tells one merchant's ids from another's. The rows are what the product would have
    written, so nothing is checked anew: of ten million entries that takes an hour."""
    told: dict[str, Any] = {
        "merchant": merchant.pk, "name": f"m{number}", "cases": cases, "base": APART * number,
        "now": now, "campaign": campaign.pk, "registration": registration.pk,
        "steps": list(campaign.steps.order_by("position").values_list("pk", flat=True)),
        "long_story": min(A_LONG_STORY, cases),
    }  # fmt: skip
    write(STATEMENTS, told)


def write(statements: Path, told: Mapping[str, Any]) -> None:
    """What the file says, with what is `told` filled in; nothing is checked, nor set off."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for statement in _read(statements):
            cursor.execute(statement, told)
        cursor.execute("SET session_replication_role = DEFAULT")


def ready() -> None:
    """What PostgreSQL would have done by itself by then: new ids follow the last, tables are
    known and tidy."""
    with connection.cursor() as cursor:
        for model in FILLED:
            _continue_ids(cursor, model._meta.db_table)  # noqa: SLF001 - Django's own
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE" if connection.in_atomic_block else "VACUUM (ANALYZE)")


def _continue_ids(cursor: CursorWrapper, table: str) -> None:
    cursor.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"  # noqa: S608 - our own tables
        f" (SELECT max(id) FROM {table}))"
    )


def _read(statements: Path) -> Sequence[str]:
    return [one for one in statements.read_text().split(";\n") if one.strip()]


def counts(merchant: Merchant) -> Mapping[str, int]:
    tables: Sequence[Any] = FILLED
    return {model.__name__: model.objects.of(merchant).count() for model in tables}
