"""What Stripe keeps of what happened, for thirty days."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recovery.reading import items
from recovery.stripe_gateway.wire import PAGE, Door, errors_named

MOST_TYPES = 20


@dataclass(frozen=True, slots=True)
class EventPage:
    """`payloads` are newest first, each a JSON text as a webhook's body is one."""

    payloads: list[str]
    has_more: bool


class Events(Door):
    def events(
        self, types: Sequence[str], *, since: datetime, until: datetime, after: str = ""
    ) -> EventPage:
        """A page of what happened between two moments, both included, newest first; the next one
        begins `after` the last id of the one before. Of more types than Stripe takes in a
        question, all others come along. Raises ObjectMissingError where Stripe doesn't keep
        `after` any more.

        An event has the shape of the account's own API version, whatever the endpoint's is.
        Source: docs.stripe.com/api/events/list
        """
        asked: dict[str, Any] = {
            "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
            "limit": PAGE,
        }
        if len(types) <= MOST_TYPES:
            asked["types"] = list(types)
        if after:
            asked["starting_after"] = after
        with errors_named():
            listed = self._client.v1.events.list(asked).to_dict(for_json=True)  # type: ignore[arg-type]
        payloads = [json.dumps(event, ensure_ascii=False) for event in items(listed)]
        return EventPage(payloads, has_more=listed.get("has_more") is True)
