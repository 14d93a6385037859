"""What was written to customers, and what is planned; read-only."""

from django.contrib import admin

from dunning.models import DunningMessage, DunningRun
from recovery.admin import TenantAdmin


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
