"""What was written to customers, and what is planned; read-only. On a case, its links, which can
be revoked and sent anew."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing_portal import links
from billing_portal.admin import LinkInline
from dunning.mail import replacements
from dunning.mail.replacements import NotSentError
from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep
from recovery.admin import InCase, RecoveryCaseAdmin, TenantAdmin, actor_of
from recovery.models import RecoveryCase


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


# A case's page is made where cases are; what upper apps know of a case is added here, at the top.
admin.site.unregister(RecoveryCase)


@admin.register(RecoveryCase)
class CaseWithLinksAdmin(RecoveryCaseAdmin):
    inlines = (*RecoveryCaseAdmin.inlines, LinkInline)
    actions = ("revoke_links", "send_new_link")

    @admin.action(description="Revoke all links of the cases", permissions=["operate"])
    def revoke_links(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor = timezone.now(), actor_of(request)
        mine = self.operable(request, chosen)
        revoked = sum(links.revoke_all(case, now=now, actor=actor) for case in mine)
        self.message_user(request, f"Links revoked: {revoked}.")

    @admin.action(description="Send a new link to the customers", permissions=["operate"])
    def send_new_link(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor, sent = timezone.now(), actor_of(request), 0
        for case in self.operable(request, chosen):
            try:
                replacements.send(case, actor=actor, now=now)
                sent += 1
            except NotSentError as error:
                told = f"{case.public_id}: no new link, {error}."
                self.message_user(request, told, messages.WARNING)
        self.message_user(request, f"New links on their way: {sent}.")
