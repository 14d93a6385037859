"""As many requests as a server answers: a client that does little else than wait."""

import socket
import threading
import time
from ipaddress import ip_address
from itertools import count

CONNECTIONS = 8
REQUESTS = 60  # on each
_clients = map(ip_address, count(int(ip_address("10.0.0.1"))))


def requests_per_second(*, port: int, path: str) -> float:
    """Over connections that stay open. Raises RuntimeError for any answer but a 200."""
    failed: list[str] = []
    threads = [
        threading.Thread(target=_ask, args=(port, path, failed)) for _one in range(CONNECTIONS)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    if failed:
        raise RuntimeError(failed[0])
    return CONNECTIONS * REQUESTS / took


def size(*, port: int, path: str) -> int:
    """All bytes of an answer, its headers among them; nothing is compressed."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return len(_answer(connection, _request(path)))


def _request(path: str) -> bytes:
    """As a proxy passes it on, of a client that was not there before."""
    lines = (
        f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Language: en",
        f"X-Forwarded-For: {next(_clients)}",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _ask(port: int, path: str, failed: list[str]) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            answers = [_answer(connection, _request(path)) for _one in range(REQUESTS)]
    except OSError as error:
        failed.append(f"{path}: {error}")
        return
    failed.extend(
        answer[:200].decode(errors="replace")
        for answer in answers if not answer.startswith(b"HTTP/1.1 200 ")
    )  # fmt: skip


def _answer(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    while len(body) < length:
        body += _received(connection)
    return head + b"\r\n\r\n" + body


def _received(connection: socket.socket) -> bytes:
    if not (received := connection.recv(65_536)):
        raise ConnectionError("The server hung up.")
    return received
