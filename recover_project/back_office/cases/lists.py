"""Cases and their customers, as lists; and the tasks that cases left for a person."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from recover_project.back_office.access import Right, Working, working
from recover_project.back_office.cases import acting, case_page, saved_views, words
from recover_project.back_office.cases.finding import (
    NEWEST_FIRST,
    ORDERS,
    VIEWS,
    currencies,
    customers,
    search,
)
from recover_project.back_office.cases.of_a_case import OfACase
from recover_project.back_office.cases.verbs import VERBS
from recover_project.back_office.customers import customer_page
from recover_project.back_office.pages import show, working_with
from recover_project.back_office.rows import Searched, Tell, WithPage, badge
from recovery import clock
from recovery.models import Customer, Merchant, OperatorTask, RecoveryCase
from recovery.operator_tasks import TaskKind


class ViewFilter(admin.SimpleListFilter):
    """Views that everybody has; shown above the list."""

    title, parameter_name = "view", "view"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(name, view.label) for name, view in VIEWS.items()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen, at = VIEWS.get(self.value() or ""), working(request)
        if chosen is None or at is None or at.merchant is None:
            return rows
        return chosen.rows(rows, at.merchant, clock.now())


class CurrencyFilter(admin.SimpleListFilter):
    """The merchant's own currencies."""

    title, parameter_name = "currency", "currency"

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        at = working(request)
        known = currencies(at.merchant) if at and at.merchant else []
        return [(currency, currency.upper()) for currency in known]

    def queryset(self, _request: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(currency=self.value()) if self.value() else rows


def _in_bulk(verb_name: str) -> Any:
    verb = VERBS[verb_name]

    @admin.action(description=verb.label, permissions=["operate"])
    def ask(_admin: Any, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponseBase:
        """What will be done is shown first."""
        at = working_with(request, Right.OPERATE)
        if chosen.count() > acting.MOST_AT_ONCE:
            told = f"No more than {acting.MOST_AT_ONCE} cases are worked at once: choose fewer."
            messages.warning(request, told)
            return redirect(request.get_full_path())
        rows = list(chosen.select_related("customer", "merchant__stripe"))
        if not rows:  # of another merchant, or gone
            messages.warning(request, "There is no such case.")
            return redirect(request.get_full_path())
        return acting.confirm(request, at, verb, rows)

    ask.__name__ = verb_name
    return ask


def _views(request: HttpRequest) -> dict[str, Any]:
    """The tabs above the list: the views that everybody has, then the person's own; and what is
    shown now, to be kept."""
    at = working(request)
    own = saved_views.of(merchant=at.merchant, user=at.user) if at and at.merchant else []
    asked = {name: request.GET[name] for name in saved_views.ASKED if request.GET.get(name)}
    query, kept = saved_views.query_of(asked), {view.query for view in own}
    everybodys = [("All", "", not query)]
    for name, view in VIEWS.items():
        everybodys.append((view.label, address := f"view={name}", address == query))
    shown = VIEWS.get(request.GET.get("view", ""))
    return {
        "views": everybodys,
        "explained": shown.explained if shown else "",
        "own_views": [(view, view.query == query) for view in own],
        "asked": asked if query not in {address for _, address, _ in everybodys} | kept else {},
    }


# No index has amounts by their currency, and no rate of exchange is known here.
UNLIKE = (
    "Ordered by the number alone, in the least unit of each currency: ¥5,000 stands beside "
    "$50.00. Choose one currency to compare amounts."
)


def _is_of_unlike_amounts(request: HttpRequest, shown: ChangeList) -> bool:
    """It is ordered by amounts of several currencies."""
    at, (first, *_rest) = working(request), shown.queryset.query.order_by
    if first.removeprefix("-") != "amount" or request.GET.get(CurrencyFilter.parameter_name):
        return False
    return at is not None and at.merchant is not None and len(currencies(at.merchant)) > 1


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(Searched, WithPage):
    list_display = ("customer_shown", "amount_shown", "status_shown", "why", "opened_at", "number")
    list_filter = (ViewFilter, "status", "decline_type", CurrencyFilter)
    search_help_text = "E-mail, name, invoice or id"
    list_select_related = ("customer",)
    list_per_page = 50
    ordering = NEWEST_FIRST
    orders = {"amount_shown": "amount", "opened_at": "opened_at"}
    actions = [_in_bulk(name) for name, verb in VERBS.items() if verb.is_for_many]
    list_before_template = "back_office/cases/views.html"
    when_empty = (
        "No payment has failed yet. When one does, Stripe tells Recover, and its case is here."
    )

    @admin.display(description="Customer")
    def customer_shown(self, case: RecoveryCase) -> str:
        return words.who(case)

    @admin.display(description="Amount")
    def amount_shown(self, case: RecoveryCase) -> str:
        return words.amount(case)

    @admin.display(description="Status")
    def status_shown(self, case: RecoveryCase) -> SafeString:
        return badge(*words.status(case))

    @admin.display(description="Why it failed")
    def why(self, case: RecoveryCase) -> str:
        return case.decline_code or case.get_decline_type_display()

    @admin.display(description="Invoice")
    def number(self, case: RecoveryCase) -> str:
        return case.invoice_number or case.debt_id

    def find(
        self, rows: QuerySet[Any], term: str, *, merchant: Merchant, tell: Tell
    ) -> QuerySet[Any]:
        return search(rows, term, merchant=merchant, tell=tell)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ORDERS.get(request.GET.get("view", ""), NEWEST_FIRST)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        answer: HttpResponseBase = super().changelist_view(
            request, {**(extra_context or {}), **_views(request)}
        )
        told = getattr(answer, "context_data", None) or {}
        if "cl" in told and _is_of_unlike_amounts(request, told["cl"]):
            told["unlike"] = UNLIKE
        return answer

    def page_of(self, request: HttpRequest, at: Working, row: RecoveryCase) -> HttpResponseBase:
        row.merchant = at.of
        told = case_page.context(row, at=at, page=request.GET.get("page"), now=clock.now())
        return show(
            request, "back_office/cases/case.html", title=words.who(row), opts=self.opts,
            heading=f"{words.who(row)}, {words.amount(row)}",
            trail=[("Cases", "../../")], **told,
        )  # fmt: skip


@admin.register(Customer)
class CustomerAdmin(Searched, WithPage):
    list_display = ("email", "name", "stripe_customer_id", "deletion_shown")
    search_help_text = "What an e-mail address or a name begins with, or an id"
    ordering = ("-id",)

    def find(
        self, rows: QuerySet[Any], term: str, *, merchant: Merchant, tell: Tell
    ) -> QuerySet[Any]:
        return rows.filter(pk__in=customers(merchant, term, tell=tell))

    @admin.display(description="In Stripe")
    def deletion_shown(self, customer: Customer) -> SafeString | str:
        return badge("deleted", "bad") if customer.is_deleted else ""

    def page_of(self, request: HttpRequest, at: Working, row: Customer) -> HttpResponseBase:
        return show(
            request, "back_office/customers/customer.html", title=words.called(row),
            opts=self.opts, trail=[("Customers", "../../")],
            **customer_page.context(row, at=at),
        )  # fmt: skip


class KindFilter(admin.SimpleListFilter):
    """Those that there are, not those that the merchant's tasks have: that would read them all."""

    title, parameter_name = "kind", "kind"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(kind, kind.replace("_", " ")) for kind in TaskKind]

    def queryset(self, _request: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(kind=self.value()) if self.value() else rows


@admin.register(OperatorTask)
class OperatorTaskAdmin(OfACase):
    list_display = ("summary", "kind_shown", "customer_shown", "created_at", "done_at")
    list_display_links = ("summary",)
    list_filter = (KindFilter, ("done_at", admin.EmptyFieldListFilter))
    list_select_related = ("case__customer",)
    search_help_text = "E-mail, name, invoice, or id of the task or case"
    prefix = "task"
    orders = {"created_at": "id"}
    when_empty = "Nothing waits for you. What only a person can do is listed here."

    @admin.display(description="Kind", ordering="kind")
    def kind_shown(self, task: OperatorTask) -> str:
        return task.kind.replace("_", " ")
