"""The back office for now: cases with their timeline, the inbox; read-only, one merchant each."""

from collections.abc import Collection
from typing import Any, ClassVar

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
    Role,
    StripeEvent,
    TimelineEntry,
    User,
    WebhookDelivery,
    WebhookRegistration,
)

OPERATING = (Role.OWNER, Role.OPERATOR)


def merchants_of(
    request: HttpRequest, *, roles: Collection[str] = Role.values
) -> QuerySet[Merchant]:
    """Those that the user works for in one of the roles; all of them for the platform's staff."""
    user = request.user
    if not isinstance(user, User):
        return Merchant.objects.none()
    if user.is_superuser:
        return Merchant.objects.all()
    works_for = Membership.objects.filter(user=user, role__in=roles)
    return Merchant.objects.filter(pk__in=works_for.values("merchant"))


def actor_of(request: HttpRequest) -> str:
    """What a timeline calls the user."""
    return request.user.get_username()[:100]


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
        return super().get_queryset(request).filter(merchant__in=merchants_of(request))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who only views is offered no action; `operable` says on which rows one works."""
        return merchants_of(request, roles=OPERATING).exists()

    def operable(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the rows that the user may do more with than look."""
        return rows.filter(merchant__in=merchants_of(request, roles=OPERATING)).order_by("pk")


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
    inlines: ClassVar[tuple[type[InCase], ...]] = (
        TimelineInline, AttemptInline, CheckoutInline, TaskInline,
    )  # fmt: skip


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
        return super().get_queryset(request).filter(pk__in=merchants_of(request))
