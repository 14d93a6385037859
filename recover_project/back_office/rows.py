"""Lists and rows of the merchant that is worked for; nothing is changed but by use cases."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from recover_project.back_office import access
from recover_project.back_office.access import Right, Working
from recovery.models import Merchant

Tell = Callable[[str], None]
MOST = 500  # rows of a list that can be leafed through
LONGEST = 120  # characters of what a list shows of a long text


def badge(text: str, tone: str) -> SafeString:
    """A word about a row; the tone is one of back_office.css."""
    return format_html(
        '<span class="bo"><span class="bo-badge" data-tone="{}">{}</span></span>', tone, text
    )


def shortly(text: str) -> str:
    """As much of it as a list has room for; all of it is on the row's own page."""
    return Truncator(text).chars(LONGEST)


class ReadOnly:
    """Nothing is added, changed or deleted here: that is done by use cases."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return access.may(request, Right.LOOK)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return access.may(request, Right.LOOK)

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any, **__: Any) -> bool:
        return False


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than MOST: to count a million rows takes longer than to read a page, and
    nobody leafs through them. `is_bounded`: there are more."""

    @cached_property
    def count(self) -> int:
        return min(self._found, MOST)

    @cached_property
    def is_bounded(self) -> bool:
        return self._found > MOST

    @cached_property
    def _found(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[: MOST + 1].count()


class Ordered(ChangeList):  # type: ignore[misc] # the theme has no types
    """By one column of the list's `orders`, as an index has it: to put rows in any other order,
    the database would read all of them for one page."""

    def get_ordering_field(self, field_name: Any) -> str | None:
        orders: Mapping[str, str] = self.model_admin.orders
        return orders.get(field_name)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        usual = list(self.model_admin.get_ordering(request))
        first: str = super().get_ordering(request, queryset)[0]
        if first in usual:
            return usual
        return [first, "-pk" if first.startswith("-") else "pk"]


class TenantAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc] # as above
    """Rows of the merchant that is worked for. `when_empty` says what would be here. `orders` are
    the columns by which a list may be ordered, each with the field whose index has that order.

    An action with `permissions=["operate"]` is offered to whoever may work cases, one with
    `permissions=["own"]` to owners.
    """

    list_fullwidth = True
    show_full_result_count = False
    paginator = BoundedPaginator
    when_empty = "There is nothing here yet."
    orders: Mapping[str, str] = MappingProxyType({})

    def get_changelist(self, _request: HttpRequest, **_: Any) -> type[Ordered]:
        return Ordered

    def get_sortable_by(self, _request: HttpRequest) -> Sequence[str]:
        return tuple(self.orders)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        at = access.working(request)
        rows: QuerySet[Any] = super().get_queryset(request)
        if at is None or at.merchant is None:
            return rows.none()
        return rows.filter(merchant=at.merchant)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return access.may(request, Right.OPERATE)

    def has_own_permission(self, request: HttpRequest) -> bool:
        return access.may(request, Right.OWN)


class Searched(TenantAdmin):
    """Rows that `find` finds by an index: Django's own search would look through all of them. What
    it has to say of what it found, that there is more for one, it tells by `tell`."""

    search_fields: Sequence[str] = ("pk",)  # that there is a field; `find` searches

    def find(
        self, rows: QuerySet[Any], term: str, *, merchant: Merchant, tell: Tell
    ) -> QuerySet[Any]:
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        at, term = access.working(request), search_term.strip()
        if not term or at is None or at.merchant is None:
            return queryset, False
        tell = partial(messages.info, request)
        return self.find(queryset, term, merchant=at.merchant, tell=tell), False


class WithPage(TenantAdmin):
    """Rows that have a page of our own, to look at: what is done is on other pages."""

    def page_of(self, request: HttpRequest, at: Working, row: Any) -> HttpResponseBase:
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - Django's signature
    ) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            return TemplateResponse(request, "403.html", status=403)
        row, at = self.get_object(request, object_id), access.working(request)
        if row is None or at is None:
            unknown: HttpResponseBase = self._get_obj_does_not_exist_redirect(
                request, self.opts, object_id
            )
            return unknown
        return self.page_of(request, at, row)
