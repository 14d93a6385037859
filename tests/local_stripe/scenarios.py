"""Stories told in one call: they set up what would take many requests, with all their events."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import cards, errors
from .billing import charging, collection, periods, standing, subscriptions, wallet
from .billing.intents import new_intent
from .cards import Card, Outcome
from .declines import Decline
from .ids import new_id
from .realm import Realm
from .resources.billing_portal import new_configuration
from .resources.customers import new_customer
from .resources.products import inline_price
from .resources.subscriptions import new_subscription
from .shapes import Object
from .world import World

DEFAULT_KEY = "sk_test_recover_demo"

_PORTAL = {
    "features": {
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
    }
}

Ids = dict[str, str]


class Scenarios:
    """Each returns the ids of what it made. `key` names the account that it happens in."""

    def __init__(self, world: World) -> None:
        self._world = world

    def play(self, name: str, given: Object) -> Any:
        """One of them by name, for `/_local/scenarios/<name>`."""
        if name not in NAMES:
            raise errors.ApiError(404, {"message": f"No scenario {name}; there are {NAMES}"})
        scenario: Callable[..., Any] = getattr(self, name)
        return scenario(**given)

    def subscriber(
        self,
        *,
        email: str = "jane@example.com",
        name: str = "Jane Doe",
        card: str | Card = "pm_card_visa",
        price: int = 4900,
        currency: str = "usd",
        interval: str = "month",
        product: str = "Pro plan",
        metadata: dict[str, str] | None = None,
        key: str = DEFAULT_KEY,
        stripe_account: str | None = None,
    ) -> Ids:
        """A customer with a saved card and an active subscription whose first invoice is paid."""
        with self._world.lock:
            realm = self._world.realm_of(key, stripe_account)
            return _subscriber(
                realm, email=email, name=name, card=_card(card), price=price,
                currency=currency, interval=interval, product=product, metadata=metadata or {},
            )  # fmt: skip

    def renewal_fails(
        self,
        *,
        reason: str = "insufficient_funds",
        advice_code: str | None = None,
        network_decline_code: str | None = None,
        network_advice_code: str | None = None,
        key: str = DEFAULT_KEY,
        stripe_account: str | None = None,
        **about: Any,
    ) -> Ids:
        """A subscriber since one interval, whose renewal is charged now and declined.

        `reason` is any decline code, `expired_card`, `incorrect_cvc`, `processing_error` or
        `incorrect_number`, or `3ds`; `about` is what `subscriber` takes.
        """
        hints = (advice_code, network_decline_code, network_advice_code)
        outcome = Outcome(decline=Decline(reason, *hints))
        if reason == "3ds":
            outcome = cards.EVERY_TIME
        with self._world.lock:
            realm = self._world.realm_of(key, stripe_account)
            interval = about.get("interval", "month")
            began_at = periods.after(realm.now(), interval, -1)
            # Its first payment went well, whatever the card does later.
            card = replace(
                _card(about.pop("card", "pm_card_chargeCustomerFail")), outcome=cards.APPROVED
            )
            with self._world.time.pinned_at(began_at):
                ids = self.subscriber(card=card, key=key, stripe_account=stripe_account, **about)
            _payment_method(realm, ids)["_outcome"] = outcome
            return ids | self._renew(realm, ids["subscription"])

    def renews(
        self, *, subscription: str, key: str = DEFAULT_KEY, stripe_account: str | None = None
    ) -> Ids:
        """The next period of a subscription begins now and is paid, or fails as its card does."""
        with self._world.lock:
            return self._renew(self._world.realm_of(key, stripe_account), subscription)

    def one_time_fails(
        self,
        *,
        reason: str = "generic_decline",
        amount: int = 2500,
        currency: str = "usd",
        email: str | None = "sam@example.com",
        name: str = "Sam Guest",
        with_customer: bool = True,
        description: str | None = "Order 1042",
        key: str = DEFAULT_KEY,
        stripe_account: str | None = None,
    ) -> Ids:
        """A one-time payment that is declined, by a customer or by a guest."""
        with self._world.lock:
            realm = self._world.realm_of(key, stripe_account)
            customer = _customer(realm, email=email, name=name) if with_customer else None
            details = {"email": email, "name": name}
            payment_method = wallet.new_payment_method(
                realm, _declining(reason), billing_details=details
            )
            wallet.give_to(payment_method, customer["id"] if customer else str(email))
            intent = new_intent(
                realm,
                amount=amount,
                currency=currency,
                customer=customer["id"] if customer else None,
                description=description,
                receipt_email=email,
            )
            charging.attempt(realm, intent, payment_method, off_session=False)
            ids = {"payment_intent": intent["id"], "payment_method": payment_method["id"]}
            return ids | ({"customer": customer["id"]} if customer else {})

    def retry(self, *, invoice: str) -> Ids:
        """Charges an open invoice now, as Stripe's own retry would."""
        with self._world.lock:
            realm, found = self._find("invoice", invoice)
            collection.check_payable(found)
            collection.collect(realm, found, wallet.for_invoice(realm, found))
            return {"invoice": invoice, "status": found["status"]}

    def new_card(
        self,
        *,
        customer: str,
        card: str | Card = "pm_card_visa",
        number: str | None = None,
        reason: str | None = None,
    ) -> Ids:
        """The customer saves a card in the portal: attached and made the default.

        By `number` or token; with `reason` it is one that is saved and then declined.
        """
        with self._world.lock:
            realm, found = self._find("customer", customer)
            chosen = _declining(reason) if reason else _card(number or card)
            payment_method = wallet.new_payment_method(realm, chosen)
            wallet.attach(realm, payment_method, found)
            wallet.set_up(payment_method)
            wallet.make_default(realm, found, payment_method)
            return {"customer": customer, "payment_method": payment_method["id"]}

    def card_updated(
        self,
        *,
        customer: str,
        payment_method: str | None = None,
        number: str | None = None,
        exp: str | None = None,
        reason: str | None = None,
    ) -> Ids:
        """The bank replaced the customer's card, by default the default one, and Stripe heard of
        it: the same payment method has another `number`, or expires at another `exp` (2031-05).

        With `reason` the new one is declined too.
        """
        with self._world.lock:
            realm, found = self._find("customer", customer)
            id_ = payment_method or found["invoice_settings"]["default_payment_method"]
            old = realm.get("payment_method", id_)
            year, month = map(int, exp.split("-")) if exp else (2034, 12)
            chosen = cards.by_number(number) if number else old["_card"]
            if chosen is None:
                raise errors.invalid_request(f"No test card {number}")
            outcome = _outcome(reason)
            wallet.renew_card(
                realm, old, replace(chosen, exp_year=year, exp_month=month, outcome=outcome)
            )
            return {"customer": customer, "payment_method": id_}

    def set_outcome(self, *, payment_method: str, reason: str | None = None) -> Ids:
        """From now on that card is declined for `reason`, or approved without one."""
        with self._world.lock:
            _, found = self._find("payment_method", payment_method)
            found["_outcome"] = _outcome(reason)
            return {"payment_method": payment_method}

    def pay(self, *, invoice: str, card: str = "pm_card_visa") -> Ids:
        """The customer pays an open invoice with another card, on Stripe's page."""
        with self._world.lock:
            realm, found = self._find("invoice", invoice)
            customer = realm.get("customer", found["customer"])
            payment_method = wallet.new_payment_method(realm, _card(card))
            wallet.attach(realm, payment_method, customer)
            collection.pay(realm, found, payment_method, off_session=False)
            return {"invoice": invoice, "payment_method": payment_method["id"]}

    def void(self, *, invoice: str) -> Ids:
        with self._world.lock:
            standing.close_invoice(*self._find("invoice", invoice), "void")
            return {"invoice": invoice}

    def mark_uncollectible(self, *, invoice: str) -> Ids:
        with self._world.lock:
            standing.close_invoice(*self._find("invoice", invoice), "uncollectible")
            return {"invoice": invoice}

    def cancel(self, *, subscription: str, reason: str = "cancellation_requested") -> Ids:
        """`reason` as in `cancellation_details`, for instance `payment_failed`."""
        with self._world.lock:
            realm, found = self._find("subscription", subscription)
            standing.end_subscription(realm, found, reason=reason)
            return {"subscription": subscription}

    def portal_default(self, *, key: str = DEFAULT_KEY, stripe_account: str | None = None) -> Ids:
        """The merchant saves the portal's settings in the Dashboard: there is a default now."""
        with self._world.lock:
            realm = self._world.realm_of(key, stripe_account)
            return {"configuration": _default_portal(realm)["id"]}

    def roll_secret(self, *, webhook_endpoint: str, old_lives_for: int = 86400) -> Ids:
        """A new signing secret; for a while deliveries carry a signature by each."""
        with self._world.lock:
            realm, endpoint = self._find("webhook_endpoint", webhook_endpoint)
            for secret in endpoint["_secrets"]:
                secret["expires_at"] = secret["expires_at"] or realm.now() + old_lives_for
            fresh = new_id("whsec", 32)
            endpoint["_secrets"].append({"value": fresh, "expires_at": None})
            return {"webhook_endpoint": webhook_endpoint, "secret": fresh}

    def deauthorize(self, *, account: str) -> Ids:
        """A connected account takes its access back from the platform."""
        with self._world.lock:
            for realm in self._world.realms():
                if realm.account.id == account:
                    about = {"id": "ca_local", "object": "application", "name": "Recover"}
                    realm.emit("account.application.deauthorized", about)
            self._world.accounts[account].platform = None
            return {"account": account}

    def _renew(self, realm: Realm, subscription_id: str) -> Ids:
        subscription = realm.get("subscription", subscription_id)
        for item in subscription["items"]["data"]:
            item["current_period_end"] = min(item["current_period_end"], realm.now())
        invoice = subscriptions.renew(realm, subscription)
        subscriptions.finalize_and_collect(realm, invoice["id"])
        return {"invoice": invoice["id"], "payment_intent": invoice["_payment_intent"]}

    def _find(self, kind: str, id_: str) -> tuple[Realm, Object]:
        found = self._world.find(kind, id_)
        if found is None:
            raise errors.resource_missing(kind, id_, param=kind)
        return found


