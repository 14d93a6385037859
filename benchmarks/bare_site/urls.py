"""One view: it verifies the signature and inserts one row into a jsonb column, through Django's
cursor."""

import hashlib
import hmac
import os

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

SECRET = os.environ["BENCH_SECRET"].encode()


def receive(request: HttpRequest) -> HttpResponse:
    stamp, _, signature = request.headers["Stripe-Signature"].partition(",v1=")
    signed = f"{stamp.removeprefix('t=')}.".encode() + request.body
    expected = hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        return HttpResponse(status=400)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare_event (body) VALUES (%s)", [request.body.decode()])
    response = JsonResponse({"received": True})
    response["Content-Length"] = str(len(response.content))
    return response


urlpatterns = [path("webhook", receive)]
