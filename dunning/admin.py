"""What was written to customers, and what is planned; read-only."""

from django.contrib import admin

from dunning.models import DunningCampaign, DunningMessage, DunningRun, DunningStep
from recovery.admin import InCase, TenantAdmin


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
