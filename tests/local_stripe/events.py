"""Events: what happened, told to whoever asked to hear of it."""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from . import versions
from .ids import new_id
from .shapes import Object

if TYPE_CHECKING:
    from .realm import Realm

# The request in whose course an event happens; outside of one an event has none.
current_request: ContextVar[Object | None] = ContextVar("current_request", default=None)


def emit(realm: Realm, type_: str, about: Object, previous: Object | None) -> Object:
    """Records the event and queues it for every endpoint that enabled its type."""
    data: Object = {"object": copy.deepcopy(about)}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Object = {
        "id": new_id("evt"),
        "object": "event",
        "api_version": realm.account.api_version,
        "data": data,
        "pending_webhooks": 0,
        "request": current_request.get() or {"id": None, "idempotency_key": None},
        "type": type_,
        "_undelivered": [],
    }
    if realm.account.platform is not None:
        event["account"] = realm.account.id
    realm.add(event)
    for endpoint in _listeners(realm, type_):
        realm.world.outbox.add(event, endpoint, now=realm.now())
    return event


def payload(event: Object, version: str) -> Object:
    """The event as an endpoint of that API version gets it."""
    rendered: Object = versions.render(event, version)
    return {**rendered, "api_version": version}


def difference(before: Object, after: Object) -> Object:
    """The old values of what changed; of a nested object only of the keys that did."""
    changed: Object = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new or key.startswith("_"):
            continue
        changed[key] = _nested_difference(old, new)
    return changed


def _nested_difference(old: Any, new: Any) -> Any:
    return difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old


def _listeners(realm: Realm, type_: str) -> list[Object]:
    own = [end for end in realm.all("webhook_endpoint") if not end["_is_connect"]]
    return [end for end in own + _platform_endpoints(realm) if wants(end, type_)]


def _platform_endpoints(realm: Realm) -> list[Object]:
    """A platform's live Connect endpoints hear of its accounts' test events too."""
    platform = realm.account.platform
    if platform is None:
        return []
    modes = [realm.livemode] if realm.livemode else [False, True]
    return [
        endpoint
        for livemode in modes
        for endpoint in realm.world.realm(platform, livemode).all("webhook_endpoint")
        if endpoint["_is_connect"]
    ]


def wants(endpoint: Object, type_: str) -> bool:
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or type_ in enabled)
