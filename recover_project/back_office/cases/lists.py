"""Cases and their customers, as lists; and the tasks that cases left for a person."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recover_project.back_office.access import Right, working
from recover_project.back_office.cases import acting, case_page, words
from recover_project.back_office.cases.finding import VIEWS, search
from recover_project.back_office.cases.verbs import VERBS
from recover_project.back_office.pages import show, working_with
from recover_project.back_office.rows import TenantAdmin
from recovery.models import Customer, OperatorTask, RecoveryCase


class ViewFilter(admin.SimpleListFilter):
    """Views that everybody has; shown above the list."""

    title, parameter_name = "view", "view"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(name, label) for name, (label, _rows) in VIEWS.items()]

    def queryset(self, _request: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = VIEWS.get(self.value() or "")
        return chosen[1](rows, timezone.now()) if chosen else rows


def _in_bulk(verb_name: str) -> Any:
    verb = VERBS[verb_name]

    @admin.action(description=verb.label, permissions=["operate"])
    def ask(_admin: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponseBase:
        """What will be done is shown first."""
        at = working_with(request, Right.OPERATE)
        rows = chosen.select_related("customer", "merchant__stripe")[: acting.MOST_AT_ONCE]
        return acting.confirm(request, at, verb, list(rows))

    ask.__name__ = verb_name
    return ask


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(TenantAdmin):
    list_display = ("customer_shown", "amount_shown", "status_shown", "why", "opened_at", "number")
    list_filter = (ViewFilter, "status", "decline_type", "currency")
    search_fields = (
        "public_id",
    )  # that there is a field to search in; get_search_results searches
    search_help_text = "E-mail, name, invoice or id"
    list_select_related = ("customer",)
    list_per_page = 50
    ordering = ("-opened_at", "-id")
    actions = [_in_bulk(name) for name, verb in VERBS.items() if verb.is_for_many]
    list_before_template = "back_office/cases/views.html"
    when_empty = (
        "No payment has failed yet. When one does, Stripe tells Recover, and its case is here."
    )

    @admin.display(description="Customer")
    def customer_shown(self, case: RecoveryCase) -> str:
        return words.who(case)

    @admin.display(description="Amount", ordering="amount")
    def amount_shown(self, case: RecoveryCase) -> str:
        return words.amount(case)

    @admin.display(description="Status")
    def status_shown(self, case: RecoveryCase) -> SafeString:
        shown, tone = words.status(case)
        return format_html(
            '<span class="bo"><span class="bo-badge" data-tone="{}">{}</span></span>', tone, shown
        )

    @admin.display(description="Why it failed")
    def why(self, case: RecoveryCase) -> str:
        return case.decline_code or case.get_decline_type_display()

    @admin.display(description="Invoice")
    def number(self, case: RecoveryCase) -> str:
        return case.invoice_number or case.stripe_invoice_id or case.stripe_payment_intent_id

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        return search(queryset, search_term), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        chosen = request.GET.get("view", "")
        views = [("", "All", not chosen)]
        views += [(name, label, name == chosen) for name, (label, _rows) in VIEWS.items()]
        answer: HttpResponseBase = super().changelist_view(
            request, {**(extra_context or {}), "views": views}
        )
        return answer

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - Django's signature
    ) -> HttpResponseBase:
        """The page of one case. It changes nothing by itself: what is done is confirmed first."""
        if request.method not in {"GET", "HEAD"}:
            return TemplateResponse(request, "403.html", status=403)
        case = self.get_object(request, object_id)
        at = working(request)
        if case is None or at is None:
            answer: HttpResponseBase = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return answer
        case.merchant = at.of
        told = case_page.context(case, at=at, page=request.GET.get("page"), now=timezone.now())
        return show(
            request, "back_office/cases/case.html", title=words.who(case), opts=self.opts,
            heading=f"{words.who(case)}, {words.amount(case)}",
            trail=[("Cases", "../../")], **told,
        )  # fmt: skip


@admin.register(Customer)
class CustomerAdmin(TenantAdmin):
    list_display = ("email", "name", "stripe_customer_id", "is_deleted")
    search_fields = ("stripe_customer_id", "email")
    ordering = ("-id",)


@admin.register(OperatorTask)
class OperatorTaskAdmin(TenantAdmin):
    list_display = ("summary", "kind", "case_shown", "created_at", "done_at")
    list_filter = ("kind", ("done_at", admin.EmptyFieldListFilter))
    search_fields = ("public_id", "case__public_id")
    list_select_related = ("case__customer",)
    ordering = ("-id",)
    when_empty = "Nothing waits for you. What only a person can do is listed here."

    @admin.display(description="Case")
    def case_shown(self, task: OperatorTask) -> str:
        return words.who(task.case) if task.case else ""
