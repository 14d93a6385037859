"""Idempotency-Key on every POST: what has run is answered again without running."""

import hashlib
import json
import re
from typing import Any, NoReturn, cast

from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recovery import clock, idempotency
from recovery.api.clients import Client
from recovery.idempotency import KeyInUseError, KeyReusedError
from recovery.models import IdempotentRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY = re.compile(r"[\x20-\x7e]{1,255}")
NO_KEY = "An idempotency key is 1 to 255 printable ASCII characters, a UUID say."


class KeyInUse(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_in_use"
    default_detail = "The first request with this idempotency key still runs. Ask again shortly."


class KeyReused(APIException):
    """422, as draft-ietf-httpapi-idempotency-key-header has it."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = "This idempotency key was used for another request. Make a new key."


class _Replay(Exception):  # noqa: N818 - the one way past a view's handler that DRF has
    def __init__(self, kept: IdempotentRequest) -> None:
        self.response = Response(
            json.loads(kept.body) if kept.body else None,
            status=kept.status,
            headers={REPLAYED: "true"},
        )


class IdempotentView(APIView):
    """A view whose POSTs may carry an Idempotency-Key.

    The key is looked at once the client is known, has the right and is within its limits, and the
    body can be read; what is refused before that leaves no trace. Nor does a 400, for which
    nothing ran, or a 5xx, which the client may ask again.
    """

    claimed: IdempotentRequest | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and HEADER in request.headers:
            found = _claim(request)
            if found.status is not None:
                raise _Replay(found)
            self.claimed = found

    def handle_exception(self, exc: Exception) -> Response:
        return exc.response if isinstance(exc, _Replay) else super().handle_exception(exc)

    def raise_uncaught_exception(self, exc: Exception) -> NoReturn:
        if self.claimed:
            idempotency.release(self.claimed)
        super().raise_uncaught_exception(exc)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.claimed:
            _close(self.claimed, final)
        return final


def _claim(request: Request) -> IdempotentRequest:
    key = request.headers[HEADER]
    if not KEY.fullmatch(key):
        raise ValidationError({HEADER: [NO_KEY]})
    client = cast("Client", request.auth)
    try:
        return idempotency.claim(
            merchant=client.merchant, credential_kind=client.credential.partition(":")[0],
            key=key, asked=_digest(request), now=clock.now(),
        )  # fmt: skip
    except KeyInUseError as error:
        raise KeyInUse from error
    except KeyReusedError as error:
        raise KeyReused from error


def _digest(request: Request) -> str:
    """Of what is asked for, however its JSON is spelled."""
    asked = [request.get_full_path(), request.data]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _close(claimed: IdempotentRequest, response: Response) -> None:
    code = response.status_code
    if code == status.HTTP_400_BAD_REQUEST or code >= status.HTTP_500_INTERNAL_SERVER_ERROR:
        idempotency.release(claimed)
    else:
        body = response.render().content.decode()
        idempotency.keep(claimed, status=code, body=body)
