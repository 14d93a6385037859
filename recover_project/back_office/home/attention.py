"""What needs a person now, and what a new merchant has still to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef
from django.urls import reverse

from dunning.models import DunningCampaign, DunningMessage
from recovery.models import (
    Merchant,
    OperatorTask,
    RecoveryCase,
    StripeEvent,
    WebhookRegistration,
)
from recovery.operator_tasks import TaskKind

TASKS: Mapping[str, str] = {
    TaskKind.CAMPAIGN_STEP: "left to a person by a campaign",
    TaskKind.CHARGE_REFUSED: "not charged: a rule leaves it to a person",
    TaskKind.CHARGE_UNRESOLVED: "charged with an unknown end",
    TaskKind.ADDRESS_FAILED: "not reached by mail",
    TaskKind.WEBHOOK_DISABLED: "webhooks switched off because they failed",
    TaskKind.STRIPE_REFUSED: "refused by Stripe",
    TaskKind.PERMISSION_MISSING: "stopped by a missing permission of the Stripe key",
    TaskKind.KEY_REFUSED: "stopped because Stripe refuses the key",
    TaskKind.ENDPOINT_LOST: "keeping Stripe from telling of payments",
    TaskKind.CUSTOMER_DELETED: "owed by customers who were deleted in Stripe",
    TaskKind.MESSAGE_UNSENT: "mails that were not sent",
    TaskKind.CARD_NOT_PUT: "cards that could not be put in place",
    TaskKind.MAIL_HELD_UP: "mails held up until something is set right",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    count: int
    what: str
    address: str


def now(merchant: Merchant) -> list[Waiting]:
    """Each with where it is done; nothing is nothing."""
    tasks = reverse("admin:recovery_operatortask_changelist")
    todo = OperatorTask.objects.of(merchant).filter(done_at=None).values("kind").order_by("kind")
    found = [
        Waiting(
            row["count"], TASKS.get(row["kind"], row["kind"]),
            f"{tasks}?kind={row['kind']}&done_at__isempty=1",
        )
        for row in todo.annotate(count=Count("*"))
    ]  # fmt: skip
    events = StripeEvent.objects.of(merchant).filter(state=StripeEvent.State.FAILED).count()
    messages = (
        DunningMessage.objects.of(merchant).filter(state=DunningMessage.State.UNKNOWN).count()
    )
    off = (
        WebhookRegistration.objects.of(merchant)
        .filter(state="disabled")
        .exclude(disabled_reason="by_merchant")
        .count()
    )
    found += [
        Waiting(events, "events of Stripe's that could not be processed",
                f"{reverse('admin:recovery_stripeevent_changelist')}?state=failed"),
        Waiting(messages, "mails of which nobody knows whether they went",
                f"{reverse('admin:dunning_dunningmessage_changelist')}?state=unknown"),
        Waiting(off, "webhooks that are off because they failed",
                reverse("admin:recovery_webhookregistration_changelist")),
    ]  # fmt: skip
    return [one for one in found if one.count]


@dataclass(frozen=True, slots=True)
class Step:
    """`how` says what to do where it isn't done."""

    what: str
    is_done: bool
    how: str


def first_steps(merchant: Merchant) -> list[Step]:
    """In the order in which a new merchant takes them."""
    stripe = merchant.stripe
    has_events, has_cases, has_campaign = _has(
        merchant, StripeEvent.objects, RecoveryCase.objects,
        DunningCampaign.objects.filter(state="current"),
    )  # fmt: skip
    is_connected = bool(stripe.connected_at) and not stripe.disconnected_at
    return [
        Step(
            "Stripe is connected", is_connected,
            f"Make a restricted key in Stripe's dashboard, then run “manage.py connect_stripe "
            f"{merchant.public_id}”. It lists the permissions that the key needs and lacks.",
        ),
        Step(
            "Stripe has told of something",
            has_events,
            "The first event comes with the next invoice; a test event from Stripe's dashboard "
            "will do.",
        ),
        Step(
            "A payment has failed", has_cases,
            "Its case opens here by itself. Until then there is nothing to recover.",
        ),
        Step(
            "Customers know who writes",
            bool(merchant.support_email),
            "Set a support address, a color and a logo: customers answer to it and see them.",
        ),
        Step(
            "A campaign is in use",
            has_campaign,
            "The default campaign for a kind of decline is made with the first case of it.",
        ),
    ]  # fmt: skip


def _has(merchant: Merchant, *rows: Any) -> tuple[bool, ...]:
    """Of each kind whether the merchant has any, by one query."""
    asked = [Exists(kind.filter(merchant=OuterRef("pk"))) for kind in rows]
    found: tuple[bool, ...] = Merchant.objects.filter(pk=merchant.pk).values_list(*asked).get()
    return found
