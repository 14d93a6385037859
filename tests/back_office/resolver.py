"""Every address that there is below /admin/, as Django's resolver knows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from recover_project.routes import BACK_OFFICE


@dataclass(frozen=True)
class Known:
    """`route` is what comes after /admin/; `name` has its namespaces, and is "" where there is
    none."""

    route: str
    name: str
    pattern: URLPattern


def known() -> Iterator[Known]:
    for route, name, pattern in _walk(get_resolver().url_patterns, "/", ""):
        if route.startswith(BACK_OFFICE):
            yield Known(route.removeprefix(BACK_OFFICE), name, pattern)


def _walk(
    patterns: Sequence[URLPattern | URLResolver], before: str, space: str
) -> Iterator[tuple[str, str, URLPattern]]:
    for one in patterns:
        route = f"{before}{one.pattern}"
        if isinstance(one, URLResolver):
            within = f"{space}{one.namespace}:" if one.namespace else space
            yield from _walk(one.url_patterns, route, within)
        else:
            yield route, f"{space}{one.name}" if one.name else "", one
