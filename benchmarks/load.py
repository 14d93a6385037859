"""As many requests as a server answers, or as many as it is sent: a client that does little else
than wait."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from itertools import count

CONNECTIONS = 8
REQUESTS = 60  # on each
_clients = map(ip_address, count(int(ip_address("10.0.0.1"))))


def requests_per_second(*, port: int, path: str) -> float:
    """Over connections that stay open. Raises RuntimeError for any answer but a 200."""
    return per_second(port=port, requests=[get(path) for _one in range(CONNECTIONS * REQUESTS)])


def per_second(*, port: int, requests: Sequence[bytes], connections: int = CONNECTIONS) -> float:
    """How many of these are answered, one after the other on each connection. Raises
    RuntimeError for any answer but a 200."""
    begun = time.perf_counter()
    _share(port, requests, connections, lambda connection, _n, request: _ask(connection, request))
    return len(requests) / (time.perf_counter() - begun)


def waits(
    *, port: int, requests: Sequence[bytes], per_second: float, connections: int
) -> list[float]:
    """Seconds that each waits for its answer from the moment at which it was due, sent so many a
    second: where all connections are busy, the next one's wait has begun. Raises as above."""
    begun = time.perf_counter() + 0.1
    found: list[float] = []

    def ask(connection: socket.socket, number: int, request: bytes) -> None:
        due = begun + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        _ask(connection, request)
        found.append(time.perf_counter() - due)

    _share(port, requests, connections, ask)
    return found


def size(*, port: int, path: str) -> int:
    """All bytes of an answer, its headers among them; nothing is compressed."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return len(_answer(connection, get(path)))


def get(path: str) -> bytes:
    """As a proxy passes it on, of a client that was not there before."""
    return _request("GET", path, {"Accept-Language": "en", "X-Forwarded-For": next(_clients)})


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    told = {"Content-Type": "application/json", "Content-Length": len(body), **headers}
    return _request("POST", path, told) + body


def _request(method: str, path: str, headers: dict[str, object]) -> bytes:
    told = {"Host": "127.0.0.1", **headers}
    lines = (f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()))
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _share(
    port: int, requests: Sequence[bytes], connections: int,
    ask: Callable[[socket.socket, int, bytes], None],
) -> None:  # fmt: skip
    """Each connection takes the next request as soon as it is free."""
    failed: list[str] = []
    numbered, taking = iter(enumerate(requests)), threading.Lock()

    def work() -> None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for number, request in _taken(numbered, taking):
                    ask(connection, number, request)
        except (OSError, RuntimeError) as error:
            failed.append(str(error))

    threads = [threading.Thread(target=work) for _one in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])


def _taken(
    numbered: Iterator[tuple[int, bytes]], taking: threading.Lock
) -> Iterator[tuple[int, bytes]]:
    while True:
        with taking:
            one = next(numbered, None)
        if one is None:
            return
        yield one


def _ask(connection: socket.socket, request: bytes) -> None:
    answer = _answer(connection, request)
    if not answer.startswith(b"HTTP/1.1 200 "):
        asked = request.partition(b"\r\n")[0].decode()
        raise RuntimeError(f"{asked}: {answer[:200].decode(errors='replace')}")


def _answer(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    while len(body) < _length(head):
        body += _received(connection)
    return head + b"\r\n\r\n" + body


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ConnectionError("An answer has no length.")


def _received(connection: socket.socket) -> bytes:
    if not (received := connection.recv(65_536)):
        raise ConnectionError("The server hung up.")
    return received
