"""Errors in one shape: {"error": {"code": …, "message": …, "fields": {…}}}."""

import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, JsonResponse
from rest_framework.exceptions import (
    APIException,
    ErrorDetail,
    NotFound,
    UnsupportedMediaType,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.views import set_rollback

RATE_LIMITED = "rate_limited"
NOT_JSON = "Send JSON, with the header Content-Type: application/json."
TOO_MANY = "Too many requests. Ask again when the seconds of Retry-After have passed."


def body(code: str, message: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "fields": fields or {}}}


def error_response(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse(body(code, message), status=status)


def too_many_response(*, retry_after: int) -> JsonResponse:
    """`retry_after` in seconds."""
    response = error_response(HTTPStatus.TOO_MANY_REQUESTS, RATE_LIMITED, TOO_MANY)
    response["Retry-After"] = str(retry_after)
    return response


class TooManyRequests(APIException):
    """`wait`: seconds after which it may be asked again."""

    status_code = HTTPStatus.TOO_MANY_REQUESTS
    default_code = RATE_LIMITED
    default_detail = TOO_MANY

    def __init__(self, wait: float, detail: str | None = None) -> None:
        super().__init__(detail)
        self.wait = wait


class TooLarge(APIException):
    """A body above DATA_UPLOAD_MAX_MEMORY_SIZE."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "A body is at most 1 MiB."


def as_response(error: Exception, context: dict[str, Any]) -> Response | None:  # noqa: ARG001
    """DRF's exception handler; what it doesn't know becomes Django's 500."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, RequestDataTooBig):
        error = TooLarge()
    elif isinstance(error, UnsupportedMediaType):
        error.detail = ErrorDetail(NOT_JSON, UnsupportedMediaType.default_code)
    if not isinstance(error, APIException):
        return None
    set_rollback()
    return Response(_content(error), status=error.status_code, headers=_headers(error))


def _content(error: APIException) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return body("invalid_request", "Some parameters are not valid.", _fields(error.detail))
    return body(str(error.get_codes()), str(error.detail), getattr(error, "fields", None))


def _headers(error: APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    return headers


def _fields(detail: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for name, text in _texts(detail):
        told.setdefault(name or "non_field_errors", []).append(text)
    return told


def _texts(detail: Any, within: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Each sentence with the part that it is about: `event_types.0` is the first of a list."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _texts(inner, (*within, str(name)))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _texts(inner, within)
    else:
        yield ".".join(within), str(detail)
