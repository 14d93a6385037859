"""Whether the work is being done: workers, queues, and what must always hold."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.timesince import timesince
from django.views.decorators.http import require_safe

from dunning.models import DunningMessage, DunningRun
from recover_project.back_office.access import Right, Working
from recover_project.back_office.operations import checking
from recover_project.back_office.pages import page, show
from recover_project.back_office.rows import MOST
from recover_project.probes import checks
from recovery import clock, heartbeats
from recovery.models import Merchant, PaymentAttempt, StripeEvent, WebhookDelivery


@page("health/", name="health", right=Right.LOOK)
@require_safe
def health(request: HttpRequest, at: Working) -> HttpResponseBase:
    now = clock.now()
    beat = heartbeats.last_beat()
    checked_at, findings = checking.last(at.of)
    return show(
        request, "back_office/operations/health.html", title="Health",
        beat=beat, is_silent=beat is None or now - beat > checks.LATEST_BEAT,
        queues=_queues(at.of, now), findings=findings, checked_at=checked_at,
    )  # fmt: skip


def _queues(merchant: Merchant, now: datetime) -> list[dict[str, Any]]:
    return [
        _queue("Stripe's events to be processed",
               StripeEvent.objects.of(merchant).filter(state="pending").order_by("due_at"),
               "received_at", now),
        _queue("Steps of campaigns that are due",
               DunningRun.objects.of(merchant).filter(state="live", due_at__lte=now)
               .order_by("due_at"), "due_at", now),
        _queue("Mails to be sent",
               DunningMessage.objects.of(merchant).filter(state="queued", due_at__lte=now)
               .order_by("due_at"), "due_at", now),
        _queue("Charges whose end isn't known",
               PaymentAttempt.objects.of(merchant).filter(resolved_at=None)
               .order_by("attempted_at"), "attempted_at", now),
        _queue("Webhooks to your own systems",
               WebhookDelivery.objects.of(merchant).filter(state="pending", due_at__lte=now)
               .order_by("due_at"), "due_at", now),
    ]  # fmt: skip


def _queue(what: str, rows: QuerySet[Any], since: str, now: datetime) -> dict[str, Any]:
    """Counted as far as anybody reads, in the order of the index that workers take them by."""
    told = rows[: MOST + 1].aggregate(count=Count("pk"), oldest=Min(since))
    return {
        "what": what,
        "count": f"more than {MOST:,}" if told["count"] > MOST else told["count"],
        "oldest": timesince(told["oldest"], now) if told["oldest"] else "",
    }
