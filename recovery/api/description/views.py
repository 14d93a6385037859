"""GET schema: the OpenAPI description. GET docs: a page of it, for people."""

import enum
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from recovery.api.description.document import whole
from recovery.api.description.files import load
from recovery.api.description.guides import guides
from recovery.api.description.reference import tags

FRESH = "public, max-age=300"


class Format(enum.StrEnum):
    JSON = "json"
    YAML = "yaml"


class SchemaParameters(serializers.Serializer[Any]):
    format = serializers.ChoiceField(
        choices=[str(one) for one in Format], required=False,
        help_text="Else as `Accept` says; `json` unless it names YAML.",
    )  # fmt: skip


class SchemaView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="get_schema",
        summary="Get this description",
        description="OpenAPI 3.1, as JSON or as YAML.",
        tags=["Description"],
        parameters=[SchemaParameters],
        responses={
            (200, f"application/{form}"): OpenApiResponse({"type": "object"}) for form in Format
        },
    )
    def get(self, request: Request) -> HttpResponse:
        parameters = SchemaParameters(data=request.query_params)
        parameters.is_valid(raise_exception=True)
        wanted = parameters.validated_data.get("format") or _accepted(request)
        return HttpResponse(
            as_yaml() if wanted == Format.YAML else json.dumps(whole()),
            content_type=f"application/{wanted}",
            headers={"Cache-Control": FRESH},
        )


def _accepted(request: Request) -> Format:
    return Format.YAML if "yaml" in request.headers.get("Accept", "") else Format.JSON


def as_yaml() -> bytes:
    """The description as it stands in docs/openapi.yaml."""
    text: bytes = OpenApiYamlRenderer().render(whole())  # type: ignore[no-untyped-call]
    return text


@csrf_exempt  # it takes no POST, and says so
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The guides, then each operation with a command to try; no script, no outside host."""
    document = whole()
    context = {
        "guides": guides(),
        "tags": tags(document, base_url=settings.PUBLIC_URL),
        "lead": load("frame")["lead"],
        "version": document["info"]["version"],
    }
    response = render(request, "recovery/docs.html", context)
    response["Cache-Control"] = "no-store"  # its style's nonce is this answer's own
    return response
