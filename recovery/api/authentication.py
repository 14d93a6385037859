"""Which client a request shows the credentials of."""

from django.contrib.auth.models import AnonymousUser
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from recovery import clock, credentials
from recovery.api.clients import Client

INTERNAL_CHALLENGE = 'X-Internal-Key realm="recover"'
BEARER_CHALLENGE = 'Bearer realm="recover"'
INVALID_TOKEN = f'{BEARER_CHALLENGE}, error="invalid_token"'  # RFC 6750, section 3

Found = tuple[AnonymousUser, Client]


class SeveralCredentialsError(APIException):
    """They might be of two merchants, and nobody knows which is meant."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "several_credentials"
    default_detail = "Show either X-Internal-Key or a Bearer token, not both."


class InternalKeyAuthentication(BaseAuthentication):
    """X-Internal-Key: the request is the merchant's whose key it shows (`request.auth`)."""

    asks_for = "Show an internal key in the header X-Internal-Key."

    def authenticate(self, request: Request) -> Found | None:
        shown = request.headers.get("X-Internal-Key", "")
        if not shown:
            return None
        key = credentials.internal_key(shown, now=clock.now())
        if key is None:
            raise AuthenticationFailed("This internal key is unknown or has ended.")
        return AnonymousUser(), Client.by_internal_key(key)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return INTERNAL_CHALLENGE


class BearerAuthentication(BaseAuthentication):
    """Authorization: Bearer, with an API key or with the access token of a user."""

    asks_for = "Show an API key or an access token in the header Authorization: Bearer."

    def authenticate(self, request: Request) -> Found | None:
        shown = _bearer(request)
        if shown is None:
            return None
        client = _client(shown)
        if client is None:
            raise AuthenticationFailed(
                "This key or token is unknown or of another kind, was revoked or has ended."
            )
        return AnonymousUser(), client

    def authenticate_header(self, request: Request) -> str:
        return BEARER_CHALLENGE if _bearer(request) is None else INVALID_TOKEN


class EitherAuthentication(BaseAuthentication):
    """X-Internal-Key or Authorization: Bearer."""

    asks_for = "Show an internal key in X-Internal-Key, or an API key in Authorization: Bearer."
    by_internal_key = InternalKeyAuthentication()
    by_bearer = BearerAuthentication()

    def authenticate(self, request: Request) -> Found | None:
        if request.headers.get("X-Internal-Key") and _bearer(request) is not None:
            raise SeveralCredentialsError
        return self.by_internal_key.authenticate(request) or self.by_bearer.authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return f"{INTERNAL_CHALLENGE}, {self.by_bearer.authenticate_header(request)}"


def _bearer(request: Request) -> str | None:
    """What is shown as Bearer, which may be nothing; None where another scheme or none is used."""
    scheme, _space, shown = request.headers.get("Authorization", "").partition(" ")
    return shown.strip() if scheme.lower() == "bearer" else None


def _client(shown: str) -> Client | None:
    now = clock.now()
    if key := credentials.api_key(shown, now=now):
        return Client.by_api_key(key)
    if family := credentials.token_family(shown, now=now):
        return Client.by_tokens(family)
    return None
