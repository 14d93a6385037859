"""What a merchant sets in the Dashboard under Billing, Subscriptions and emails."""

from dataclasses import dataclass

HOUR = 3600
DAY = 24 * HOUR


@dataclass
class BillingSettings:
    """The retry schedule is in days after the previous attempt."""

    retry_after_days: tuple[int, ...] = (1, 3, 5, 7)
    # When all retries have failed: cancel, unpaid or past_due.
    after_retries: str = "cancel"
    finalizes_after_seconds: int = HOUR
    incomplete_expires_after_seconds: int = 23 * HOUR
