"""Whether the work is being done: workers, queues, and what must always hold."""

from datetime import datetime
from typing import Any

from django.db.models import Min, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.timesince import timesince

from dunning.models import DunningMessage, DunningRun
from recover_project.back_office.access import Right, Working
from recover_project.back_office.operations import invariants
from recover_project.back_office.pages import page, show
from recover_project.probes import checks
from recovery import heartbeats
from recovery.models import Merchant, PaymentAttempt, StripeEvent, WebhookDelivery


@page("health/", name="health", right=Right.LOOK)
def health(request: HttpRequest, at: Working) -> HttpResponseBase:
    now = timezone.now()
    beat = heartbeats.last_beat()
    return show(
        request, "back_office/operations/health.html", title="Health",
        beat=beat, is_silent=beat is None or now - beat > checks.LATEST_BEAT,
        queues=_queues(at.of, now), findings=list(invariants.check(at.of, now=now)),
    )  # fmt: skip


def _queues(merchant: Merchant, now: datetime) -> list[dict[str, Any]]:
    return [
        _queue("Stripe's events to be processed",
               StripeEvent.objects.of(merchant).filter(state="pending"), "received_at", now),
        _queue("Steps of campaigns that are due",
               DunningRun.objects.of(merchant).filter(state="live", due_at__lte=now), "due_at",
               now),
        _queue("Mails to be sent",
               DunningMessage.objects.of(merchant).filter(state="queued", due_at__lte=now),
               "due_at", now),
        _queue("Charges whose end isn't known",
               PaymentAttempt.objects.of(merchant).filter(resolved_at=None), "attempted_at", now),
        _queue("Webhooks to your own systems",
               WebhookDelivery.objects.of(merchant).filter(state="pending", due_at__lte=now),
               "due_at", now),
    ]  # fmt: skip


def _queue(what: str, rows: QuerySet[Any], since: str, now: datetime) -> dict[str, Any]:
    oldest = rows.aggregate(oldest=Min(since))["oldest"]
    return {
        "what": what,
        "count": rows.count(),
        "oldest": timesince(oldest, now) if oldest else "",
    }