NAMES = sorted(
    name for name, part in vars(Scenarios).items()
    if callable(part) and not name.startswith("_") and name != "play"
)  # fmt: skip


def _subscriber(
    realm: Realm, *, email: str, name: str, card: Card, price: int, currency: str, interval: str,
    product: str, metadata: dict[str, str],
) -> Ids:  # fmt: skip
    customer = _customer(realm, email=email, name=name)
    details = {"email": email, "name": name}
    payment_method = wallet.new_payment_method(realm, card, billing_details=details)
    wallet.attach(realm, payment_method, customer)
    wallet.make_default(realm, customer, payment_method)
    chosen = _price(realm, product, price, currency, interval)
    given = {
        "customer": customer["id"],
        "items": [{"price": chosen["id"]}],
        "metadata": metadata,
    }
    subscription = new_subscription(realm, customer, given)
    subscriptions.start(realm, subscription, charges_now=True)
    return {
        "account": realm.account.id,
        "customer": customer["id"],
        "payment_method": payment_method["id"],
        "price": chosen["id"],
        "subscription": subscription["id"],
        "first_invoice": subscription["latest_invoice"],
    }


def _price(realm: Realm, product: str, amount: int, currency: str, interval: str) -> Object:
    """The price of that product, made when it is first asked for."""
    for price in realm.all("price"):
        recurring = price["recurring"] or {}
        facts = (price["_product_name"], price["unit_amount"], price["currency"])
        if facts == (product, amount, currency) and recurring.get("interval") == interval:
            return price
    data = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": product},
        "recurring": {"interval": interval},
    }
    return inline_price(realm, data)


def _customer(realm: Realm, *, email: str | None, name: str) -> Object:
    customer = new_customer(realm)
    customer |= {"email": email, "name": name}
    realm.emit("customer.created", customer)
    return customer


def _payment_method(realm: Realm, ids: Ids) -> Object:
    return realm.tables["payment_method"][ids["payment_method"]]


def _card(name: str | Card) -> Card:
    if isinstance(name, Card):
        return name
    found = cards.by_token(name) or cards.by_number(name)
    if found is None:
        raise errors.invalid_request(f"No test card {name}")
    return found


def _outcome(reason: str | None) -> Outcome:
    if reason is None:
        return cards.APPROVED
    return cards.EVERY_TIME if reason == "3ds" else cards.declines(reason)


def _declining(reason: str) -> Card:
    return replace(cards.CHARGE_FAILS, outcome=_outcome(reason))


def _default_portal(realm: Realm) -> Object:
    for configuration in realm.all("billing_portal.configuration"):
        if configuration["is_default"]:
            return configuration
    return new_configuration(realm, _PORTAL, is_default=True)
