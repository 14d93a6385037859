"""What all views of the JSON API share: a client with the right to ask, and its merchant."""

from typing import cast

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from recovery.api.authentication import BearerAuthentication, InternalKeyAuthentication
from recovery.api.clients import Client, Scope
from recovery.api.idempotency import IdempotentView
from recovery.models import Merchant


class HasScope(BasePermission):
    """Looking takes the scope read, everything else write."""

    message = "This key may not do that: it lacks the scope write."

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002
        needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        return isinstance(request.auth, Client) and needed in request.auth.scopes


class ClientView(IdempotentView):
    """For API clients: Bearer."""

    authentication_classes: list[type[BaseAuthentication]] = [BearerAuthentication]
    permission_classes = [HasScope]

    @property
    def client(self) -> Client:
        return cast("Client", self.request.auth)

    @property
    def merchant(self) -> Merchant:
        return self.client.merchant


class InternalView(ClientView):
    """For internal clients: X-Internal-Key."""

    authentication_classes = [InternalKeyAuthentication]
