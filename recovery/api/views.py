"""What all views of the JSON API share: a client with the right to ask, and its merchant."""

from typing import NoReturn, cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from recovery.api.authentication import (
    BEARER_CHALLENGE,
    BearerAuthentication,
    EitherAuthentication,
    InternalKeyAuthentication,
)
from recovery.api.clients import Client, Scope
from recovery.api.idempotency import IdempotentView
from recovery.limits.views import LimitedView
from recovery.models import Merchant


class InsufficientScopeError(PermissionDenied):
    """RFC 6750, section 3.1."""

    default_code = "insufficient_scope"

    def __init__(self, needed: Scope) -> None:
        super().__init__(f"This key may not do that: it lacks the scope {needed}.")
        self.auth_header = f'{BEARER_CHALLENGE}, error="insufficient_scope", scope="{needed}"'


class HasScope(BasePermission):
    """Looking takes the scope read, everything else write."""

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        if not isinstance(request.auth, Client):
            return False
        needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        if needed not in request.auth.scopes:
            raise InsufficientScopeError(needed)
        return True


class PublicView(APIView):
    """For everybody."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]


class ClientView(IdempotentView, LimitedView):
    """For API clients: Bearer."""

    authentication_classes: list[type[BaseAuthentication]] = [BearerAuthentication]
    permission_classes = [HasScope]

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Whoever showed nothing that opens this is told what does."""
        if request.successful_authenticator is None:
            raise NotAuthenticated(self.get_authenticators()[0].asks_for)  # type: ignore[attr-defined]
        super().permission_denied(request, message, code)

    @property
    def client(self) -> Client:
        return cast("Client", self.request.auth)

    @property
    def merchant(self) -> Merchant:
        return self.client.merchant


class InternalView(ClientView):
    """For internal clients: X-Internal-Key."""

    authentication_classes = [InternalKeyAuthentication]


class AnyClientView(ClientView):
    """For both: X-Internal-Key or Bearer."""

    authentication_classes = [EitherAuthentication]
