"""What holds for every request, whichever page or endpoint it is for."""

from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest, HttpResponseBadRequest
from django.http.response import HttpResponseBase

from recovery.merchants import WEBHOOK_PATH

View = Callable[[HttpRequest], HttpResponseBase]
FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
NO_NUL = "A parameter or field contains a NUL character, which nothing here can."


def refuse_nul(get_response: View) -> View:
    """PostgreSQL takes no NUL in text, so one in a filter or form field would end in a 500."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if _has_nul(request):
            return HttpResponseBadRequest(NO_NUL, content_type="text/plain; charset=utf-8")
        return get_response(request)

    return answer


def _has_nul(request: HttpRequest) -> bool:
    if b"\x00" in unquote_to_bytes(request.META.get("QUERY_STRING", "")):
        return True
    # A webhook is the bytes that were signed, whatever type they are said to be of.
    if request.content_type not in FORMS or request.path == WEBHOOK_PATH:
        return False
    return any("\x00" in name + value for name, value in _fields(request))


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in request.POST.lists() for value in values]
