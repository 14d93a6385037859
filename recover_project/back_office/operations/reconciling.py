"""Operations → Reconciliation: what each comparison with Stripe found, and asking for one now."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from recover_project.back_office.access import Right, Working, actor_of, working
from recover_project.back_office.pages import page, show
from recover_project.back_office.rows import WithPage, badge
from recovery import clock, reconciliation, tasks
from recovery.models import Merchant, Reconciliation, RecoveryCase, StripeEvent

LIST = "admin:recovery_reconciliation_changelist"
LONGEST_NUMBER = 18  # digits of a row's number, at most
HAS_DRIFT = (
    Q(events_missed__gt=0) | Q(cases_opened__gt=0) | Q(cases_moved__gt=0)
    | Q(endpoint__in=Reconciliation.MENDED)
)  # fmt: skip


class WhichFilter(admin.SimpleListFilter):
    title, parameter_name = "how it went", "which"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("drift", "With drift"), ("failed", "Failed")]

    def queryset(self, _request: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "drift":
            return rows.filter(HAS_DRIFT)
        if self.value() == "failed":
            return rows.filter(state=Reconciliation.State.FAILED)
        return rows


def state(run: Reconciliation) -> tuple[str, str]:
    """A word for how it stands, and its tone."""
    if run.state == Reconciliation.State.RUNNING:
        return "running", "info"
    if run.state == Reconciliation.State.FAILED:
        return "failed", "bad"
    return ("drift, mended", "warning") if run.has_drift else ("in step", "good")


@admin.register(Reconciliation)
class ReconciliationAdmin(WithPage):
    list_display = ("began_at", "state_shown", "events_missed", "cases_moved", "endpoint", "error")
    list_filter = (WhichFilter,)
    list_before_template = "back_office/operations/reconciliation_now.html"
    list_per_page = 50
    ordering = ("-id",)
    when_empty = "Nothing was compared with Stripe yet: that begins once Stripe is connected."

    @admin.display(description="How it went")
    def state_shown(self, run: Reconciliation) -> SafeString:
        return badge(*state(run))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        at = working(request)
        told = now_and_next(at.merchant, clock.now()) if at and at.merchant else {}
        may_ask = at is not None and at.may(Right.OPERATE)
        answer: HttpResponseBase = super().changelist_view(
            request, {**(extra_context or {}), **told, "may_ask": may_ask}
        )
        return answer

    def page_of(self, request: HttpRequest, at: Working, row: Reconciliation) -> HttpResponseBase:
        events = StripeEvent.objects.of(at.of).filter(stripe_event_id__in=row.missed_ids)
        cases = RecoveryCase.objects.of(at.of).filter(public_id__in=row.moved_ids)
        began_at = date_format(timezone.localtime(row.began_at), "j M Y, H:i")
        return show(
            request, "back_office/operations/reconciliation.html",
            title=f"Reconciliation of {began_at}",
            opts=self.opts, trail=[("Reconciliation", "../../")], run=row, state=state(row),
            sentences=reconciliation.sentences(row), missed=events.order_by("id"),
            moved=cases.order_by("id"),
        )  # fmt: skip


def now_and_next(merchant: Merchant, now: datetime) -> dict[str, Any]:
    """What is said above the list."""
    last, due_at = reconciliation.latest(merchant), reconciliation.next_due(merchant)
    is_running = last is not None and last.state == Reconciliation.State.RUNNING
    return {
        "is_connected": reconciliation.connected().filter(merchant=merchant).exists(),
        "last": last,
        "last_state": state(last) if last else None,
        "sentences": reconciliation.sentences(last) if last and not is_running else [],
        "is_running": is_running,
        "next_at": due_at if due_at and due_at > now else None,
    }


@page("reconciliation/now/", name="reconcile_now", right=Right.OPERATE)
@require_POST
def reconcile_now(request: HttpRequest, at: Working) -> HttpResponseBase:
    """A run soon; `after` is the number of the last one when the button was shown."""
    given = request.POST.get("after", "")
    is_number = given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER
    is_asked = reconciliation.ask_for(
        merchant=at.of, by=actor_of(request), after=int(given) if is_number else 0,
        now=clock.now(),
    )  # fmt: skip
    if is_asked:
        tasks.poke_reconciliation()
        messages.success(request, "It begins within a minute. Look at this page again then.")
    else:
        messages.info(request, "A run has begun since you opened the page: see below.")
    return redirect(LIST)
