"""The merchant itself, and where its own systems are told."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, URLField
from django.http import HttpRequest

from recover_project.back_office import access
from recover_project.back_office.rows import TenantAdmin
from recovery.models import Merchant, WebhookRegistration


@admin.register(WebhookRegistration)
class WebhookRegistrationAdmin(TenantAdmin):
    list_display = ("public_id", "url", "state", "disabled_reason", "failing_since", "description")
    list_filter = ("state",)
    search_fields = ("public_id", "url", "description")
    exclude = ("secret", "previous_secret")
    ordering = ("-id",)


@admin.register(Merchant)
class MerchantAdmin(TenantAdmin):
    list_display = ("public_id", "name", "currency", "time_zone")
    formfield_overrides = {URLField: {"assume_scheme": "https"}}  # Django 6's default

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        at = access.working(request)
        if at is None or at.merchant is None:
            return Merchant.objects.none()
        return Merchant.objects.filter(pk=at.merchant.pk)
