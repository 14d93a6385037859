"""Lists and rows of the merchant that is worked for; nothing is changed but by use cases."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin, TabularInline

from recover_project.back_office import access
from recover_project.back_office.access import Right

MOST = 1_000  # rows of a list that can be leafed through


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


class TenantAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc] # the theme has no types
    """Rows of the merchant that is worked for. `when_empty` says what would be here.

    An action with `permissions=["operate"]` is offered to whoever may work cases, one with
    `permissions=["own"]` to owners.
    """

    list_fullwidth = True
    show_full_result_count = False
    paginator = BoundedPaginator
    when_empty = "There is nothing here yet."

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


class InCase(ReadOnly, TabularInline):  # type: ignore[misc] # the theme has no types
    extra = 0
    can_delete = False
    model: type[Model]
