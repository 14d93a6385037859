"""/v1/events"""

from fnmatch import fnmatchcase
from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.billing.settings import DAY
from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object
from tests.local_stripe.versions import Rendered, render

KEPT_FOR = 30 * DAY
MAXIMUM_TYPES = 20


@route("GET /v1/events/{id}", permission="rak_event_read")
def retrieve(call: Call) -> Object:
    return _as_created(call, call.realm.get("event", call.path_ids["id"]))


@route("GET /v1/events", permission="rak_event_read")
def list_(call: Call) -> Object:
    params = call.params
    types = params.get("types") or []
    if types and params.get("type"):
        raise errors.bad_param("You may only specify one of these parameters: type, types.",
                               param="type")  # fmt: skip
    if len(types) > MAXIMUM_TYPES:
        raise errors.bad_param("You may only pass up to 20 types.", param="types")
    since = call.realm.now() - KEPT_FOR
    rows = [
        event
        for event in call.realm.all("event")
        if event["created"] >= since and _is_asked_for(event, params)
    ]
    answer = page(call, rows)
    return {**answer, "data": [_as_created(call, event) for event in answer["data"]]}


def _is_asked_for(event: Object, params: dict[str, Any]) -> bool:
    type_, types = params.get("type"), params.get("types")
    if type_ and not fnmatchcase(event["type"], type_):
        return False
    if types and event["type"] not in types:
        return False
    wanted = params.get("delivery_success")
    return wanted is None or wanted == (not event["_undelivered"])


def _as_created(call: Call, event: Object) -> Object:
    """An event keeps the account's version of when it was created, whatever the request's."""
    version = event["api_version"]
    data = {name: Rendered(render(part, version)) for name, part in event["data"].items()}
    return {**event, "data": data}


@route("POST /v1/events/{id}/retry", permission="rak_event_write")
def retry(call: Call) -> Object:
    """Sends it again to the endpoint named, or to all; what the CLI's `events resend` calls."""
    realm = call.realm
    event = realm.get("event", call.path_ids["id"])
    wanted = call.params.get("webhook_endpoint")
    if wanted:
        realm.referred("webhook_endpoint", wanted, param="webhook_endpoint")
    for endpoint in realm.all("webhook_endpoint"):
        if wanted in (None, endpoint["id"]):
            realm.world.outbox.add(event, endpoint, now=realm.now())
    return _as_created(call, event)
