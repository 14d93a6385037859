"""The whole OpenAPI document: what the views say, and what no view can say."""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from recovery.api.description.files import load
from recovery.api.description.messages import webhooks
from recovery.merchants import WEBHOOK_PATH

Json = dict[str, Any]
ERROR = {"$ref": "#/components/schemas/Error"}


@cache
def whole() -> Json:
    """The document as it stands in the code. It is shared: to be read, not changed."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: Json = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


def complete(result: Json, **_: Any) -> Json:
    """drf-spectacular's last step: shared answers, Stripe's door, the messages that we send."""
    components = result["components"]
    answers = load("answers")
    components["schemas"] = dict(
        sorted(
            {**components["schemas"], **answers["schemas"], **load("messages")["schemas"]}.items()
        )
    )
    components["headers"] = answers["headers"]
    components["responses"] = {
        status: _answer(told) for status, told in answers["responses"].items()
    }
    components["securitySchemes"] = load("frame")["security"]
    result["paths"][WEBHOOK_PATH] = load("stripe_webhook")
    result["info"]["description"] = " ".join([load("frame")["lead"], load("frame")["info"]])
    result["tags"] = load("frame")["tags"]
    result["webhooks"] = webhooks()
    return result


def _answer(told: Json) -> Json:
    content = {"application/json": {"schema": ERROR, "example": {"error": told["example"]}}}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in told.get("headers", [])}
    return {"description": told["description"], "headers": headers, "content": content}
