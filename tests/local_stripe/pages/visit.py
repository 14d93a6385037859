"""One request for a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.local_stripe.exchange import Reply, Request
from tests.local_stripe.world import World

if TYPE_CHECKING:
    from tests.local_stripe.local import LocalStripe


@dataclass(frozen=True)
class Visit:
    local_stripe: LocalStripe
    path_ids: dict[str, str]
    form: dict[str, str]
    request: Request

    @property
    def world(self) -> World:
        return self.local_stripe.world

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"


Page = Callable[[Visit], Reply]
