"""What is said of a case: by the names that webhooks use (docs/webhooks.md), nothing as null."""

from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from recovery.api.paging import PageAnswer
from recovery.declines import DeclineType
from recovery.masking import mask_email, mask_within
from recovery.models import PaymentAttempt, RecoveryCase, TimelineEntry
from recovery.state_machine import Status
from recovery.timeline import Kind

PLANS = (Kind.STEP_PLANNED, Kind.DUNNING_ENDED)


class Text(serializers.CharField):
    """A text, null where there is none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_null=True, read_only=True, **options)

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return str(value) or None


class MaskedEmail(Text):
    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return mask_email(value) or None


class MaskedText(Text):
    """Words in which an address may stand."""

    def to_representation(self, value: Any) -> str | None:  # type: ignore[override]
        return mask_within(str(value)) or None


class MaskedFacts(serializers.DictField):
    def to_representation(self, value: Any) -> dict[str, Any]:
        masked: dict[str, Any] = mask_within(value)
        return masked


class Event(serializers.Serializer[Any]):
    """A case. Amounts are minor units of `currency`, times UTC."""

    id = serializers.CharField(source="public_id")
    livemode = serializers.BooleanField()
    status = serializers.ChoiceField([str(one) for one in Status])
    reason = Text(help_text="Why it was closed.")
    is_paused = serializers.BooleanField(help_text="Recover writes and charges nothing.")
    paused_until = serializers.DateTimeField(
        allow_null=True, help_text="Null: until somebody resumes it."
    )
    stripe_customer_id = Text(source="customer.stripe_customer_id", default=None)
    customer_email_masked = MaskedEmail(source="customer_email")
    stripe_invoice_id = Text()
    stripe_payment_intent_id = Text()
    stripe_subscription_id = Text()
    invoice_number = Text()
    amount = serializers.IntegerField(help_text="What is owed.")
    amount_recovered = serializers.IntegerField()
    amount_refunded = serializers.IntegerField(help_text="Of what was recovered.")
    currency = serializers.CharField(help_text="ISO 4217 in lower case.")
    decline_type = serializers.ChoiceField([str(one) for one in DeclineType])
    decline_code = Text(help_text="Stripe's word.")
    advice_code = Text(help_text="Stripe's advice.")
    mechanism = Text(help_text="How the money came back.")
    attempt_count = serializers.IntegerField(
        help_text="Stripe's own tries of an invoice, as it counts: no others' are among them."
    )
    next_payment_attempt_at = serializers.DateTimeField(
        allow_null=True, help_text="When Stripe itself asks for the money again."
    )
    failed_at = serializers.DateTimeField()
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class Attempt(serializers.Serializer[PaymentAttempt]):
    """One try to charge, whoever made it."""

    attempted_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    trigger = serializers.CharField(help_text="Who made it: stripe, recover, customer, operator.")
    state = serializers.CharField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    stripe_charge_id = Text()
    stripe_payment_method_id = Text(source="payment_method_id")
    card_brand = Text()
    card_last4 = Text()
    card_expiry = Text()
    card_country = Text()
    decline_type = Text()
    decline_code = Text()
    advice_code = Text()
    network_decline_code = Text()
    network_advice_code = Text()
    block_reason = Text()
    error = Text()


class Entry(serializers.Serializer[TimelineEntry]):
    """One thing done, or deliberately not done: by whom, by which rule, from which facts."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    actor = MaskedText(help_text="Who did it.")
    summary = MaskedText(help_text="A sentence for people.")
    rule = MaskedText(help_text="The rule that it followed.")
    source = MaskedText()  # type: ignore[assignment]  # declared fields hide nothing
    facts = MaskedFacts()


class NextStep(serializers.Serializer[Any]):
    """What the campaign does next, as the timeline said last."""

    step = serializers.IntegerField()
    channel = serializers.CharField()
    at = serializers.DateTimeField()


class EventDetail(Event):
    """With all that happened; give it `now` in its context, and rows read in their order."""

    attempts = Attempt(many=True)
    next_step = serializers.SerializerMethodField()
    timeline = Entry(many=True)

    @extend_schema_field(NextStep(allow_null=True))
    def get_next_step(self, case: RecoveryCase) -> dict[str, Any] | None:
        """The latest plan, if it is still one."""
        told = (entry for entry in reversed(case.timeline.all()) if entry.kind in PLANS)
        last = next(told, None)
        if not case.is_open or last is None or last.kind != Kind.STEP_PLANNED:
            return None
        at = datetime.fromisoformat(last.facts["at"])
        return NextStep(last.facts | {"at": at}).data if at > self.context["now"] else None


class EventList(PageAnswer):
    data = Event(many=True)  # type: ignore[assignment]  # declared fields hide nothing


class HandledEvent(serializers.Serializer[Any]):
    """What a verb did; `is_changed` false: it was so before."""

    is_changed = serializers.BooleanField()
    message = serializers.CharField()
    event = Event()


class ChargedEvent(serializers.Serializer[Any]):
    """What became of asking for the money."""

    outcome = serializers.ChoiceField(
        ["paid", "already_paid", "declined", "needs_authentication", "pending"]
    )
    message = serializers.CharField()
    event = Event()
