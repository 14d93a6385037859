"""Payment methods: made from a test card, saved to a customer, made the default."""

import hashlib

from tests.local_stripe import cards, errors
from tests.local_stripe.cards import Card
from tests.local_stripe.ids import new_id
from tests.local_stripe.realm import Realm
from tests.local_stripe.shapes import Object

_NO_DETAILS = {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def new_payment_method(
    realm: Realm, card: Card, *, billing_details: Object | None = None
) -> Object:
    """A payment method that belongs to nobody yet."""
    given = billing_details or {}
    address = {**_NO_ADDRESS, **(given.get("address") or {})}
    return realm.add(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {**_NO_DETAILS, **given, "address": address},
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "unchecked",
                },
                "country": card.country,
                "display_brand": card.brand,
                "exp_month": card.exp_month,
                "exp_year": card.exp_year,
                "fingerprint": fingerprint(card),
                "funding": card.funding,
                "generated_from": None,
                "last4": card.last4,
                "networks": {"available": [card.brand], "preferred": None},
                "regulated_status": "unregulated",
                "three_d_secure_usage": {"supported": True},
                "wallet": None,
            },
            "customer": None,
            "customer_account": None,
            "metadata": {},
            "type": "card",
            "_card": card,
            "_holder": "",
            "_outcome": card.outcome,
            "_refused_when_saved": card.refused_when_saved,
        }
    )


def fingerprint(card: Card, holder: str = "") -> str:
    """The same for a number however often its holder saves it.

    At Stripe all who type a test number in have one card between them. Here it stands for a card
    of each one's own, as in life: else a hundred customers would share one card's budget.
    """
    return hashlib.sha256(f"{card.number}{holder}".encode()).hexdigest()[:16]


def give_to(payment_method: Object, holder: str) -> None:
    """It is the card of a customer, or of a guest with that address."""
    payment_method["_holder"] = holder
    fresh = fingerprint(payment_method["_card"], holder)
    payment_method["card"] = {**payment_method["card"], "fingerprint": fresh}


def renew_card(realm: Realm, payment_method: Object, card: Card) -> None:
    """What the networks' account updaters do: the same payment method has a new number or expiry.

    Source: docs.stripe.com/payments/cards/overview#automatic-card-updates
    """
    with realm.changing(payment_method, "payment_method.automatically_updated"):
        payment_method["card"] = {
            **payment_method["card"],
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": fingerprint(card, payment_method["_holder"]),
            "last4": card.last4,
        }
        payment_method["_card"] = card
        payment_method["_outcome"] = card.outcome


def named(realm: Realm, id_: str, *, param: str) -> Object:
    """The payment method with that id, or a new one for a test token such as pm_card_visa."""
    card = cards.by_token(id_)
    if card is not None:
        return new_payment_method(realm, card)
    kind = "payment_method"
    found = realm.find(kind, id_)
    if found is None:
        raise errors.invalid_request(
            f"No such PaymentMethod: '{id_}'; It's possible this PaymentMethod exists on one of "
            "your connected accounts, in which case you should retry this request on that "
            "connected account. Learn more at "
            "https://stripe.com/docs/connect/authentication",
            status=404 if param == "payment_method" else 400,
            code="resource_missing",
            param=param,
        )
    return found


def attach(realm: Realm, payment_method: Object, customer: Object) -> None:
    """Saves it to the customer; raises the 402 of a card that its bank refuses even then."""
    if payment_method["customer"] not in (None, customer["id"]):
        raise errors.invalid_request(
            "This PaymentMethod was previously used without being attached to a Customer or was "
            "detached from a Customer, and may not be used again.",
        )
    decline = payment_method["_refused_when_saved"]
    if decline is not None:
        raise errors.card_error(decline.error())
    if payment_method["customer"] is None:
        payment_method["customer"] = customer["id"]
        give_to(payment_method, customer["id"])
        realm.emit("payment_method.attached", payment_method)


def make_default(realm: Realm, customer: Object, payment_method: Object | None) -> None:
    """What Stripe's portal does with a new card: the customer's default, not a subscription's."""
    id_ = payment_method["id"] if payment_method else None
    with realm.changing(customer, "customer.updated"):
        customer["invoice_settings"] = {
            **customer["invoice_settings"],
            "default_payment_method": id_,
        }


def take_source(realm: Realm, owner: Object, params: Object) -> None:
    """`default_source` of a customer or a subscription: what came before payment methods, and
    stands behind them."""
    if "default_source" in params:
        id_ = params["default_source"]
        owner["default_source"] = id_ and named(realm, id_, param="default_source")["id"]


def detach(realm: Realm, payment_method: Object) -> None:
    """Takes it from its customer for good and from wherever it was the default."""
    owner = realm.find("customer", payment_method["customer"])
    with realm.changing(payment_method, "payment_method.detached"):
        payment_method["customer"] = None
    if owner and owner["invoice_settings"]["default_payment_method"] == payment_method["id"]:
        make_default(realm, owner, None)
    for subscription in realm.all("subscription"):
        if subscription["default_payment_method"] == payment_method["id"]:
            subscription["default_payment_method"] = None


def for_invoice(realm: Realm, invoice: Object) -> Object | None:
    """Which one Billing charges: the invoice's own, the subscription's, the customer's."""
    subscription = realm.find("subscription", invoice["_subscription"]) or {}
    customer = realm.find("customer", invoice["customer"]) or {}
    candidates = (
        invoice["default_payment_method"],
        invoice["default_source"],
        subscription.get("default_payment_method"),
        subscription.get("default_source"),
        (customer.get("invoice_settings") or {}).get("default_payment_method"),
        customer.get("default_source"),
    )
    return realm.find("payment_method", next((id_ for id_ in candidates if id_), None))


def set_up(payment_method: Object) -> None:
    """Its holder authenticated it for later use: a bank that asks once does not ask again."""
    if payment_method["_outcome"].authenticates == "until_set_up":
        payment_method["_outcome"] = cards.APPROVED
