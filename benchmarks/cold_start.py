"""How soon a web worker answers its first request, against a Django that is merely set up with the
same apps."""

import time

from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import Server, prepared

MOST = 1.5
SET_UP = "import django; django.setup()"
# The page behind a link, whose token is none: the first that needs all addresses and templates.
ANSWER = """
import io
from recover_project.wsgi import application
environ = {
    "REQUEST_METHOD": "GET", "PATH_INFO": "/fourthngoal/recover/update", "QUERY_STRING": "token=x",
    "SCRIPT_NAME": "", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "HTTP_HOST": "127.0.0.1",
    "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
}
said = []
answer = b"".join(application(environ, lambda status, *_: said.append(status)))
assert said[0].startswith("4") and b"<html" in answer, (said, answer)
"""


def run() -> list[Comparison | Fact]:
    with prepared() as server:
        product, yardstick = by_turns(
            lambda: _seconds(server, ANSWER), lambda: _seconds(server, SET_UP)
        )
    return [
        Comparison(
            "a web worker's first answer, against django.setup()", "ms", product * 1000,
            yardstick * 1000, at_most=MOST,
        )
    ]  # fmt: skip


def _seconds(server: Server, program: str) -> float:
    begun = time.perf_counter()
    server.python("-W", "ignore", "-c", program)
    return time.perf_counter() - begun
