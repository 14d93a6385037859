"""Lists of what belongs to cases, found by an id of their own, by their case or its customer."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recover_project.back_office.access import working
from recover_project.back_office.cases import finding, words
from recover_project.back_office.rows import TenantAdmin, badge

TONES = {
    "sent": "good", "failed": "bad", "unknown": "warning", "queued": "info", "sending": "info",
    "live": "info", "finished": "good", "stopped": "",
}  # fmt: skip
A_PAGE = 50


class OfACase(TenantAdmin):
    """`prefix` is that of the rows' own ids; "" where they have none."""

    search_fields = ("case__public_id",)  # that there is a field; get_search_results searches
    list_per_page = A_PAGE
    list_display_links: tuple[str, ...] | None = None  # what is in a row leads to where it is told
    ordering = ("-id",)
    prefix = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        at, term = working(request), search_term.strip()
        if not term or at is None or at.merchant is None:
            return queryset, False
        if self.prefix and term.startswith(f"{self.prefix}_"):
            return queryset.filter(public_id=term), False
        return queryset.filter(case__in=finding.cases(term, merchant=at.merchant)), False

    @admin.display(description="Case")
    def customer_shown(self, row: Any) -> SafeString:
        address = reverse("admin:recovery_recoverycase_change", args=[row.case_id])
        return format_html('<a href="{}">{}</a>', address, words.who(row.case))

    @admin.display(description="State")
    def state_shown(self, row: Any) -> SafeString:
        return badge(row.state, TONES.get(row.state, ""))
