"""Answers requests to /v1: key, fault, permission, parameters, idempotency, then the handler."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Any

from . import errors, events, expansion, forms, params, routing, versions
from .exchange import Exchange, Reply, Request
from .faults import Fault, Faults, Kind, forced_outcome
from .ids import new_id
from .realm import Realm
from .routing import Call, Route
from .shapes import Object, Params
from .world import World

_HEADERS_OF_NOTE = ("stripe-version", "stripe-account", "idempotency-key", "user-agent")


@dataclass
class _Pending:
    """What is known of a request so far; an error may end it at any point."""

    request: Request
    given: Params
    request_id: str
    version: str
    realm: Realm | None = None
    route: Route | None = None
    is_replayed: bool = False


class Api:
    """The API over one world."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def answer(self, request: Request) -> tuple[Reply, Exchange]:
        given = forms.decode(request.query) | forms.decode(request.body)
        pending = _Pending(request, given, new_id("req", 14), self._world.api_version)
        fault = self._faults.take(request.method, request.path)
        try:
            status, answer, headers = 200, *self._execute(pending, fault)
        except errors.ApiError as error:
            status, headers = error.status, error.headers
            answer = _envelope(error, pending)
        if pending.is_replayed:
            headers = {**headers, "Idempotent-Replayed": "true"}
            status, answer = answer["_status"], answer["_answer"]
        reply = _reply(pending, status, answer, headers, fault)
        return reply, _exchange(pending, status, answer)

    def _execute(self, pending: _Pending, fault: Fault | None) -> tuple[Object, dict[str, str]]:
        request = pending.request
        key = _key(request)
        with self._world.lock:
            realm = self._world.realm_of(key, request.headers.get("stripe-account"))
            pending.realm = realm
            pending.version = _version(request, realm)
            found = routing.match(request.method, request.path)
            if found is None:
                raise errors.unknown_url(request.method, request.path)
            pending.route, path_ids = found
            if pending.route.permission is not None:
                self._world.require(key, realm, pending.route.permission)
            typed = params.read(pending.route.name, pending.given, version=pending.version)
            call = Call(realm, typed, path_ids, request.path, pending.version)
            return self._once(pending, call, fault), {}

    def _once(self, pending: _Pending, call: Call, fault: Fault | None) -> Object:
        """Executes, or gives the answer that was first given under the same Idempotency-Key."""
        key = pending.request.headers.get("idempotency-key")
        if key is None or pending.request.method != "POST":
            return _handled(pending, call, fault)
        memory = call.realm.memory
        operation = f"POST {pending.request.path}"
        known = memory.recall(key, operation=operation, params=pending.given)
        if known is not None:
            pending.is_replayed = True
            return {"_status": known[0], "_answer": known[1]}
        try:
            answer = _handled(pending, call, fault)
        except errors.ApiError as error:
            if not error.is_before_execution:
                first = (error.status, _envelope(error, pending))
                memory.keep(key, operation=operation, params=pending.given, answer=first)
            raise
        memory.keep(key, operation=operation, params=pending.given, answer=(200, answer))
        return answer


def _handled(pending: _Pending, call: Call, fault: Fault | None) -> Object:
    assert pending.route is not None
    if fault is not None:
        error = fault.error()
        if error is not None:
            raise error
        if fault.kind in (Kind.RESET, Kind.TIMEOUT):
            raise errors.ApiError(503, {"type": "api_error"}, is_before_execution=True)
    about = {
        "id": pending.request_id,
        "idempotency_key": pending.request.headers.get("idempotency-key"),
    }
    request_token = events.current_request.set(about)
    outcome_token = forced_outcome.set(fault.outcome() if fault else None)
    try:
        answer = pending.route.handler(call)
        shown = versions.render(answer, pending.version)
        paths = call.params.get("expand") or []
        expanded = expansion.expand(call.realm, shown, paths, version=pending.version)
        # Through JSON, so that a remembered answer does not change with the objects in it.
        rendered: Object = json.loads(json.dumps(expanded))
        return rendered
    finally:
        events.current_request.reset(request_token)
        forced_outcome.reset(outcome_token)


def _key(request: Request) -> str:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(credentials).decode().partition(":")[0]
        except (NotBase64, UnicodeDecodeError):
            return ""
    return credentials.strip()


def _version(request: Request, realm: Realm) -> str:
    asked = request.headers.get("stripe-version")
    if asked is None:
        return realm.account.api_version
    if not versions.is_version(asked):
        raise errors.bad_param(f"Invalid Stripe API version: {asked}", param="Stripe-Version")
    return asked


def _envelope(error: errors.ApiError, pending: _Pending) -> Object:
    fields: dict[str, Any] = versions.render(error.fields, pending.version)
    mode = "" if pending.realm is not None and pending.realm.livemode else "test/"
    url = f"https://dashboard.stripe.com/{mode}logs/{pending.request_id}"
    rendered: Object = json.loads(json.dumps({"error": {**fields, "request_log_url": url}}))
    return rendered


def _reply(
    pending: _Pending, status: int, answer: Object, headers: dict[str, str], fault: Fault | None
) -> Reply:
    own = {
        "Request-Id": pending.request_id,
        "Stripe-Version": pending.version,
        "Cache-Control": "no-cache, no-store",
    }
    key = pending.request.headers.get("idempotency-key")
    if key is not None:
        own |= {"Idempotency-Key": key, "Original-Request": pending.request_id}
    body = json.dumps(answer, indent=2).encode()
    dropping = {Kind.TIMEOUT, Kind.RESET, Kind.LOST_RESPONSE}
    return Reply(
        status,
        body,
        {**own, **headers},
        is_dropped=fault is not None and fault.kind in dropping,
        held_seconds=fault.seconds if fault is not None and fault.kind is Kind.TIMEOUT else 0.0,
    )


def _exchange(pending: _Pending, status: int, answer: Object) -> Exchange:
    request, realm = pending.request, pending.realm
    return Exchange(
        method=request.method,
        path=request.path,
        operation=pending.route.name if pending.route else None,
        params=pending.given,
        headers={
            name: request.headers[name] for name in _HEADERS_OF_NOTE if name in request.headers
        },
        status=status,
        answer=answer,
        account=realm.account.id if realm else None,
        livemode=realm.livemode if realm else None,
        request_id=pending.request_id,
        is_replayed=pending.is_replayed,
    )
