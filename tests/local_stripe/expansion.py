"""`expand[]`: ids replaced by the objects they name."""

from dataclasses import dataclass
from typing import Any

from . import errors
from .listing import whole
from .realm import Realm
from .shapes import Object
from .versions import render

MAXIMUM_DEPTH = 4


@dataclass(frozen=True)
class Lookup:
    """Where the ids lead, in the version that was asked for."""

    realm: Realm
    version: str

    def resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolved(part) for part in value]
        found = self.realm.find_any(value) if isinstance(value, str) else None
        return value if found is None else render(found, self.version)

    def included(self, key: str, owner: Object) -> Any:
        stored = self.realm.find_any(owner["id"])
        return render(_INCLUDABLE[key](self.realm, stored or owner), self.version)


def expand(realm: Realm, answer: Object, paths: list[str], *, version: str) -> Object:
    """A copy of `answer`, as rendered, with the fields at each dotted path expanded."""
    for path in paths:
        keys = path.split(".")
        if len(keys) - (keys[0] == "data") > MAXIMUM_DEPTH + keys.count("data"):
            raise errors.invalid_request(
                f"You cannot expand more than {MAXIMUM_DEPTH} levels of a property. "
                f"Property: {path}"
            )
        answer = _expanded(Lookup(realm, version), answer, keys, path)
    return answer


def _expanded(lookup: Lookup, value: Any, keys: list[str], path: str) -> Any:
    if not keys or value is None:
        return value
    if isinstance(value, list):
        return [_expanded(lookup, part, keys, path) for part in value]
    key, rest = keys[0], keys[1:]
    if key not in value and key not in _INCLUDABLE:
        raise errors.invalid_request(
            f"This property cannot be expanded ({key}). You may want to try expanding "
            f"'data.{path}' if this is a list."
            if value.get("object") == "list"
            else f"This property cannot be expanded ({path})."
        )
    present = value[key] if key in value else lookup.included(key, value)
    return {**value, key: _expanded(lookup, lookup.resolved(present), rest, path)}


def _payments(realm: Realm, invoice: Object) -> Object:
    mine = [one for one in realm.all("invoice_payment") if one["invoice"] == invoice["id"]]
    return whole(f"/v1/invoices/{invoice['id']}/payments", mine)


def _confirmation_secret(realm: Realm, invoice: Object) -> Object | None:
    intent = realm.find("payment_intent", invoice.get("_payment_intent"))
    return intent and {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _subscriptions(realm: Realm, customer: Object) -> Object:
    mine = [one for one in realm.all("subscription") if one["customer"] == customer["id"]]
    current = [one for one in mine if one["status"] != "canceled"]
    return whole(f"/v1/customers/{customer['id']}/subscriptions", current)


def _line_items(realm: Realm, session: Object) -> Object:
    return whole(f"/v1/checkout/sessions/{session['id']}/line_items", session["_line_items"])


def _refunds(realm: Realm, charge: Object) -> Object:
    mine = [one for one in realm.all("refund") if one["charge"] == charge["id"]]
    return whole(f"/v1/charges/{charge['id']}/refunds", mine)


# In no answer unless asked for.
_INCLUDABLE = {
    "payments": _payments,
    "confirmation_secret": _confirmation_secret,
    "subscriptions": _subscriptions,
    "line_items": _line_items,
    "refunds": _refunds,
}
