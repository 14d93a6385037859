"""/v1/webhook_endpoints"""

from urllib.parse import urlsplit

from tests.local_stripe import errors, versions
from tests.local_stripe.delivery import LOOPBACK
from tests.local_stripe.fields import metadata, take, take_metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

MAXIMUM = 16


@route("POST /v1/webhook_endpoints", permission="rak_webhook_write")
def create(call: Call) -> Object:
    """The only answer that carries the secret."""
    realm, params = call.realm, call.params
    _check_url(params["url"], livemode=realm.livemode)
    version = params.get("api_version")
    if version and not versions.is_version(version):
        raise errors.bad_param(f"Invalid api_version: {version}", param="api_version")
    if len(realm.all("webhook_endpoint")) >= MAXIMUM:
        mode = "live" if realm.livemode else "test"
        raise errors.invalid_request(
            f"You have reached the maximum of {MAXIMUM} {mode} webhook endpoints."
        )
    secret = new_id("whsec", 32)
    endpoint = realm.add(
        {
            "id": new_id("we"),
            "object": "webhook_endpoint",
            "api_version": version,
            "application": None,
            "description": params.get("description"),
            "enabled_events": params["enabled_events"],
            "metadata": metadata(params),
            "status": "enabled",
            "url": params["url"],
            "_is_connect": bool(params.get("connect")),
            "_secrets": [{"value": secret, "expires_at": None}],
            "_default_version": realm.account.api_version,
        }
    )
    return {**endpoint, "secret": secret}


def _check_url(url: str, *, livemode: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise errors.invalid_request(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param="url"
        )
    if parts.scheme == "http" and (livemode or parts.hostname not in LOOPBACK):
        raise errors.invalid_request("Invalid URL: URL must be HTTPS in livemode.", param="url")


@route("GET /v1/webhook_endpoints/{webhook_endpoint}", permission="rak_webhook_read")
def retrieve(call: Call) -> Object:
    return _target(call)


@route("POST /v1/webhook_endpoints/{webhook_endpoint}", permission="rak_webhook_write")
def update(call: Call) -> Object:
    endpoint = _target(call)
    if call.params.get("url"):
        _check_url(call.params["url"], livemode=call.realm.livemode)
    take(endpoint, call.params, ("url", "enabled_events", "description"))
    take_metadata(endpoint, call.params)
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    return endpoint


@route("DELETE /v1/webhook_endpoints/{webhook_endpoint}", permission="rak_webhook_write")
def delete(call: Call) -> Object:
    endpoint = _target(call)
    endpoint["_deleted"] = True
    call.realm.world.outbox.drop_endpoint(endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


@route("GET /v1/webhook_endpoints", permission="rak_webhook_read")
def list_(call: Call) -> Object:
    return page(call, call.realm.all("webhook_endpoint"))


def _target(call: Call) -> Object:
    return call.realm.get("webhook_endpoint", call.path_ids["webhook_endpoint"])
