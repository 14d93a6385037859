"""Every error has one shape, and what nobody foresaw is left to Django."""

from typing import Any

import pytest
from django.http import Http404
from rest_framework.exceptions import (
    APIException,
    MethodNotAllowed,
    NotAuthenticated,
    NotFound,
    ParseError,
    PermissionDenied,
    ValidationError,
)

from recovery.errors import as_response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404("row 5 of table x"), 404, "not_found"),
        (NotFound(), 404, "not_found"),
        (NotAuthenticated(), 401, "not_authenticated"),
        (PermissionDenied(), 403, "permission_denied"),
        (MethodNotAllowed("POST"), 405, "method_not_allowed"),
        (ParseError(), 400, "parse_error"),
    ],
)
def test_an_error_is_a_code_and_a_sentence(error: Exception, status: int, code: str) -> None:
    response = as_response(error, {})

    assert response is not None
    assert response.status_code == status
    content = response.data["error"]
    assert (content["code"], content["fields"]) == (code, {})
    assert content["message"].endswith(".")
    assert "row 5" not in content["message"]


@pytest.mark.parametrize(
    ("detail", "fields"),
    [
        ({"limit": ["Too large."]}, {"limit": ["Too large."]}),
        (["Both or neither."], {"non_field_errors": ["Both or neither."]}),
    ],
)
def test_what_is_wrong_with_a_request_is_told_by_field(
    detail: Any, fields: dict[str, list[str]]
) -> None:
    response = as_response(ValidationError(detail), {})

    assert response is not None
    assert response.status_code == 400
    assert response.data == {
        "error": {
            "code": "invalid_request",
            "message": "Some parameters are not valid.",
            "fields": fields,
        }
    }


def test_a_challenge_is_passed_on() -> None:
    error: APIException = NotAuthenticated()
    error.auth_header = 'X-Internal-Key realm="recover"'  # type: ignore[attr-defined]

    response = as_response(error, {})

    assert response is not None
    assert response["WWW-Authenticate"] == 'X-Internal-Key realm="recover"'


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("x"), RuntimeError()])
def test_what_nobody_foresaw_is_left_to_django(error: Exception) -> None:
    assert as_response(error, {}) is None
