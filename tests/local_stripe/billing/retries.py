"""Stripe's own retries of a failed renewal, and what happens when the last one failed."""

from tests.local_stripe.declines import NOT_RETRIED
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

from . import wallet
from .settings import DAY
from .standing import change_status, end_subscription


def plan_next_attempt(realm: Realm, invoice: Object) -> None:
    """Notes the failed automatic attempt and when the next one is to be."""
    days = realm.world.billing.retry_after_days
    done = invoice["_automatic_attempts"]
    invoice["_automatic_attempts"] = done + 1
    if done < len(days) and invoice["auto_advance"]:
        due_at = realm.now() + days[done] * DAY
        invoice["next_payment_attempt"] = due_at
        id_ = invoice["id"]
        realm.world.schedule.at(due_at, lambda: retry(realm, id_, due_at))
        return
    invoice |= {"next_payment_attempt": None, "auto_advance": False}
    id_ = invoice["id"]
    # After the attempt's own events: the end of the subscription comes last.
    realm.world.schedule.at(realm.now(), lambda: give_up(realm, id_))


def retry(realm: Realm, invoice_id: str, due_at: int) -> None:
    """Unless it was paid or put off meanwhile: charges, or lets a hopeless card be."""
    from .collection import collect

    invoice = realm.find("invoice", invoice_id)
    if invoice is None or invoice["status"] != "open" or invoice["next_payment_attempt"] != due_at:
        return
    payment_method = wallet.for_invoice(realm, invoice)
    if _is_hopeless(invoice, payment_method):
        with realm.changing(invoice, "invoice.updated"):
            invoice["attempt_count"] += 1
            plan_next_attempt(realm, invoice)
        return
    collect(realm, invoice, payment_method)


def give_up(realm: Realm, invoice_id: str) -> None:
    """The merchant's choice for when all retries have failed."""
    invoice = realm.find("invoice", invoice_id)
    if invoice is None or invoice["status"] != "open":
        return
    subscription = realm.find("subscription", invoice["_subscription"])
    if subscription is None or subscription["status"] not in ("active", "past_due"):
        return
    action = realm.world.billing.after_retries
    if action == "cancel":
        end_subscription(realm, subscription, reason="payment_failed")
    elif action == "unpaid":
        change_status(realm, subscription, "unpaid")


def _is_hopeless(invoice: Object, payment_method: Object | None) -> bool:
    """The same card, refused for good."""
    if payment_method is None or invoice["_failed_with"] is None:
        return False
    failed_id, decline_code = invoice["_failed_with"]
    return failed_id == payment_method["id"] and decline_code in NOT_RETRIED
