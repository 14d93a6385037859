"""What people in the back office read where no page can be shown; the API's clients and customers
have their own (middleware.py). The words are in templates/, by the number of the status."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from recovery import log_context


def broken(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django hands it over
    """Without the request, which may be what can't be read, and without the database."""
    told = {"request_id": log_context.current().get("request", "")}
    return HttpResponse(
        render_to_string("500.html", told), status=HTTPStatus.INTERNAL_SERVER_ERROR
    )
