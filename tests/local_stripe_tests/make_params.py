"""Writes local_stripe/params.json: which parameters Stripe takes, from its published description.

Run it as `python -m tests.local_stripe_tests.make_params` when Stripe publishes a new one.
"""

import json
from pathlib import Path
from typing import Any

from tests.local_stripe.resources import ROUTES
from tests.local_stripe_tests.openapi import load_description

TARGET = Path(__file__).parent.parent / "local_stripe" / "params.json"
# Deeper lie the options of every kind of payment method: they are taken unread.
DEPTH = 3

# What 2026-10-28.endive takes and the published 2026-05-27.dahlia does not: by the SDK's types.
ENDIVE_ADDS: dict[str, dict[str, Any]] = {
    "POST /v1/billing_portal/sessions": {"after_expiration": "any"},
    "POST /v1/payment_intents": {"allowed_payment_method_types": ["string"]},
    # Its choices end with the description's own version; the handler checks the form instead.
    "POST /v1/webhook_endpoints": {"api_version": "string"},
    "POST /v1/checkout/sessions": {"allowed_payment_method_types": ["string"]},
}


def shape_of(schema: dict[str, Any], depth: int) -> Any:
    """One parameter's shape: a type's name, `enum:a|b`, [shape] or {name: shape}."""
    if "anyOf" in schema:
        return _choice(schema["anyOf"], depth)
    if "enum" in schema:
        return "enum:" + "|".join(value for value in schema["enum"] if value)
    kind = schema.get("type", "any")
    if kind == "array":
        return [shape_of(schema["items"], depth)]
    if kind != "object":
        return kind
    if not schema.get("properties") or depth == 0:
        return "any"
    return {name: shape_of(part, depth - 1) for name, part in sorted(schema["properties"].items())}


def _choice(choices: list[dict[str, Any]], depth: int) -> Any:
    # An enum of only "" says that the parameter may be unset, which every parameter may be here.
    shapes = [shape_of(choice, depth) for choice in choices if choice.get("enum") != [""]]
    structured = [shape for shape in shapes if not isinstance(shape, str)]
    scalars = [shape for shape in shapes if isinstance(shape, str)]
    if not structured:
        return scalars[0] if len(scalars) == 1 else "any"
    return (
        structured[0]
        if not scalars and len(structured) == 1
        else {"": scalars, **_merged(structured)}
    )


def _merged(shapes: list[Any]) -> dict[str, Any]:
    return {
        name: part for shape in shapes if isinstance(shape, dict) for name, part in shape.items()
    }


def operation_shape(operation: dict[str, Any]) -> dict[str, Any]:
    """{"required": [names], "takes": {name: shape}} of one operation."""
    queries = [part for part in operation.get("parameters", []) if part["in"] == "query"]
    takes = {part["name"]: shape_of(part["schema"], DEPTH) for part in queries}
    required = [part["name"] for part in queries if part.get("required")]
    form = (
        operation.get("requestBody", {})
        .get("content", {})
        .get("application/x-www-form-urlencoded")
    )
    if form:
        body = form["schema"]
        takes |= {name: shape_of(part, DEPTH) for name, part in body.get("properties", {}).items()}
        required += body.get("required", [])
    return {"required": sorted(required), "takes": dict(sorted(takes.items()))}


def main() -> None:
    paths = load_description()["paths"]
    table: dict[str, Any] = {}
    for route in ROUTES:
        operation = paths.get(route.template, {}).get(route.method.lower())
        if operation is not None:
            table[route.name] = operation_shape(operation)
            table[route.name]["takes"] |= ENDIVE_ADDS.get(route.name, {})
    TARGET.write_text(
        "{\n"
        + ",\n".join(f"{json.dumps(name)}: {json.dumps(table[name])}" for name in sorted(table))
        + "\n}\n"
    )


if __name__ == "__main__":
    main()
