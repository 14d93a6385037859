"""Lists of what belongs to cases, found by an id of their own, by their case or its customer."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from recover_project.back_office.cases import finding, words
from recover_project.back_office.rows import Searched, Tell, badge
from recovery.models import Merchant

TONES = {
    "sent": "good", "failed": "bad", "unknown": "warning", "queued": "info", "sending": "info",
    "live": "info", "finished": "good", "stopped": "",
}  # fmt: skip
A_PAGE = 50


class OfACase(Searched):
    """`prefix` is that of the rows' own ids; "" where they have none."""

    list_per_page = A_PAGE
    list_display_links: tuple[str, ...] | None = None  # what is in a row leads to where it is told
    ordering = ("-id",)
    prefix = ""

    def find(
        self, rows: QuerySet[Any], term: str, *, merchant: Merchant, tell: Tell
    ) -> QuerySet[Any]:
        if self.prefix and term.startswith(f"{self.prefix}_"):
            return rows.filter(public_id=term)
        return rows.filter(case__in=finding.cases(term, merchant=merchant, tell=tell))

    @admin.display(description="Case")
    def customer_shown(self, row: Any) -> SafeString | str:
        if row.case is None:
            return ""
        address = reverse("admin:recovery_recoverycase_change", args=[row.case_id])
        return format_html('<a href="{}">{}</a>', address, words.who(row.case))

    @admin.display(description="State")
    def state_shown(self, row: Any) -> SafeString:
        return badge(row.state, TONES.get(row.state, ""))
