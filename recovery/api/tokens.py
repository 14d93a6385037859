"""POST token and token/refresh: a user's password, or the last refresh token, for a pair."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from recovery import clock, credentials
from recovery.api.authentication import BEARER_CHALLENGE, INVALID_TOKEN
from recovery.api.views import PublicView
from recovery.credentials.tokens import AccessToken, RefreshToken
from recovery.errors import TooManyRequests
from recovery.scopes import Scope, in_order


class LoginFailedError(APIException):
    """Says the same whatever was wrong: who tries addresses learns of none."""

    status_code = 401
    default_code = "invalid_credentials"
    default_detail = "No user of a merchant logs in with this address and password."
    auth_header = BEARER_CHALLENGE


class InvalidRefreshTokenError(APIException):
    status_code = 401
    default_code = "invalid_token"
    default_detail = "This refresh token was used, was revoked or has ended: log in again."
    auth_header = INVALID_TOKEN


class LoginFields(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)
    merchant = serializers.CharField(
        max_length=40, default="", help_text="mer_…, for who works for several."
    )


class RefreshFields(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=2000)


class Pair(serializers.Serializer[Any]):
    """What a login is worth, for how many seconds."""

    access = serializers.CharField(help_text="Shown as Bearer.")
    access_expires_in = serializers.IntegerField(help_text="In seconds.")
    refresh = serializers.CharField(help_text="Good once, for the next pair.")
    refresh_expires_in = serializers.IntegerField(help_text="In seconds.")
    merchant = serializers.CharField(help_text="Whose data it opens.")
    scopes = serializers.ListField(child=serializers.ChoiceField([str(one) for one in Scope]))


class TokenView(PublicView):
    @extend_schema(
        operation_id="log_in",
        summary="Log in",
        description="A user's address and password for a pair of tokens.",
        tags=["Credentials"],
        request=LoginFields,
        responses={200: Pair, 401: None},
    )
    def post(self, request: Request) -> Response:
        fields, now = LoginFields(data=request.data), clock.now()
        fields.is_valid(raise_exception=True)
        given = fields.validated_data
        try:
            pair = credentials.log_in(
                email=given["email"], password=given["password"],
                merchant_id=given["merchant"], now=now,
            )  # fmt: skip
        except credentials.LoginRefusedError as error:
            raise LoginFailedError from error
        except credentials.MerchantNotNamedError as error:
            raise ValidationError({"merchant": [str(error)]}) from error
        except credentials.TooManyFailedLoginsError as error:
            wait = (error.ends_at - now).total_seconds()
            raise TooManyRequests(wait, "Too many logins failed for this address.") from error
        return _answer(pair)


class RefreshView(PublicView):
    @extend_schema(
        operation_id="refresh_tokens",
        summary="Refresh tokens",
        description="The last refresh token for a new pair. One that was used before ends the "
        "whole login.",
        tags=["Credentials"],
        request=RefreshFields,
        responses={200: Pair, 401: None},
    )
    def post(self, request: Request) -> Response:
        fields = RefreshFields(data=request.data)
        fields.is_valid(raise_exception=True)
        try:
            pair = credentials.refresh(fields.validated_data["refresh"], now=clock.now())
        except credentials.RefreshRefusedError as error:
            raise InvalidRefreshTokenError from error
        return _answer(pair)


def _answer(pair: credentials.TokenPair) -> Response:
    content = {
        "access": pair.access,
        "access_expires_in": int(AccessToken.lifetime.total_seconds()),
        "refresh": pair.refresh,
        "refresh_expires_in": int(RefreshToken.lifetime.total_seconds()),
        "merchant": pair.family.merchant.public_id,
        "scopes": in_order(pair.scopes),
    }
    return Response(content, headers={"Cache-Control": "no-store"})
