"""409: the request is understood, and the state of things or a rule forbids it."""

from collections.abc import Mapping
from typing import Any

from rest_framework import status
from rest_framework.exceptions import APIException


class ConflictError(APIException):
    """`code` and `message` as in every error; `facts` say by what rule, and until when."""

    status_code = status.HTTP_409_CONFLICT

    def __init__(self, code: str, message: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, code)
        self.fields = dict(facts or {})
