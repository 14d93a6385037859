"""Errors in one shape: {"error": {"code": …, "message": …, "fields": {…}}}."""

import math
from typing import Any

from django.http import Http404, JsonResponse
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import set_rollback


def body(code: str, message: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "fields": fields or {}}}


def error_response(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse(body(code, message), status=status)


def as_response(error: Exception, context: dict[str, Any]) -> Response | None:  # noqa: ARG001
    """DRF's exception handler; what it doesn't know becomes Django's 500."""
    if isinstance(error, Http404):
        error = NotFound()
    if not isinstance(error, APIException):
        return None
    set_rollback()
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(error, ValidationError):
        content = body("invalid_request", "Some parameters are not valid.", _fields(error.detail))
    else:
        facts = getattr(error, "fields", None)
        content = body(str(error.get_codes()), str(error.detail), facts)
    return Response(content, status=error.status_code, headers=headers)


def _fields(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"non_field_errors": detail}
