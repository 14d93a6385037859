"""The back office for now: cases with their timeline, the inbox; read-only, one merchant each."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet, URLField
from django.http import HttpRequest

from recovery.models import (
    Checkout,
    Customer,
    Membership,
    Merchant,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    StripeEvent,
    TimelineEntry,
    User,
    WebhookDelivery,
    WebhookRegistration,
)


class ReadOnly:
    """Nothing is added, changed or deleted here: that is done by use cases."""

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        return False


class TenantAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows a user the rows of the merchants they work for; the platform's staff sees all."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        user = request.user
        if not isinstance(user, User) or user.is_superuser:
            return rows
        merchants = Membership.objects.filter(user=user).values("merchant")
        return rows.filter(merchant__in=merchants)


class InCase(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    extra = 0
    can_delete = False
    model: type[Model]


class TimelineInline(InCase):
    model = TimelineEntry
    fields = ("at", "actor", "summary", "rule", "source", "facts")
    ordering = ("at", "id")


class AttemptInline(InCase):
    model = PaymentAttempt
    fields = ("attempted_at", "trigger", "state", "decline_code", "card_brand", "card_last4")
    ordering = ("attempted_at",)


class CheckoutInline(InCase):
    model = Checkout
    fields = ("created_at", "state", "session_id", "payment_intent_id", "closed_at", "reason")
    ordering = ("created_at",)


class TaskInline(InCase):
    model = OperatorTask
    fields = ("created_at", "kind", "summary", "done_at")
    ordering = ("created_at",)


@admin.register(RecoveryCase)
class RecoveryCaseAdmin(TenantAdmin):
    list_display = (
        "public_id", "customer", "amount", "currency", "decline_type", "decline_code", "status",
        "reason", "opened_at",
    )  # fmt: skip
    list_filter = ("status", "decline_type", "currency")
    search_fields = ("public_id", "stripe_invoice_id", "invoice_number", "customer__email")
    list_select_related = ("customer",)
    ordering = ("-opened_at", "-id")
    inlines = (TimelineInline, AttemptInline, CheckoutInline, TaskInline)


@admin.register(OperatorTask)
class OperatorTaskAdmin(TenantAdmin):
    list_display = ("public_id", "kind", "summary", "case", "created_at", "done_at")
    list_filter = ("kind",)
    search_fields = ("public_id", "summary", "case__public_id")
    list_select_related = ("case",)
    ordering = ("-id",)


@admin.register(StripeEvent)
class StripeEventAdmin(TenantAdmin):
    list_display = (
        "stripe_event_id",
        "type",
        "concerns",
        "state",
        "tries",
        "received_at",
        "error",
    )
    list_filter = ("state", "type")
    search_fields = ("stripe_event_id", "concerns")
    ordering = ("-id",)


@admin.register(WebhookRegistration)
class WebhookRegistrationAdmin(TenantAdmin):
    list_display = ("public_id", "url", "state", "disabled_reason", "failing_since", "description")
    list_filter = ("state",)
    search_fields = ("public_id", "url", "description")
    exclude = ("secret", "previous_secret")
    ordering = ("-id",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(TenantAdmin):
    list_display = (
        "public_id",
        "notice",
        "registration",
        "state",
        "tries",
        "due_at",
        "last_status",
        "last_error",
    )
    list_filter = ("state", "last_status")
    search_fields = ("public_id", "notice__public_id", "registration__url")
    list_select_related = ("notice", "registration")
    ordering = ("-id",)


@admin.register(Customer)
class CustomerAdmin(TenantAdmin):
    list_display = ("stripe_customer_id", "email", "name", "is_deleted")
    search_fields = ("stripe_customer_id", "email")
    ordering = ("-id",)


@admin.register(Merchant)
class MerchantAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("public_id", "name", "currency", "time_zone")
    formfield_overrides = {URLField: {"assume_scheme": "https"}}  # Django 6's default

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        user = request.user
        if not isinstance(user, User) or user.is_superuser:
            return rows
        return rows.filter(pk__in=Membership.objects.filter(user=user).values("merchant"))
