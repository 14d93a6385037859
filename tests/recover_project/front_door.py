"""The product as a web server calls it, and what Stripe would send there."""

import io
import json
import time
from typing import Any

from django.core.wsgi import get_wsgi_application

from recover_project.acknowledging import Acknowledging
from recovery.endpoints import webhook_url
from recovery.models import Merchant
from recovery.signatures import sign
from tests.builders import SECRET, event

Answer = tuple[str, dict[str, str], Any]


class Web:
    """A web server whose Django is asked as seldom as can be."""

    def __init__(self) -> None:
        self.asked_django = 0
        self._django = get_wsgi_application()
        self._program = Acknowledging(self._ask_django)

    def _ask_django(self, environ: Any, start_response: Any) -> Any:
        self.asked_django += 1
        return self._django(environ, start_response)

    def post(
        self, payload: dict[str, Any] | bytes, merchant: Merchant, *, secret: str = SECRET,
        **changes: Any,
    ) -> Answer:  # fmt: skip
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        path, _, query = webhook_url(merchant).partition("?")
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": path[path.index("/fourthngoal") :],
            "QUERY_STRING": query, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1", "SCRIPT_NAME": "", "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/json",
            "HTTP_STRIPE_SIGNATURE": sign(body=body, secret=secret, timestamp=int(time.time())),
            **changes,
        }  # fmt: skip
        said: list[Any] = []
        answer = self._program(environ, lambda *told: said.append(told))  # type: ignore[arg-type]
        [(status, headers)] = said
        content = b"".join(answer)
        if close := getattr(answer, "close", None):
            close()
        return status, dict(headers), json.loads(content) if content else None


def an_event() -> dict[str, Any]:
    return event("invoice.payment_failed", {"id": "in_1", "amount_due": 4900})
