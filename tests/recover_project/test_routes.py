"""Every route has its limit, or a reason for none: also those that are still to come."""

from collections.abc import Iterator
from typing import Any

import pytest
from anymail import urls as anymail_urls
from django.urls import URLPattern, URLResolver, get_resolver

from recover_project.routes import AUTHENTICATED, PUBLIC, UNLIMITED, is_public
from recovery.limits.views import LimitedView

DOORS = {f"anymail:{door.name}" for door in anymail_urls.urlpatterns}  # one of them is open


def routes(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, Any]]:
    """Each route's name, as a request that leads to it has it, and its view."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or pattern.lookup_str}", pattern.callback


ROUTES = dict(routes(get_resolver().url_patterns))


def tables_of(name: str) -> list[str]:
    """A name of its own goes before that of its namespace."""
    own = {"PUBLIC": PUBLIC, "AUTHENTICATED": AUTHENTICATED, "UNLIMITED": UNLIMITED}
    found = [table for table, names in own.items() if name in names]
    is_in_namespace = not found and f"{name.rpartition(':')[0]}:" in UNLIMITED
    return ["UNLIMITED"] if is_in_namespace else found


def test_the_map_has_the_routes_that_there_are() -> None:
    assert {"webhook", "dashboard", "update", "unsubscribe", "admin:index"} <= ROUTES.keys()


@pytest.mark.parametrize("name", sorted({*ROUTES, *DOORS}))
def test_a_route_is_in_exactly_one_table(name: str) -> None:
    assert len(tables_of(name)) == 1, f"Say in recover_project/routes.py how {name} is limited."


@pytest.mark.parametrize("name", sorted({*PUBLIC, *AUTHENTICATED, *UNLIMITED}))
def test_an_entry_of_a_table_is_about_a_route(name: str) -> None:
    about = [
        route
        for route in {*ROUTES, *DOORS}
        if route == name or (name.endswith(":") and route.startswith(name))
    ]

    assert about


def test_the_views_that_count_keys_are_those_that_ask_for_one() -> None:
    counting = {
        name
        for name, view in ROUTES.items()
        if issubclass(getattr(view, "cls", object), LimitedView)
    }

    assert counting == AUTHENTICATED


@pytest.mark.parametrize("reason", UNLIMITED.values())
def test_no_limit_has_a_reason(reason: str) -> None:
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("update", True), ("update_return", True), ("unsubscribe", True), ("admin:login", True),
        ("dashboard", False), ("webhook", False), ("admin:index", False),
        ("admin:recovery_recoverycase_changelist", False),
        ("anymail:postmark_tracking_webhook", False),
        ("forgotten", True), ("elsewhere:forgotten", True), ("", True),
    ],
)  # fmt: skip
def test_what_was_forgotten_is_limited_as_what_is_public(name: str, expected: bool) -> None:
    assert is_public(name) is expected
