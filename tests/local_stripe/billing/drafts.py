"""Invoices and their lines before they are finalized."""

from typing import Any

from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

_SETTINGS = {
    "default_mandate": None,
    "payment_method_options": None,
    "payment_method_types": None,
}
NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}


def new_draft(
    realm: Realm, customer: Object, *, currency: str, billing_reason: str, **fields: Any
) -> Object:
    """An empty draft; `add_line` fills it and `totals` adds it up."""
    id_ = new_id("in")
    now = realm.now()
    invoice: Object = {
        "id": id_,
        "object": "invoice",
        "account_country": realm.account.country,
        "account_name": realm.account.name,
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {**NO_TAX, "provider": None, "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": billing_reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {
            "object": "list",
            "data": [],
            "has_more": False,
            "total_count": 0,
            "url": f"/v1/invoices/{id_}/lines",
        },
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": dict(_SETTINGS),
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
        "_subscription": None,
        "_payment_intent": None,
        "_charge": None,
        "_paid_out_of_band": False,
        "_automatic_attempts": 0,
        "_failed_with": None,
        **fields,
    }
    return realm.add(invoice)


def bill_subscription(invoice: Object, subscription: Object) -> None:
    """Makes `subscription` the invoice's parent."""
    invoice["_subscription"] = subscription["id"]
    invoice["parent"] = {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }


def add_line(invoice: Object, *, amount: int, description: str | None, **fields: Any) -> None:
    """Adds a line; `period`, `quantity`, `parent`, `price` and `subscription` may be given."""
    price = fields.pop("price", None)
    quantity = fields.pop("quantity", 1)
    line: Object = {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": description,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": invoice["livemode"],
        "metadata": {},
        "parent": None,
        "period": {"end": invoice["period_end"], "start": invoice["period_start"]},
        "pretax_credit_amounts": [],
        "pricing": _pricing(price, amount, quantity),
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
        "_price": price,
        "_subscription_item": None,
        **fields,
    }
    invoice["lines"]["data"].append(line)
    invoice["lines"]["total_count"] += 1
    _add_up(invoice)


def _pricing(price: Object | None, amount: int, quantity: int) -> Object | None:
    unit = {"type": "price_details", "unit_amount_decimal": str(amount // max(quantity, 1))}
    if price is None:
        return None
    details = {"price": price["id"], "product": price["product"]}
    return {**unit, "price_details": details}


def _add_up(invoice: Object) -> None:
    total = sum(line["amount"] for line in invoice["lines"]["data"])
    for name in ("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"):
        invoice[name] = total
    invoice["amount_due"] = max(total, 0)
    invoice["amount_remaining"] = max(total, 0) - invoice["amount_paid"]
