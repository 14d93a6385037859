"""Links as operators see them: the token is in the mail and nowhere else, and its digest isn't
shown either."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from recovery.admin import InCase, TenantAdmin, actor_of

TIMES = ("created_at", "expires_at", "opened_at", "started_at", "finished_at", "revoked_at")


class LinkInline(InCase):
    model = PaymentUpdateLink
    fields = ("public_id", *TIMES)
    readonly_fields = ("public_id",)
    ordering = ("created_at", "id")


@admin.register(PaymentUpdateLink)
class PaymentUpdateLinkAdmin(TenantAdmin):
    list_display = ("public_id", "case", *TIMES)
    fields = ("public_id", "case", *TIMES, "replacement_requested_at", "replaced_at")
    search_fields = ("public_id", "case__public_id", "case__customer__email")
    list_select_related = ("case",)
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.action(description="Revoke the links", permissions=["operate"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor = timezone.now(), actor_of(request)
        mine = self.operable(request, chosen).select_related("case")
        revoked = sum(links.revoke(link, now=now, actor=actor) for link in mine)
        self.message_user(request, f"Links revoked: {revoked}.")
