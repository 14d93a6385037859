"""Stripe's own figures of the same payments, and where they differ from ours.

Source: docs.stripe.com/billing/revenue-recovery/recovery-analytics, which says what is counted
and leaves open how a payment that fails in one month and is recovered in the next is placed.
"""

from collections.abc import Mapping
from types import MappingProxyType

SOURCE = "https://docs.stripe.com/billing/revenue-recovery/recovery-analytics"
STRIPES_DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "failed_payments": "Stripe: the volume of subscription payments that failed on the first "
        "attempt. Here: what was owed on cases of subscriptions by the day of the first failure. "
        "Ours (at_stake) goes by the day on which Recover heard of it, counts invoices and "
        "payments without a subscription too, and leaves voided cases out.",
        "recovered_payments": "Stripe: the volume of subscription payments recovered by any "
        "means. Here: what came back on the cases of failed_payments, by whatever day. Ours "
        "(recovered) goes by the day of the money, subtracts what was refunded since, and leaves "
        "out what went back whole or is disputed.",
        "not_recovered": "Stripe: the volume that failed and could not be recovered. Here: what "
        "was owed on the cases of failed_payments that closed without money. Ours (lost) leaves "
        "out what was voided without a payment.",
        "still_open": "What is owed on the cases of failed_payments that are open: neither "
        "recovered nor given up yet. Stripe's recovery rate counts it as not recovered so far.",
        "recovery_rate": "Stripe: the percentage of subscription payment volume that was "
        "recovered after a failure. Here: recovered_payments ÷ failed_payments, as a share to two "
        "decimals. Ours goes by closed cases, so that open ones lower nothing.",
        "failure_rate": "Stripe: the percentage of subscription payment volume that failed on the "
        "first attempt. Always null: Recover hears of failures, not of all payments.",
    }
)
NOT_KNOWN = (
    "Stripe leaves out the first payment after a trial, which Recover can't tell from others, and "
    "has its own time zone (your account's) and days."
)
