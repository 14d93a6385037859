import zoneinfo
from functools import partial

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from recovery.models.base import Mutable, new_public_id

DEFAULT_SETTLING_MINUTES = 30
DEFAULT_PAYLOAD_DAYS = 90
# Stripe lists events for thirty days: one that was missed may come that late, and then asks what
# was told before it.
FEWEST_PAYLOAD_DAYS, MOST_PAYLOAD_DAYS = 30, 3650
FEWEST_MESSAGE_DAYS, MOST_MESSAGE_DAYS = 30, 3650
EVERY_DAY = "1234567"
COLOR = RegexValidator(r"^#[0-9a-fA-F]{6}$", "Write it as #rrggbb.")
LONGEST_NAME = 200


class Merchant(Mutable):
    """Our tenant: the business that is owed."""

    public_id = models.CharField(
        max_length=40, unique=True, editable=False, default=partial(new_public_id, "mer")
    )
    name = models.CharField(max_length=200)
    product_name = models.CharField(
        max_length=LONGEST_NAME, help_text="What the customer knows the product as."
    )
    color = models.CharField(
        max_length=7,
        default="#1f5eff",
        validators=[COLOR],
    )
    support_email = models.EmailField(blank=True, help_text="Where customers' answers go.")
    sender_email = models.EmailField(
        blank=True, help_text="The address mail is sent from, if not the platform's."
    )
    currency = models.CharField(
        max_length=3,
        default="usd",
        help_text="The currency of the figures, as Stripe writes it.",
        validators=[RegexValidator(r"^[a-z]{3}$", "Write it as usd.")],
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    monthly_price = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="What Recover costs a month, in minor units of the currency; empty: no figure.",
    )
    settling_minutes = models.PositiveIntegerField(
        default=DEFAULT_SETTLING_MINUTES,
        help_text="How long after a failed one-time payment its customer is first written to.",
    )
    send_from_hour = models.PositiveSmallIntegerField(
        default=8, validators=[MaxValueValidator(23)],
        help_text="Customers are written to from this hour of their day on.",
    )  # fmt: skip
    send_until_hour = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(24)],
        help_text="And no later than this; 0 to 24 is the whole day.",
    )  # fmt: skip
    send_weekdays = models.CharField(
        max_length=7, default=EVERY_DAY,
        validators=[RegexValidator(r"^1?2?3?4?5?6?7?$", "Write 12345 for Monday to Friday.")],
        help_text="On these days: 1 is Monday, 7 is Sunday.",
    )  # fmt: skip
    payload_days = models.PositiveSmallIntegerField(
        default=DEFAULT_PAYLOAD_DAYS, db_default=DEFAULT_PAYLOAD_DAYS,
        validators=[MinValueValidator(FEWEST_PAYLOAD_DAYS), MaxValueValidator(MOST_PAYLOAD_DAYS)],
        help_text="For how many days it is kept what Stripe's events said, word for word.",
    )  # fmt: skip
    message_days = models.PositiveSmallIntegerField(
        null=True, blank=True,
        validators=[MinValueValidator(FEWEST_MESSAGE_DAYS), MaxValueValidator(MOST_MESSAGE_DAYS)],
        help_text="For how many days it is kept what mails said; empty: for good.",
    )  # fmt: skip
    requires_second_factor = models.BooleanField(
        default=False, help_text="Owners get into the back office with a second factor only."
    )
    tallied_in = models.CharField(
        max_length=64, blank=True, default="", editable=False,
        help_text="The time zone by whose days its cases are tallied; empty: they aren't yet.",
    )  # fmt: skip
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(monthly_price__isnull=True) | models.Q(monthly_price__gt=0),
                name="a_price_is_positive_or_absent",
            ),
            models.CheckConstraint(
                condition=models.Q(send_from_hour__lt=models.F("send_until_hour"))
                & models.Q(send_until_hour__lte=24)
                & ~models.Q(send_weekdays=""),
                name="a_send_window_has_room",
            ),
            models.CheckConstraint(
                condition=models.Q(payload_days__range=(FEWEST_PAYLOAD_DAYS, MOST_PAYLOAD_DAYS)),
                name="payloads_are_kept_for_a_month_to_ten_years",
            ),
            models.CheckConstraint(
                condition=models.Q(message_days__isnull=True)
                | models.Q(message_days__range=(FEWEST_MESSAGE_DAYS, MOST_MESSAGE_DAYS)),
                name="what_mails_said_is_kept_for_a_month_at_least",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)
