"""Rows to be counted, in either mode."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from dunning.models import DunningMessage, DunningRun
from dunning.tasks import start_runs
from recover_project.probes import gauges
from recovery.models import PaymentAttempt, RecoveryCase
from tests.builders import DOCUMENTED_EXAMPLE, event, receive

Figures = dict[tuple[str, ...], float]


def read(now: datetime | None = None) -> Figures:
    """Each figure by its name and its labels' values."""
    return {
        (gauge.name, *(value for _name, value in labels)): value
        for gauge in gauges.read(now=now or timezone.now())
        for labels, value in gauge.values.items()
    }


def in_both_modes(figures: Figures, *name: str) -> tuple[float, float]:
    """(live, test)"""
    first, *state = name
    live, test = figures[first, "true", *state], figures[first, "false", *state]
    return live, test


def case(name: str, *, is_live: bool = True) -> RecoveryCase:
    """A failed payment, by its invoice's name."""
    invoice = DOCUMENTED_EXAMPLE["data"]["object"] | {"id": name}
    receive(event("invoice.payment_failed", invoice, livemode=True))
    RecoveryCase.objects.filter(stripe_invoice_id=name).update(livemode=is_live)
    return RecoveryCase.objects.get(stripe_invoice_id=name)


def run(case: RecoveryCase, *, due_at: datetime) -> DunningRun:
    start_runs()
    DunningRun.objects.filter(case=case).update(due_at=due_at)
    return DunningRun.objects.get(case=case)


def message(case: RecoveryCase, **fields: Any) -> DunningMessage:
    return DunningMessage.objects.create(
        merchant=case.merchant, case=case, asked_for_by="somebody",
        **{"due_at": timezone.now(), **fields},
    )  # fmt: skip


def attempt(case: RecoveryCase, *, attempted_at: datetime, state: str) -> None:
    is_open = state in {"claimed", "pending"}
    PaymentAttempt.objects.create(
        merchant=case.merchant, case=case, trigger="recover", state=state, key=f"{case.pk}",
        amount=4900, currency="usd", attempted_at=attempted_at,
        resolved_at=None if is_open else attempted_at,
    )  # fmt: skip
