"""What the web server calls."""

import gc
import io
import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recover_project.settings")
django_application = get_wsgi_application()

from recover_project import monitoring  # noqa: E402
from recover_project.acknowledging import Acknowledging  # noqa: E402 - it needs a booted Django
from recovery import clock  # noqa: E402

clock.follow_database()
monitoring.begin("web")
recover = monitoring.traced(Acknowledging(django_application))
# What is loaded once is never garbage. To look through all of it again and again would have
# somebody wait each time (docs.python.org/3/library/gc.html#gc.freeze).
_ = get_resolver().url_patterns  # loaded by the first request otherwise
gc.collect()
gc.freeze()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Django takes a request that announces no length for an empty one. A body in chunks is
    read here, as far as any may be long, and gets the length that it has: one byte too many
    tells whoever limits lengths."""
    if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
        body = _read(environ, at_most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
    return recover(environ, start_response)


def _read(environ: WSGIEnvironment, *, at_most: int) -> bytes:
    body = bytearray()
    while len(body) < at_most and (chunk := environ["wsgi.input"].read(at_most - len(body))):
        body += chunk
    return bytes(body)
