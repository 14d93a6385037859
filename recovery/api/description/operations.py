"""Each operation with all that it may answer, and an example of what is sent and answered."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny

from recovery.api import idempotency
from recovery.api.authentication import (
    BearerAuthentication,
    EitherAuthentication,
    InternalKeyAuthentication,
)
from recovery.api.description.files import examples, load
from recovery.api.idempotency import IdempotentView
from recovery.api.parameters import Parameters

Json = dict[str, Any]
USED_UP = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "description": "Makes it safe to ask again: within a day the same key runs it once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
}
ID = {
    "description": "As the lists tell it.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
}
SHARED = frozenset(load("answers")["responses"])
DONE = {
    "200": "Done.",
    "201": "Made.",
    "202": "On its way.",
    "204": "Gone.",
}
SCHEMES: Mapping[type[BaseAuthentication], list[Json]] = MappingProxyType(
    {
        BearerAuthentication: [{"Bearer": []}],
        InternalKeyAuthentication: [{"InternalKey": []}],
        EitherAuthentication: [{"InternalKey": []}, {"Bearer": []}],
    }
)


class Described(AutoSchema):
    """Views say what they do; what any of them may answer is added here.

    Of an answer that is shared (recovery/data/api/answers.yaml) a view gives but the status.
    """

    def get_operation(self, *args: Any, **kwargs: Any) -> Json | None:
        operation: Json | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        listed = operation["responses"]
        for status in set(listed) - SHARED:
            _complete(listed[status], status)
        refused = {*self._refusals(operation), *SHARED.intersection(listed)}
        shared = {status: {"$ref": f"#/components/responses/{status}"} for status in refused}
        operation["responses"] = dict(sorted({**listed, **shared}.items()))
        add_examples(operation)
        return operation

    def _get_parameters(self) -> list[Json]:
        found: list[Json] = super()._get_parameters()
        is_kept = self.method == "POST" and isinstance(self.view, IdempotentView)
        named = [{**one, **ID} if one["in"] == "path" else one for one in found]
        return [*named, KEY] if is_kept else named

    def get_auth(self) -> list[Json]:
        return [option for one in self.view.get_authenticators() for option in SCHEMES[type(one)]]

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Json:
        schema: Json = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, Parameters):
            schema["additionalProperties"] = False
        return schema

    def _refusals(self, operation: Json) -> list[str]:
        """The answers that follow from what an operation takes and who may ask."""
        parameters = operation.get("parameters", [])
        places = {parameter["in"] for parameter in parameters}
        is_public = any(isinstance(one, AllowAny) for one in self.view.get_permissions())
        has_body = "requestBody" in operation
        may_have_body = has_body or self.method == "POST"  # then it is read, whatever it is
        has_choice = len(operation.get("security", [])) > 1  # and both were shown
        return [
            *(["400"] if has_body or has_choice or places else []),  # a path may hold a NUL
            *([] if is_public else ["401", "403"]),
            *(["404"] if "path" in places else []),
            *(["409", "422"] if KEY in parameters else []),
            *(["413", "415"] if may_have_body else []),
            "429",
        ]


def _complete(answer: Json, status: str) -> None:
    if not answer["description"] or "content" not in answer:
        answer["description"] = DONE[status]
    limits = {name: {"$ref": f"#/components/headers/{name}"} for name in USED_UP}
    answer["headers"] = {**answer.get("headers", {}), **limits}


def add_examples(operation: Json) -> None:
    """Those of recovery/data/api/examples; a test says which are missing."""
    given = examples().get(operation["operationId"], {})
    for parameter in operation.get("parameters", []):
        if parameter["name"] in given.get("parameters", {}):
            parameter["example"] = given["parameters"][parameter["name"]]
    if "request" in given:
        for content in operation["requestBody"]["content"].values():
            content["example"] = given["request"]
    for status, example in given.get("answers", {}).items():
        for content in operation["responses"][status]["content"].values():
            content["example"] = example
