"""What came in from Stripe, and what went out to merchants' own systems."""

from django.contrib import admin

from recover_project.back_office.rows import TenantAdmin
from recovery.models import StripeEvent, WebhookDelivery


@admin.register(StripeEvent)
class StripeEventAdmin(TenantAdmin):
    list_display = (
        "stripe_event_id", "type", "concerns", "state", "tries", "received_at", "error",
    )  # fmt: skip
    list_filter = ("state", "type")
    search_fields = ("stripe_event_id", "concerns")
    ordering = ("-id",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(TenantAdmin):
    list_display = (
        "public_id", "notice", "registration", "state", "tries", "due_at", "last_status",
        "last_error",
    )  # fmt: skip
    list_filter = ("state", "last_status")
    search_fields = ("public_id", "notice__public_id", "registration__url")
    list_select_related = ("notice", "registration")
    ordering = ("-id",)
