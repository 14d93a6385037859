"""What is planned for customers and what was written to them: campaigns, runs, messages, links."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep
from recover_project.back_office.access import actor_of
from recover_project.back_office.rows import InCase, TenantAdmin

TIMES = ("created_at", "expires_at", "opened_at", "started_at", "finished_at", "revoked_at")


class StepInline(InCase):
    model = DunningStep
    fields = ("position", "delay", "delay_from", "channel", "template", "conditions")
    ordering = ("position",)


@admin.register(DunningCampaign)
class DunningCampaignAdmin(TenantAdmin):
    list_display = ("name", "version", "state", "default_for", "priority", "retries", "end_action")
    list_filter = ("state", "retries")
    ordering = ("-id",)
    inlines = (StepInline,)


@admin.register(DunningMessage)
class DunningMessageAdmin(TenantAdmin):
    list_display = ("public_id", "case", "state", "subject", "sent_at", "tries", "error")
    list_filter = ("state",)
    list_select_related = ("case",)
    ordering = ("-id",)


@admin.register(DunningRun)
class DunningRunAdmin(TenantAdmin):
    list_display = ("case", "campaign", "state", "next_position", "due_at", "reason")
    list_filter = ("state",)
    list_select_related = ("case", "campaign")
    ordering = ("-id",)


@admin.register(PaymentUpdateLink)
class PaymentUpdateLinkAdmin(TenantAdmin):
    """The token is in the mail and nowhere else, and its digest isn't shown either."""

    list_display = ("public_id", "case", *TIMES)
    fields = ("public_id", "case", *TIMES, "replacement_requested_at", "replaced_at")
    search_fields = ("public_id", "case__public_id", "case__customer__email")
    list_select_related = ("case",)
    ordering = ("-id",)
    actions = ("revoke",)

    @admin.action(description="Revoke the links", permissions=["operate"])
    def revoke(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor = timezone.now(), actor_of(request)
        mine = chosen.select_related("case").order_by("pk")
        revoked = sum(links.revoke(link, now=now, actor=actor) for link in mine)
        self.message_user(request, f"Links revoked: {revoked}.")
