"""One POST to a machine that we know nothing of: bounded in time and size, and pinned.

The host's name is looked up once, each address that it leads to is checked, and the connection
goes to an address that was checked: a name that leads elsewhere a moment later changes nothing.
The certificate is still checked against the name. Redirects are not followed; proxies of the
environment are not used.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from recovery.addresses import (
    Endpoint,
    RefusedAddressError,
    RefusedUrlError,
    check_addresses,
    read_url,
)

CONNECT_SECONDS = 3.0  # for each address
TOTAL_SECONDS = 10.0
MOST_BYTES = 64 * 1024  # that are ever read, headers included
EXCERPT_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is None where there was none, and `error` says why in a sentence."""

    status: int | None
    error: str
    excerpt: str
    duration: timedelta


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """The system's certificate authorities; host names are checked."""
    return ssl.create_default_context()


def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`, the preferred first. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def post(url: str, *, body: bytes, headers: Mapping[str, str], allows_loopback: bool) -> Answer:
    """Send `body`; whatever goes wrong is an answer too."""
    started = time.monotonic()
    status, error, excerpt = None, "", ""
    try:
        endpoint = read_url(url, allows_loopback=allows_loopback)
        with _connected(
            endpoint, started + TOTAL_SECONDS, allows_loopback=allows_loopback
        ) as wire:
            status, excerpt = _exchange(wire, endpoint, body, headers)
    except (RefusedUrlError, RefusedAddressError) as refused:
        error = str(refused)
    except (OSError, http.client.HTTPException, ValueError) as failed:
        error = _in_words(failed)
    return Answer(status, error, excerpt, timedelta(seconds=time.monotonic() - started))


@contextmanager
def _connected(endpoint: Endpoint, deadline: float, *, allows_loopback: bool) -> Iterator["_Wire"]:
    found = resolve(endpoint.host, endpoint.port)
    check_addresses(found, allows_loopback=allows_loopback)
    with closing(_connect(found, endpoint.port, deadline)) as connection:
        if not endpoint.is_secure:
            yield _Wire(connection, deadline)
            return
        connection.settimeout(_left(deadline))
        with tls().wrap_socket(connection, server_hostname=endpoint.host) as secured:
            yield _Wire(secured, deadline)


def _connect(found: list[str], port: int, deadline: float) -> socket.socket:
    """To the first of these addresses that lets us: nothing is looked up again."""
    refused: OSError | None = None
    for address in found:
        try:
            timeout = min(CONNECT_SECONDS, _left(deadline))
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            refused = error
    raise refused or OSError("no address")


def _exchange(
    wire: "_Wire", endpoint: Endpoint, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str]:
    client = http.client.HTTPConnection(endpoint.host, endpoint.port)
    client.auto_open = 0
    client.sock = wire  # all that http.client uses of a socket
    sent = {"Host": endpoint.authority, "Connection": "close", **headers}
    client.request("POST", endpoint.target, body, sent)
    with closing(client.getresponse()) as response:
        return response.status, _excerpt(response)


def _excerpt(response: http.client.HTTPResponse) -> str:
    """The beginning of the answer, for the log; a status is an answer also without it."""
    try:
        start = response.read(EXCERPT_BYTES)
    except (OSError, http.client.HTTPException):
        return ""
    # PostgreSQL's text takes every character but NUL.
    return start.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")


class _Wire:
    """A connection that is over at its deadline, however slowly the other side talks."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.connection, self.deadline = connection, deadline

    def sendall(self, data: bytes) -> None:
        self.connection.settimeout(_left(self.deadline))
        self.connection.sendall(data)

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """The connection is closed by who made it, when the answer has been read."""


class TooLongError(http.client.HTTPException):
    """An answer may be long, its headers may not."""


class _Reader(io.RawIOBase):
    """Raises TooLongError after MOST_BYTES."""

    def __init__(self, wire: _Wire) -> None:
        self.wire, self.left = wire, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.left:
            raise TooLongError
        self.wire.connection.settimeout(_left(self.wire.deadline))
        count = self.wire.connection.recv_into(memoryview(buffer)[: self.left])
        self.left -= count
        return count


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"No answer within {TOTAL_SECONDS:g} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate is not valid: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return "No TLS connection could be made."
    if isinstance(error, socket.gaierror | ValueError):
        return "The host name can't be looked up."
    if isinstance(error, http.client.HTTPException):
        return f"The answer is not HTTP ({type(error).__name__})."
    return f"The connection failed ({type(error).__name__})."
