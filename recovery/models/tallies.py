from django.db import models

from recovery.models.base import Mutable, TenantOwned


class Tally(TenantOwned, Mutable):
    """What cases of one kind add up to: of a day once they are put together, until then a change
    of one case, with what it was before as a minus. Written by the database alone, as cases are
    (recovery/metrics/tallying.py); on PostgreSQL only.

    Amounts are minor units of `currency`.
    """

    # No constraint: while a merchant goes, its cases leave what they were; that goes last.
    merchant = models.ForeignKey(
        "recovery.Merchant", on_delete=models.CASCADE, related_name="+", db_constraint=False,
        db_index=False,
    )  # fmt: skip
    is_of_day = models.BooleanField(help_text="Put together, by the merchant's days.")
    placed_by = models.CharField(max_length=10, help_text="The time of a case that is its day.")
    at = models.DateTimeField(help_text="A moment of that day.")

    livemode = models.BooleanField()
    status = models.CharField(max_length=10)
    decline_type = models.CharField(max_length=20)
    decline_code = models.CharField(max_length=100)
    mechanism = models.CharField(max_length=20)
    currency = models.CharField(max_length=3)

    cases = models.BigIntegerField()
    owed = models.BigIntegerField()
    kept = models.BigIntegerField(help_text="Recovered less refunded.")
    refunded = models.BigIntegerField(help_text="Of what was recovered.")
    came = models.BigIntegerField(help_text="Whatever went back later.")
    unpaid = models.BigIntegerField(help_text="Owed on cases to which no money came.")
    reached = models.BigIntegerField(help_text="Cases of which the customer got a mail,")
    opened = models.BigIntegerField(help_text="opened the link,")
    updated = models.BigIntegerField(help_text="came back from Stripe's page for cards.")

    class Meta:
        verbose_name_plural = "tallies"
        indexes = [
            models.Index(fields=["merchant", "placed_by", "at"], name="tallies_by_day"),
            models.Index(
                fields=["merchant"], condition=models.Q(is_of_day=False), name="loose_tallies"
            ),
            models.Index(
                fields=["merchant", "currency"],
                condition=models.Q(placed_by="opened_at", status="open"),
                name="tallies_of_open_cases",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cases} {self.status} {self.placed_by} {self.at:%Y-%m-%d}"
