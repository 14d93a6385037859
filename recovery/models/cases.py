from functools import partial

from django.db import models
from django.db.models import Q

from recovery.charging_rules import RetryDriver
from recovery.declines import DeclineType
from recovery.mechanisms import Mechanism
from recovery.models.base import Mutable, TenantListed, new_public_id
from recovery.models.customers import Customer
from recovery.state_machine import Status, Trigger


def choices(*enums: type) -> list[tuple[str, str]]:
    return [(str(member), str(member).replace("_", " ")) for enum in enums for member in enum]  # type: ignore[attr-defined]


class RecoveryCase(TenantListed, Mutable):
    """One unpaid invoice or one-time payment being recovered. Written by recovery/cases/ alone.

    Amounts are minor units of `currency`.
    """

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "case")
    )
    customer = models.ForeignKey(  # cases_by_customer is its index
        Customer, null=True, on_delete=models.RESTRICT, related_name="cases", db_index=False
    )
    livemode = models.BooleanField()
    stripe_invoice_id = models.CharField(max_length=255, blank=True, default="")
    stripe_payment_intent_id = models.CharField(max_length=255, blank=True, default="")
    stripe_subscription_id = models.CharField(max_length=255, blank=True, default="")
    invoice_number = models.CharField(max_length=100, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    hosted_invoice_url = models.CharField(max_length=2000, blank=True, default="")

    status = models.CharField(max_length=10, choices=choices(Status), default=Status.OPEN)
    reason = models.CharField(
        max_length=30, blank=True, default="", choices=choices(Trigger), help_text="Why it closed."
    )
    is_paused = models.BooleanField(default=False)
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="When a pause ends by itself."
    )
    mechanism = models.CharField(max_length=20, blank=True, default="", choices=choices(Mechanism))

    amount = models.PositiveBigIntegerField()
    amount_recovered = models.PositiveBigIntegerField(default=0)
    amount_refunded = models.PositiveBigIntegerField(default=0)
    amount_paid_before = models.PositiveBigIntegerField(
        null=True, blank=True,
        help_text="What had been paid of the invoice when its charge failed first.",
    )  # fmt: skip
    currency = models.CharField(max_length=3)

    decline_type = models.CharField(max_length=20, choices=choices(DeclineType))
    decline_code = models.CharField(max_length=100, blank=True, default="")
    advice_code = models.CharField(max_length=100, blank=True, default="")
    payment_method_id = models.CharField(max_length=255, blank=True, default="")
    card_brand = models.CharField(max_length=50, blank=True, default="")
    card_last4 = models.CharField(max_length=4, blank=True, default="")
    attempt_count = models.PositiveSmallIntegerField(default=0)
    paid_attempt_count = models.PositiveSmallIntegerField(default=0)
    retry_driver = models.CharField(
        max_length=10, choices=choices(RetryDriver), default=RetryDriver.STRIPE,
        help_text="Recover only once Stripe has confirmed that its own retries are off.",
    )  # fmt: skip
    next_payment_attempt_at = models.DateTimeField(null=True, blank=True)
    is_payment_under_way = models.BooleanField(
        default=False, help_text="A bank works on a payment, a direct debit say, for days."
    )
    payment_known_at = models.DateTimeField(
        null=True, blank=True, help_text="Stripe's time of what is known of that."
    )

    is_taken_up = models.BooleanField(
        default=False, db_default=False,
        help_text="A campaign works it, or has: none begins by itself any more.",
    )  # fmt: skip
    is_reached = models.BooleanField(default=False, help_text="A mail went to the customer.")
    has_opened = models.BooleanField(default=False, help_text="The link in a mail was opened.")
    has_updated = models.BooleanField(
        default=False, help_text="The customer came back from Stripe's page for cards."
    )

    failed_at = models.DateTimeField(help_text="Stripe's time of the first failure.")
    opened_at = models.DateTimeField(help_text="When Recover heard of it.")
    settles_at = models.DateTimeField(
        null=True, blank=True, help_text="A one-time payment's customer is left alone until then."
    )
    closed_at = models.DateTimeField(null=True, blank=True)
    known_at = models.DateTimeField(help_text="Stripe's time of the newest fact taken over.")
    enrich_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe is next asked for what the payload left out."
    )
    enrich_tries = models.PositiveSmallIntegerField(default=0)
    reconciled_at = models.DateTimeField(
        null=True, blank=True, help_text="When Stripe was last asked whether it is still so."
    )
    person_erased_at = models.DateTimeField(
        null=True, blank=True, help_text="Since then nothing is kept of who owes."
    )

    class Meta:
        verbose_name, verbose_name_plural = "case", "cases"
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "stripe_invoice_id"],
                condition=~Q(stripe_invoice_id=""),
                name="one_case_per_invoice",
            ),
            models.UniqueConstraint(
                fields=["merchant", "stripe_payment_intent_id"],
                condition=Q(stripe_invoice_id=""),
                name="one_case_per_one_time_payment",
            ),
            models.CheckConstraint(
                condition=~Q(stripe_invoice_id="", stripe_payment_intent_id=""),
                name="a_case_recovers_an_invoice_or_a_payment",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.OPEN, closed_at__isnull=True, reason="")
                | (~Q(status=Status.OPEN) & Q(closed_at__isnull=False) & ~Q(reason="")),
                name="closed_cases_and_no_others_say_when_and_why",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.RECOVERED)
                | (~Q(mechanism="") & Q(amount_recovered__gt=0)),
                name="recovered_cases_say_how_and_how_much",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[Status.RECOVERED, Status.VOIDED]) | Q(amount_recovered=0),
                name="money_came_back_only_on_paid_cases",
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_case_is_about_money"),
            models.CheckConstraint(
                condition=Q(is_paused=True) | Q(paused_until__isnull=True),
                name="only_pauses_have_an_end",
            ),
        ]
        indexes = [
            # A list by any of these is read in its own order, however rare the value is; what it
            # is filtered by besides stands behind, so that no row is fetched that isn't shown.
            models.Index(fields=["merchant", "-opened_at", "-id"], name="cases_newest_first"),
            models.Index(fields=["customer", "-opened_at", "-id"], name="cases_by_customer"),
            *(
                models.Index(
                    fields=["merchant", name, "-opened_at", "-id", *besides],
                    name=f"cases_of_a_{name}",
                )
                for name, *besides in (
                    ("status", "decline_type", "currency"),
                    ("decline_type", "status", "currency"),
                    ("currency", "status", "decline_type"),
                )
            ),
            models.Index(
                fields=["merchant", "closed_at"],
                condition=Q(closed_at__isnull=False),
                name="closed_cases_by_day",
            ),
            # As Stripe's own figures place them.
            models.Index(
                fields=["merchant", "failed_at"],
                condition=~Q(stripe_subscription_id=""),
                name="subscriptions_by_failure",
            ),
            models.Index(
                fields=["merchant", "stripe_subscription_id"],
                condition=~Q(stripe_subscription_id=""),
                name="cases_by_subscription",
            ),
            models.Index(
                fields=["merchant", "stripe_payment_intent_id"],
                condition=~Q(stripe_payment_intent_id=""),
                name="cases_by_payment_intent",
            ),
            models.Index(fields=["livemode"], condition=Q(status="open"), name="open_cases"),
            models.Index(
                fields=["merchant", "-amount", "-id", "status", "decline_type", "currency"],
                name="cases_by_amount",
            ),
            models.Index(
                fields=["merchant", "-amount", "-id", "currency"],
                condition=Q(status="open"),
                name="open_cases_of_an_amount",
            ),
            models.Index(
                fields=["merchant", "decline_type", "-opened_at", "-id", "currency"],
                condition=Q(status="open"),
                name="open_cases_of_a_decline_type",
            ),
            models.Index(
                fields=["merchant", "-opened_at", "-id"],
                condition=Q(status="open", is_paused=True),
                name="paused_cases",
            ),
            models.Index(
                fields=["merchant", "-amount", "-id"],
                condition=Q(status="open", is_paused=True),
                name="paused_cases_by_amount",
            ),
            models.Index(
                fields=["merchant", "invoice_number"],
                condition=~Q(invoice_number=""),
                name="cases_by_invoice_number",
            ),
            models.Index(
                fields=["paused_until"],
                condition=Q(paused_until__isnull=False),
                name="cases_to_resume",
            ),
            models.Index(
                fields=["id"],
                condition=Q(status="open", is_taken_up=False),
                name="cases_to_take_up",
            ),
            models.Index(
                fields=["enrich_at"], condition=Q(enrich_at__isnull=False), name="cases_to_enrich"
            ),
            models.Index(
                fields=["merchant", "reconciled_at"],
                condition=Q(status="open"),
                name="open_cases_to_reconcile",
            ),
            models.Index(
                fields=["payment_known_at"],
                condition=Q(is_payment_under_way=True),
                name="cases_with_money_under_way",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.status == Status.OPEN

    @property
    def is_elsewhere(self) -> bool:
        """It is owed at another Stripe account, or in another mode, than is connected now: nobody
        can be asked about it, and no event tells of it. In queries: cases.here."""
        stripe = self.merchant.stripe
        return stripe.is_of_before(self.opened_at) or not stripe.counts(livemode=self.livemode)

    @property
    def is_of_erased(self) -> bool:
        """Nobody is led to pay it, nor charged for it by hand, any more."""
        return self.customer is not None and self.customer.is_erased

    @property
    def is_one_time(self) -> bool:
        return not self.stripe_invoice_id

    @property
    def debt_id(self) -> str:
        """Stripe's id of what is owed: of the invoice, or of the one-time payment."""
        return self.stripe_invoice_id or self.stripe_payment_intent_id

    @property
    def log_ids(self) -> dict[str, str]:
        """What a line of the log that is about this case says (log_context.py)."""
        return {"debt": self.debt_id, "case": self.public_id}

    @property
    def customer_email(self) -> str:
        return self.customer.email if self.customer else ""
