"""Which function answers which method and path."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .realm import Realm
from .shapes import Object, Params


@dataclass
class Call:
    """One authorized request with its parameters typed."""

    realm: Realm
    params: Params
    path_ids: dict[str, str]
    path: str
    version: str


Handler = Callable[[Call], Object]


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    permission: str | None
    handler: Handler
    pattern: re.Pattern[str]

    @property
    def name(self) -> str:
        """As Stripe's API description has it: `POST /v1/invoices/{invoice}/pay`."""
        return f"{self.method} {self.template}"


ROUTES: list[Route] = []


def route(name: str, *, permission: str | None = None) -> Callable[[Handler], Handler]:
    """Registers a handler; `permission` is what a restricted key needs for it."""
    method, _, template = name.partition(" ")
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, permission, handler, pattern))
        return handler

    return register


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for candidate in ROUTES:
        found = candidate.pattern.fullmatch(path) if candidate.method == method else None
        if found is not None:
            return candidate, found.groupdict()
    return None
