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

# Of one, and of several where that reads otherwise.
TASKS: Mapping[str, str] = {
    TaskKind.CAMPAIGN_STEP: "left to a person by a campaign",
    TaskKind.CHARGE_REFUSED: "not charged: a rule leaves it to a person",
    TaskKind.CHARGE_UNRESOLVED: "charged with an unknown end",
    TaskKind.ADDRESS_FAILED: "not reached by mail",
    TaskKind.WEBHOOK_DISABLED: "webhook switched off because it failed"
    "|webhooks switched off because they failed",
    TaskKind.STRIPE_REFUSED: "refused by Stripe",
    TaskKind.PERMISSION_MISSING: "stopped by a missing permission of the Stripe key",
    TaskKind.KEY_REFUSED: "stopped because Stripe refuses the key",
    TaskKind.OTHER_ACCOUNT: "task about open cases of another Stripe account or mode"
    "|tasks about open cases of other Stripe accounts or modes",
    TaskKind.ENDPOINT_LOST: "endpoint at Stripe that no longer tells of payments",
    TaskKind.CUSTOMER_DELETED: "owed by a customer who was deleted in Stripe"
    "|owed by customers who were deleted in Stripe",
    TaskKind.MESSAGE_UNSENT: "mail that was not sent|mails that were not sent",
    TaskKind.CARD_NOT_PUT: "card that could not be put in place"
    "|cards that could not be put in place",
    TaskKind.MAIL_HELD_UP: "mail held up until something is set right"
    "|mails held up until something is set right",
}
EVENTS = (
    "event of Stripe's that could not be processed|events of Stripe's that could not be processed"
)
MESSAGES = (
    "mail of which nobody knows whether it went|mails of which nobody knows whether they went"
)
WEBHOOKS = "webhook that is off because it failed|webhooks that are off because they failed"


@dataclass(frozen=True, slots=True)
class Waiting:
    count: int
    what: str
    address: str


def _waiting(count: int, what: str, address: str) -> Waiting:
    one, _, several = what.partition("|")
    return Waiting(count, one if count == 1 else several or one, address)


def now(merchant: Merchant) -> list[Waiting]:
    """Each with where it is done; nothing is nothing."""
    tasks = reverse("admin:recovery_operatortask_changelist")
    todo = OperatorTask.objects.of(merchant).filter(done_at=None).values("kind").order_by("kind")
    found = [
        _waiting(
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
        _waiting(events, EVENTS,
                 f"{reverse('admin:recovery_stripeevent_changelist')}?state=failed"),
        _waiting(messages, MESSAGES,
                 f"{reverse('admin:dunning_dunningmessage_changelist')}?state=unknown"),
        _waiting(off, WEBHOOKS,
                 reverse("admin:recovery_webhookregistration_changelist")),
    ]  # fmt: skip
    return [one for one in found if one.count]


@dataclass(frozen=True, slots=True)
class Step:
    """`how` says what to do where it isn't done; `where` is the address of the page for it."""

    what: str
    is_done: bool
    how: str
    where: str = ""


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
            "Connect Stripe", is_connected,
            "Make a restricted key in Stripe's dashboard and enter it. You are told which "
            "permissions it needs and lacks.",
            reverse("admin:settings_stripe"),
        ),
        Step(
            "Hear from Stripe", has_events,
            "The first event comes with the next invoice; a test event from Stripe's dashboard "
            "will do.",
        ),
        Step(
            "See a payment fail", has_cases,
            "Its case opens here by itself. Until then there is nothing to recover.",
        ),
        Step(
            "Say who writes to your customers",
            bool(merchant.support_email),
            "Set a support address that they can answer to, a color and a logo.",
            reverse("admin:settings_mail"),
        ),
        Step(
            "Have a campaign in use", has_campaign,
            "The default campaign for a kind of decline is made with the first case of it; or "
            "make your own.",
            reverse("admin:dunning_dunningcampaign_changelist"),
        ),
    ]  # fmt: skip


def _has(merchant: Merchant, *rows: Any) -> tuple[bool, ...]:
    """Of each kind whether the merchant has any, by one query."""
    asked = [Exists(kind.filter(merchant=OuterRef("pk"))) for kind in rows]
    found: tuple[bool, ...] = Merchant.objects.filter(pk=merchant.pk).values_list(*asked).get()
    return found
