"""Stripe's errors: the envelope, and a constructor per error that it gives."""

from dataclasses import dataclass, field
from typing import Any

from .shapes import Object


@dataclass
class ApiError(Exception):
    """An answer other than 2xx; `fields` are those of Stripe's `error` object."""

    status: int
    fields: Object
    headers: dict[str, str] = field(default_factory=dict)
    # Stripe remembers an answer under an Idempotency-Key only once it began to execute.
    is_before_execution: bool = False


def invalid_request(message: str, *, status: int = 400, **fields: Any) -> ApiError:
    present = {name: value for name, value in fields.items() if value is not None}
    return ApiError(status, {"type": "invalid_request_error", "message": message, **present})


def bad_param(message: str, *, param: str, code: str | None = None) -> ApiError:
    error = invalid_request(message, param=param, code=code)
    error.is_before_execution = True
    return error


def unknown_param(param: str) -> ApiError:
    return bad_param(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")


def missing_param(param: str) -> ApiError:
    return bad_param(f"Missing required param: {param}.", param=param, code="parameter_missing")


def resource_missing(kind: str, id_: str, *, param: str, status: int = 404) -> ApiError:
    return invalid_request(
        f"No such {kind}: '{id_}'", status=status, code="resource_missing", param=param
    )


def unknown_url(method: str, path: str) -> ApiError:
    error = invalid_request(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we "
        "can help at https://support.stripe.com/.",
        status=404,
    )
    error.is_before_execution = True
    return error


def bad_key(key: str) -> ApiError:
    message = (
        f"Invalid API Key provided: {masked(key)}"
        if key
        else "You did not provide an API key. You need to provide your API key in the "
        "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
    )
    error = invalid_request(message, status=401)
    error.is_before_execution = True
    return error


def missing_permission(key: str, account: str, permission: str) -> ApiError:
    error = invalid_request(
        f"The provided key '{masked(key)}' does not have the required permissions for this "
        f"endpoint on account '{account}'. Having the '{permission}' permission would allow this "
        "request to continue.",
        status=403,
    )
    error.is_before_execution = True
    return error


def no_access_to_account(key: str, account: str) -> ApiError:
    error = invalid_request(
        f"The provided key '{masked(key)}' does not have access to account '{account}' (or that "
        "account does not exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )
    error.is_before_execution = True
    return error


def idempotency_mismatch(message: str) -> ApiError:
    return ApiError(
        400, {"type": "idempotency_error", "message": message}, is_before_execution=True
    )


def card_error(fields: Object) -> ApiError:
    """A 402. The client is told not to try again by itself: only another card or time can help."""
    return ApiError(402, {"type": "card_error", **fields}, {"Stripe-Should-Retry": "false"})


def masked(key: str) -> str:
    """A key as Stripe repeats it in messages: the kind and the last four characters."""
    kind, tail = key[:8], key[8:]
    return f"{kind}{'*' * max(len(tail) - 4, 0)}{tail[-4:]}"


def expired_key(key: str) -> ApiError:
    error = invalid_request(
        f"Expired API Key provided: {masked(key)}", status=401, code="api_key_expired"
    )
    error.is_before_execution = True
    return error
