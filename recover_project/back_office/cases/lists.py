"""Cases with their timeline, customers, and the tasks that cases left for a person."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from billing_portal import links
from billing_portal.models import PaymentUpdateLink
from dunning.mail import replacements
from dunning.mail.replacements import NotSentError
from recover_project.back_office.access import actor_of
from recover_project.back_office.rows import InCase, TenantAdmin
from recovery.models import (
    Checkout,
    Customer,
    OperatorTask,
    PaymentAttempt,
    RecoveryCase,
    TimelineEntry,
)


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


class LinkInline(InCase):
    """The token is in the mail and nowhere else, and its digest isn't shown either."""

    model = PaymentUpdateLink
    fields = (
        "public_id", "created_at", "expires_at", "opened_at", "started_at", "finished_at",
        "revoked_at",
    )  # fmt: skip
    readonly_fields = ("public_id",)
    ordering = ("created_at", "id")


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
        TimelineInline, AttemptInline, CheckoutInline, TaskInline, LinkInline,
    )  # fmt: skip
    actions = ("revoke_links", "send_new_link")

    @admin.action(description="Revoke all links of the cases", permissions=["operate"])
    def revoke_links(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor = timezone.now(), actor_of(request)
        revoked = sum(links.revoke_all(case, now=now, actor=actor) for case in chosen)
        self.message_user(request, f"Links revoked: {revoked}.")

    @admin.action(description="Send a new link to the customers", permissions=["operate"])
    def send_new_link(self, request: HttpRequest, chosen: QuerySet[Any]) -> None:
        now, actor, sent = timezone.now(), actor_of(request), 0
        for case in chosen:
            try:
                replacements.send(case, actor=actor, now=now)
                sent += 1
            except NotSentError as error:
                told = f"{case.public_id}: no new link, {error}."
                self.message_user(request, told, messages.WARNING)
        self.message_user(request, f"New links on their way: {sent}.")


@admin.register(Customer)
class CustomerAdmin(TenantAdmin):
    list_display = ("stripe_customer_id", "email", "name", "is_deleted")
    search_fields = ("stripe_customer_id", "email")
    ordering = ("-id",)


@admin.register(OperatorTask)
class OperatorTaskAdmin(TenantAdmin):
    list_display = ("public_id", "kind", "summary", "case", "created_at", "done_at")
    list_filter = ("kind",)
    search_fields = ("public_id", "summary", "case__public_id")
    list_select_related = ("case",)
    ordering = ("-id",)
