"""Disputes: what `pm_card_createDispute` leads to."""

from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from .settings import DAY

_EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy",
    "cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication",
    "customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature",
    "duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id",
    "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address",
    "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip


def open_dispute(realm: Realm, charge: Object, reason: str) -> Object:
    """Opens a dispute over the whole charge; an inquiry takes no money yet."""
    is_inquiry = reason == "inquiry"
    charge["disputed"] = True
    dispute = realm.add(
        {
            "id": new_id("du"),
            "object": "dispute",
            "amount": charge["amount"],
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
            "evidence_details": {
                "due_by": realm.now() + 9 * DAY,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": is_inquiry,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": "fraudulent" if is_inquiry else reason,
            "status": "warning_needs_response" if is_inquiry else "needs_response",
        }
    )
    realm.emit("charge.dispute.created", dispute)
    if not is_inquiry:
        realm.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute
