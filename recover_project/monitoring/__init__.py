"""Errors and traces to whomever the environment names: Sentry, and what speaks OpenTelemetry.

Either is installed by who wants it. Neither gets an address, a secret, a body, a header or a
variable; both get the ids that the logs have (docs/operations.md).
"""

from importlib import import_module
from types import ModuleType
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def begin(service: str) -> None:
    """Once in each process that serves or works, by the name of its program. Raises
    ImproperlyConfigured where the environment names somebody and what speaks to them isn't
    installed."""
    for wanted in _wanted():
        wanted.begin(service)


def begin_above(service: str) -> None:
    """In a process that only starts others, each of which begins by itself: it tells of errors,
    of theirs that died among them. Nothing is traced there, since no trace outlives a fork. Raises
    ImproperlyConfigured."""
    if settings.SENTRY_DSN:
        _module("errors", because="SENTRY_DSN").begin(service)


def end() -> None:
    """What waits to be told is told."""
    for wanted in _wanted():
        wanted.end()


def traced(application: WSGIApplication) -> WSGIApplication:
    for wanted in _wanted():
        application = wanted.traced(application)
    return application


def _wanted() -> list[ModuleType]:
    return [
        _module(name, because=variable)
        for variable, name in (("SENTRY_DSN", "errors"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces"))
        if getattr(settings, variable)
    ]


def _module(name: str, *, because: str) -> ModuleType:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        raise ImproperlyConfigured(
            f"{because} is set, but {error.name} is not installed. docs/operations.md says how to "
            f"install it; or unset {because}."
        ) from error
