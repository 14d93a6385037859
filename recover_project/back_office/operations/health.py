"""Whether the work is being done: workers, queues, and what must always hold."""

from datetime import datetime
from typing import Any

from django.db.models import Count, Min, QuerySet, Value
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.http import require_safe

from dunning.models import DunningMessage, DunningRun
from recover_project.back_office.access import Right, Working
from recover_project.back_office.operations import invariants
from recover_project.back_office.pages import page, show
from recover_project.probes import checks
from recovery import heartbeats
from recovery.models import Merchant, PaymentAttempt, StripeEvent, WebhookDelivery


@page("health/", name="health", right=Right.LOOK)
@require_safe
def health(request: HttpRequest, at: Working) -> HttpResponseBase:
    now = timezone.now()
    beat = heartbeats.last_beat()
    return show(
        request, "back_office/operations/health.html", title="Health",
        beat=beat, is_silent=beat is None or now - beat > checks.LATEST_BEAT,
        queues=_queues(at.of, now), findings=list(invariants.check(at.of, now=now)),
    )  # fmt: skip


def _queues(merchant: Merchant, now: datetime) -> list[dict[str, Any]]:
    """What each is, how much waits, and since when. All are counted by one query."""
    queues = [
        ("Stripe's events to be processed",
         StripeEvent.objects.of(merchant).filter(state="pending"), "received_at"),
        ("Steps of campaigns that are due",
         DunningRun.objects.of(merchant).filter(state="live", due_at__lte=now), "due_at"),
        ("Mails to be sent",
         DunningMessage.objects.of(merchant).filter(state="queued", due_at__lte=now), "due_at"),
        ("Charges whose end isn't known",
         PaymentAttempt.objects.of(merchant).filter(resolved_at=None), "attempted_at"),
        ("Webhooks to your own systems",
         WebhookDelivery.objects.of(merchant).filter(state="pending", due_at__lte=now), "due_at"),
    ]  # fmt: skip
    first, *others = [_counted(rows, what, since) for what, rows, since in queues]
    counted = {row["what"]: row for row in first.union(*others, all=True)}
    return [_queue(counted[what], now) for what, _rows, _since in queues]


def _counted(rows: QuerySet[Any], what: str, since: str) -> QuerySet[Any, dict[str, Any]]:
    named = rows.order_by().annotate(what=Value(what)).values("what")
    counted: QuerySet[Any, dict[str, Any]] = named.annotate(count=Count("*"), since=Min(since))
    return counted


def _queue(counted: dict[str, Any], now: datetime) -> dict[str, Any]:
    since = counted["since"]
    return {**counted, "oldest": timesince(since, now) if since else ""}
