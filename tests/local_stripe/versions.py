"""The shape of an object in the API version that was asked for.

Objects are kept in the newest shape; fields that begin with an underscore are this server's own
and never leave it. Sources of the changes: Stripe's changelog of 2025-03-31.basil (several
payments per invoice) and 2025-09-30.clover (`payment_details` of a PaymentIntent).
"""

import re
from typing import Any

from .shapes import Object

# An account's version unless it is told another: accounts lag behind the newest, and the CLI's
# triggers, which send no version, still use what endive removed.
ACCOUNT_DEFAULT = "2026-08-26.dahlia"
BASIL = "2025-03-31"
CLOVER = "2025-09-30"
ENDIVE = "2026-09-30"


_FORM = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")


def is_version(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def is_before(version: str, release: str) -> bool:
    """Versions begin with their date, so they compare as text."""
    return version[:10] < release


class Rendered(dict[str, Any]):
    """An object whose shape is settled: an event's, which keeps the version it was created in."""


def render(value: Any, version: str) -> Any:
    """`value` and everything in it as `version` shows it."""
    if isinstance(value, Rendered):
        return value
    if isinstance(value, list):
        return [render(part, version) for part in value]
    if not isinstance(value, dict):
        return value
    public = {key: render(part, version) for key, part in value.items() if not key.startswith("_")}
    change = _CHANGES.get(str(value.get("object")))
    if change is not None:
        change(public, value, version)
    return public


def _invoice(public: Object, stored: Object, version: str) -> None:
    if not is_before(version, BASIL):
        return
    details = (stored["parent"] or {}).get("subscription_details") or {}
    public.pop("parent")
    public.pop("payments", None)
    public.pop("amount_paid_off_stripe", None)
    public |= {
        "subscription": details.get("subscription"),
        "subscription_details": {"metadata": details.get("metadata")} if details else None,
        "payment_intent": stored.get("_payment_intent"),
        "charge": stored.get("_charge"),
        "paid": stored["status"] == "paid",
        "paid_out_of_band": bool(stored.get("_paid_out_of_band")),
        "tax": None,
    }


def _line_item(public: Object, stored: Object, version: str) -> None:
    if not is_before(version, BASIL):
        return
    price = stored.get("_price")
    public.pop("parent")
    public.pop("pricing")
    public |= {
        "price": price and render(price, version),
        "subscription": stored.get("subscription"),
        "subscription_item": stored.get("_subscription_item"),
        "proration": False,
        "type": "subscription" if stored.get("subscription") else "invoiceitem",
    }


def _payment_intent(public: Object, stored: Object, version: str) -> None:
    if is_before(version, BASIL):
        public["invoice"] = stored.get("_invoice")
    if is_before(version, CLOVER):
        public.pop("payment_details", None)


def _charge(public: Object, stored: Object, version: str) -> None:
    if is_before(version, BASIL):
        public["invoice"] = stored.get("_invoice")


def _subscription(public: Object, stored: Object, version: str) -> None:
    if is_before(version, BASIL):
        item = stored["items"]["data"][0]
        public["current_period_start"] = item["current_period_start"]
        public["current_period_end"] = item["current_period_end"]


def _subscription_item(public: Object, stored: Object, version: str) -> None:
    if is_before(version, BASIL):
        public.pop("current_period_start")
        public.pop("current_period_end")


_CHANGES = {
    "invoice": _invoice,
    "line_item": _line_item,
    "payment_intent": _payment_intent,
    "charge": _charge,
    "subscription": _subscription,
    "subscription_item": _subscription_item,
}
