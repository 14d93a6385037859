"""The limit of the JSON API: by credential, and by address for whoever shows no good one."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recovery.errors import TooManyRequests
from recovery.limits.counting import count, count_address, noted
from recovery.limits.usage import Limit, Usage


class LimitedView(APIView):
    """Each request counts once: for the `credential` of `request.auth`, a name for the key that
    was shown. Whoever is refused before that is known (no key, a bad one, a format that there
    isn't) counts for the address it asks from: trying keys isn't free. A good key has its own
    limit, whoever else is at its address."""

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if credential := getattr(request.auth, "credential", ""):
            self.limited(request, identity=credential, limit=Limit.CREDENTIAL)
        else:
            _refuse_above_limit(count_address(request))

    def limited(self, request: Request, *, identity: str, limit: Limit) -> None:
        """Count the request. Raises TooManyRequests above the limit."""
        _refuse_above_limit(count(request, limit=limit, identity=identity))

    def handle_exception(self, exc: Exception) -> Response:
        if noted(self.request) is None:
            try:
                _refuse_above_limit(count_address(self.request))
            except TooManyRequests as refused:
                exc = refused
        return super().handle_exception(exc)


def _refuse_above_limit(usage: Usage | None) -> None:
    if usage is not None and usage.is_exceeded:
        raise TooManyRequests(usage.reset)
