"""Errors to Sentry: where and which, and of which debt; not with what."""

from typing import Any
from wsgiref.types import WSGIApplication

import sentry_sdk
from django.conf import settings

from recover_project.logs import redacted
from recovery import log_context

KEPT_OF_A_REQUEST = ("method", "url")  # this one without its query


def begin(service: str) -> None:
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_cleaned,
        before_breadcrumb=lambda crumb, _hint: redacted(crumb),
    )
    sentry_sdk.set_tag("service", f"recover-{service}")


def end() -> None:
    sentry_sdk.flush(timeout=2)


def traced(application: WSGIApplication) -> WSGIApplication:
    return application


def _cleaned(event: Any, _hint: object) -> Any:
    request = event.get("request") or {}
    event["request"] = {
        name: str(request[name]).partition("?")[0] for name in KEPT_OF_A_REQUEST if name in request
    }
    event.pop("user", None)
    event["tags"] = {**(event.get("tags") or {}), **log_context.current()}
    return redacted(event)
