from django.db import models

from recovery.models.base import Mutable, TenantListed


class Customer(TenantListed, Mutable):
    """Who owes the merchant; a guest, who has no `cus_…`, is known by the address alone."""

    stripe_customer_id = models.CharField(max_length=255, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    name = models.CharField(max_length=200, blank=True, default="")
    # The alternate contact: another address that Stripe has, for when the first takes no mail.
    alternate_email = models.CharField(max_length=254, blank=True, default="")
    alternate_known_at = models.DateTimeField(
        null=True, blank=True, help_text="Stripe's time of the alternate contact."
    )
    locale = models.CharField(
        max_length=100, blank=True, default="", help_text="Best first, separated by commas."
    )
    country = models.CharField(max_length=2, blank=True, default="")
    state = models.CharField(
        max_length=100, blank=True, default="", help_text="As the address at Stripe has it."
    )
    metadata = models.JSONField(default=dict, blank=True, help_text="The merchant's, at Stripe.")
    default_payment_method_id = models.CharField(max_length=255, blank=True, default="")
    is_deleted = models.BooleanField(default=False)
    known_at = models.DateTimeField(help_text="Stripe's time of the newest fact above.")
    # A payment method that came since a payment failed: the open cases are charged to it.
    new_payment_method_id = models.CharField(max_length=255, blank=True, default="")
    new_payment_method_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When the open cases are next to be charged to it."
    )
    new_payment_method_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when they may be."
    )
    new_payment_method_tries = models.PositiveSmallIntegerField(default=0)
    # Who was erased stays as a row without a person: what is heard late of them finds it.
    erased_at = models.DateTimeField(
        null=True, blank=True, help_text="What was so then isn't learned any more."
    )
    pseudonym = models.CharField(
        max_length=64, blank=True, default="", db_default="",
        help_text="An erased guest's, whom no id at Stripe names.",
    )  # fmt: skip
    events_read_to = models.BigIntegerField(
        null=True, blank=True,
        help_text="The stored event up to which payloads that name them were looked for.",
    )  # fmt: skip

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "stripe_customer_id"],
                condition=~models.Q(stripe_customer_id=""),
                name="one_customer_per_stripe_customer",
            ),
            models.UniqueConstraint(
                fields=["merchant", "email"],
                condition=models.Q(stripe_customer_id="") & ~models.Q(email=""),
                name="one_guest_per_known_address",
            ),
            models.UniqueConstraint(
                fields=["merchant", "pseudonym"],
                condition=~models.Q(pseudonym=""),
                name="one_erased_guest_per_pseudonym",
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="customers_of_a_merchant"),
            models.Index(
                fields=["new_payment_method_due_at"],
                condition=models.Q(new_payment_method_due_at__isnull=False),
                name="customers_with_a_new_card",
            ),
            models.Index(
                fields=["id"],
                condition=models.Q(events_read_to__isnull=False),
                name="people_to_look_for_in_payloads",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_customer_id or self.email or f"guest {self.pk}"

    @property
    def is_erased(self) -> bool:
        """Until they owe something new: then they are known again, from that debt on."""
        return self.erased_at is not None and self.known_at <= self.erased_at
