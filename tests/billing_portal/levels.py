"""Where Stripe finds the card that it charges, set and read as the merchant's own code would."""

from typing import Any

from recovery.models import RecoveryCase
from tests.billing_portal.visits import stripe_customer
from tests.connected import KEY, ask
from tests.local_stripe import LocalStripe

DEFAULT = "invoice_settings[default_payment_method]"


def attach(local_stripe: LocalStripe, case: RecoveryCase, token: str = "pm_card_visa") -> str:
    """A card that the customer has on file, and nothing more; its id."""
    made = ask(
        local_stripe, "POST", f"payment_methods/{token}/attach", customer=stripe_customer(case)
    )
    return str(made["id"])


def subscription(local_stripe: LocalStripe, id_: str, **fields: str) -> dict[str, Any]:
    """Changed as `fields` say, and read."""
    return ask(local_stripe, "POST" if fields else "GET", f"subscriptions/{id_}", **fields)


def customer(local_stripe: LocalStripe, case: RecoveryCase, **fields: str) -> dict[str, Any]:
    """Changed as `fields` say, and read."""
    path = f"customers/{stripe_customer(case)}"
    return ask(local_stripe, "POST" if fields else "GET", path, **fields)


def fails_by(local_stripe: LocalStripe, case: RecoveryCase, level: str) -> None:
    """The card that failed stands on that level alone."""
    failed, own = case.payment_method_id, case.stripe_subscription_id
    if level in {"subscription.default_payment_method", "subscription.default_source"}:
        subscription(local_stripe, own, **{level.partition(".")[2]: failed})
    if level == "customer.default_source":
        customer(local_stripe, case, default_source=failed)
    if level != "customer.invoice_settings":
        customer(local_stripe, case, **{DEFAULT: ""})


def another_subscription(local_stripe: LocalStripe, case: RecoveryCase, **fields: str) -> str:
    """Of the same customer, in its trial; its id."""
    old = subscription(local_stripe, case.stripe_subscription_id)
    made = ask(
        local_stripe, "POST", "subscriptions", customer=stripe_customer(case),
        trial_period_days="7", **{"items[0][price]": old["items"]["data"][0]["price"]["id"]},
        **fields,
    )  # fmt: skip
    return str(made["id"])


def renews(local_stripe: LocalStripe, id_: str) -> tuple[str, str]:
    """The next renewal: how its invoice ended, and the card that it was charged to."""
    made = local_stripe.scenarios.renews(subscription=id_, key=KEY)
    invoice = ask(local_stripe, "GET", f"invoices/{made['invoice']}")
    found = ask(local_stripe, "GET", f"charges?payment_intent={made['payment_intent']}")
    return invoice["status"], found["data"][0]["payment_method"]
