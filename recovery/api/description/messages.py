"""What a merchant's own endpoints are sent, as the description's `webhooks`."""

from typing import Any

from recovery.api.description.files import load
from recovery.outbound_events import VERSION, EventType

Json = dict[str, Any]
ID, CREATED_AT = "notice_7m2kxq9wz4hd3bt6rcvn", "2026-01-31T09:00:00Z"


def webhooks() -> Json:
    """A path item for each type of event, by its name."""
    return {str(type_): {"post": _operation(type_)} for type_ in EventType}


def example(type_: EventType) -> Json:
    """A message of this type, whole."""
    given = load("messages")["messages"][type_]
    about = {"case": load("messages")["case"] | given["changes"]} if "changes" in given else {}
    return {
        "type": str(type_), "version": VERSION, "id": ID, "created_at": CREATED_AT,
        "sequence": given["sequence"], "data": about | given["data"],
    }  # fmt: skip


def _operation(type_: EventType) -> Json:
    return {
        "operationId": str(type_).replace(".", "_"),
        "summary": load("messages")["messages"][type_]["summary"],
        "tags": ["Messages"],
        "parameters": load("messages")["headers"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Message"},
                    "example": example(type_),
                }
            },
        },
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "The endpoint is gone: the webhook is disabled."},
            "default": {"description": "It comes again, for three days."},
        },
    }
