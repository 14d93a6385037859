"""/v1/billing_portal"""

from typing import Any

from tests.local_stripe import errors
from tests.local_stripe.fields import metadata, take_metadata
from tests.local_stripe.ids import new_id
from tests.local_stripe.listing import page
from tests.local_stripe.realm import Realm
from tests.local_stripe.routing import Call, route
from tests.local_stripe.shapes import Object

UNUSED_FOR = 5 * 60
USED_FOR = 60 * 60
_CONFIGURATION = "billing_portal.configuration"


@route("POST /v1/billing_portal/configurations", permission="rak_customer_portal_write")
def create_configuration(call: Call) -> Object:
    # One made by API is never the default: that one is saved in the Dashboard.
    return new_configuration(call.realm, call.params, is_default=False)


def new_configuration(realm: Realm, params: dict[str, Any], *, is_default: bool) -> Object:
    profile = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
    return realm.add(
        {
            "id": new_id("bpc"),
            "object": _CONFIGURATION,
            "active": True,
            "application": None,
            "business_profile": {**profile, **(params.get("business_profile") or {})},
            "default_return_url": params.get("default_return_url"),
            "features": _features(params["features"]),
            "is_default": is_default,
            "login_page": {"enabled": False, "url": None},
            "metadata": metadata(params),
            "name": params.get("name"),
            "updated": realm.now(),
        }
    )


def _features(given: dict[str, Any]) -> Object:
    off: dict[str, dict[str, Any]] = {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": []},
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }
    return {name: {**default, **(given.get(name) or {})} for name, default in off.items()}


@route(
    "GET /v1/billing_portal/configurations/{configuration}",
    permission="rak_customer_portal_read",
)
def retrieve_configuration(call: Call) -> Object:
    return call.realm.get(_CONFIGURATION, call.path_ids["configuration"], param="configuration")


@route(
    "POST /v1/billing_portal/configurations/{configuration}",
    permission="rak_customer_portal_write",
)
def update_configuration(call: Call) -> Object:
    configuration = retrieve_configuration(call)
    if call.params.get("features"):
        configuration["features"] |= {
            name: {**configuration["features"][name], **part}
            for name, part in call.params["features"].items()
        }
    if "active" in call.params:
        configuration["active"] = call.params["active"]
    take_metadata(configuration, call.params)
    configuration["updated"] = call.realm.now()
    return configuration


@route("GET /v1/billing_portal/configurations", permission="rak_customer_portal_read")
def list_configurations(call: Call) -> Object:
    return page(call, call.realm.all(_CONFIGURATION), filters=("active", "is_default"))


@route("POST /v1/billing_portal/sessions", permission="rak_customer_portal_write")
def create_session(call: Call) -> Object:
    realm, params = call.realm, call.params
    if not params.get("customer"):
        raise errors.missing_param("customer")
    customer = realm.get("customer", params["customer"], param="customer")
    configuration = _configuration(realm, params)
    id_ = new_id("bps")
    return realm.add(
        {
            "id": id_,
            "object": "billing_portal.session",
            "configuration": configuration["id"],
            "customer": customer["id"],
            "customer_account": None,
            "flow": _flow(params.get("flow_data")),
            "locale": params.get("locale"),
            "on_behalf_of": None,
            "return_url": params.get("return_url") or configuration["default_return_url"],
            "url": f"{realm.world.url}/p/session/{id_}",
            "_last_used_at": None,
        }
    )


def _configuration(realm: Realm, params: dict[str, Any]) -> Object:
    if params.get("configuration"):
        named = realm.referred(_CONFIGURATION, params["configuration"], param="configuration")
        if not named["active"]:
            raise errors.invalid_request(
                f"The portal configuration {named['id']} is inactive.", param="configuration"
            )
        return named
    default = next((one for one in realm.all(_CONFIGURATION) if one["is_default"]), None)
    if default is None:
        mode = "live" if realm.livemode else "test"
        raise errors.invalid_request(
            f"No configuration provided and your {mode} mode default configuration has not been "
            "created. Provide a configuration or create your default by saving your customer "
            f"portal settings in {mode} mode at https://dashboard.stripe.com/"
            f"{'' if realm.livemode else 'test/'}settings/billing/portal."
        )
    return default


def _flow(given: dict[str, Any] | None) -> Object | None:
    if not given:
        return None
    completion = given.get("after_completion") or {"type": "portal_homepage"}
    details = {"hosted_confirmation": None, "redirect": None, **completion}
    if completion.get("type") == "redirect" and not details["redirect"]:
        raise errors.missing_param("flow_data[after_completion][redirect]")
    nothing = dict.fromkeys(
        ("subscription_cancel", "subscription_update", "subscription_update_confirm")
    )
    return {**nothing, **given, "after_completion": details}


def is_expired(session: Object, now: int) -> bool:
    """Five minutes unused; once used, an hour after it was last."""
    used_at = session["_last_used_at"]
    if used_at is None:
        return bool(now > session["created"] + UNUSED_FOR)
    return bool(now > used_at + USED_FOR)
