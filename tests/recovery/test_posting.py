"""One POST to a real socket that is slow, huge, lying or gone."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from recovery import posting
from recovery.posting import MOST_BYTES, Answer, post
from tests.recovery.receivers import (
    Receiver,
    drips,
    floods,
    listening,
    read,
    resets,
    says,
    sends,
    waits,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TOTAL_SECONDS", 0.4)


def send(url: str, *, allows_loopback: bool = True) -> Answer:
    return post(
        url, body=b'{"a":1}', headers={"webhook-id": "whd_1"}, allows_loopback=allows_loopback
    )


def test_what_is_sent_is_the_body_and_the_headers_and_no_more(receiver: Receiver) -> None:
    answer = send(receiver.url + "?key=1")

    assert (answer.status, answer.error, answer.excerpt) == (204, "", "")
    assert dt.timedelta() < answer.duration < dt.timedelta(seconds=5)
    [request] = receiver.requests
    assert (request.target, request.body) == ("/hooks?key=1", b'{"a":1}')
    assert request.headers == {
        "Host": f"127.0.0.1:{receiver.port}",
        "Connection": "close",
        "Content-Length": "7",
        "Accept-Encoding": "identity",
        "webhook-id": "whd_1",
    }


@pytest.mark.parametrize("status", [200, 400, 410, 500, 503])
def test_any_status_is_an_answer_with_the_beginning_of_its_body(
    receiver: Receiver, status: int
) -> None:
    receiver.behaviors = [says(status, body=b"no\x00pe \xff" + b"x" * 5000)]

    answer = send(receiver.url)

    assert (answer.status, answer.error) == (status, "")
    assert answer.excerpt == "no�pe �" + "x" * 1993


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with listening() as elsewhere:
        receiver.behaviors = [says(status, f"Location: {elsewhere.url}")]
        assert send(receiver.url).status == status
        assert (len(receiver.requests), elsewhere.requests) == (1, [])


def test_of_a_huge_answer_only_the_beginning_is_read(receiver: Receiver) -> None:
    receiver.behaviors = [floods]

    answer = send(receiver.url)

    assert (answer.status, len(answer.excerpt)) == (200, 2000)
    assert answer.duration < dt.timedelta(seconds=3)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"",
    ],
    ids=["a long header", "many headers", "another protocol", "no status", "nothing"],
)
def test_what_is_not_http_is_an_error_in_words(receiver: Receiver, raw: bytes) -> None:
    receiver.behaviors = [sends(raw)]

    answer = send(receiver.url)

    assert answer.status is None
    assert answer.error.startswith(("The answer is not HTTP (", "The connection failed ("))


def test_a_body_that_breaks_off_takes_nothing_from_the_status(receiver: Receiver) -> None:
    receiver.behaviors = [
        sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"),
    ]

    assert (send(receiver.url).status, send(receiver.url).excerpt) == (200, "")


def test_an_endless_row_of_interim_answers_ends(receiver: Receiver) -> None:
    receiver.behaviors = [sends(b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_BYTES // 10))]

    assert send(receiver.url).status is None


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("behavior", [drips, waits], ids=["drips", "silent"])
def test_an_answer_that_takes_too_long_is_none(receiver: Receiver, behavior: object) -> None:
    receiver.behaviors = [behavior]  # type: ignore[list-item]

    answer = send(receiver.url)

    assert (answer.status, answer.error) == (None, "No answer within 0.4 seconds.")
    assert answer.duration < dt.timedelta(seconds=2)


def begins(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
    waits(connection)


@pytest.mark.usefixtures("impatient")
def test_a_body_that_takes_too_long_is_cut_and_its_status_counts(receiver: Receiver) -> None:
    receiver.behaviors = [begins]

    answer = send(receiver.url)

    assert (answer.status, answer.excerpt) == (200, "")
    assert answer.duration < dt.timedelta(seconds=2)


def test_a_connection_that_is_cut_or_refused_is_an_error_in_words(receiver: Receiver) -> None:
    receiver.behaviors = [resets]
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]

    assert send(receiver.url).error == "The connection failed (ConnectionResetError)."
    assert send(f"http://127.0.0.1:{closed}/").error == (
        "The connection failed (ConnectionRefusedError)."
    )


# --- where it may go --------------------------------------------------------------------------


class Resolver:
    """Answers in turn, as a name server that is up to something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.answers, self.asked = list(answers), 0
        self.connections: list[tuple[str, int]] = []
        monkeypatch.setattr(posting, "resolve", self.resolve)
        monkeypatch.setattr(socket, "create_connection", self.connect)

    def resolve(self, _host: str, _port: int) -> list[str]:
        self.asked += 1
        return self.answers.pop(0)

    def connect(self, address: tuple[str, int], _timeout: float) -> socket.socket:
        self.connections.append(address)
        raise ConnectionRefusedError


def test_a_name_that_leads_elsewhere_after_the_check_is_not_followed_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])

    answer = send("https://rebinding.example.com/", allows_loopback=False)

    assert (resolver.asked, resolver.connections) == (1, [("93.184.216.34", 443)])
    assert answer.error == "The connection failed (ConnectionRefusedError)."


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "10.0.0.1"], ["::ffff:10.0.0.1"],
     ["::ffff:a9fe:a9fe"], ["fd00:ec2::254"], ["100.100.100.200"], ["168.63.129.16"],
     ["2002:a00:1::"], ["fe80::1%eth0"]],
)  # fmt: skip
def test_a_name_that_leads_to_us_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, found: list[str]
) -> None:
    resolver = Resolver(monkeypatch, found)

    answer = send("https://internal.example.com/", allows_loopback=False)

    assert (answer.status, answer.error) == (
        None, "The host name doesn't lead to the public internet.",
    )  # fmt: skip
    assert resolver.connections == []


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, ["2606:4700:4700::1111", "1.1.1.1"])

    send("https://hooks.example.com:8443/", allows_loopback=False)

    assert resolver.connections == [("2606:4700:4700::1111", 8443), ("1.1.1.1", 8443)]


def test_a_name_that_leads_nowhere_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, [])
    assert send("https://hooks.example.com/").error == "The connection failed (OSError)."

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(posting, "resolve", unknown)
    assert send("https://hooks.example.com/").error == "The host name can't be looked up."


def test_a_url_that_was_taken_once_is_checked_again(receiver: Receiver) -> None:
    answer = send(receiver.url, allows_loopback=False)

    assert (answer.status, answer.error) == (None, "The URL must begin with https://.")
    assert receiver.requests == []


def test_an_address_is_looked_up_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert posting.resolve("127.0.0.1", 443) == ["127.0.0.1"]


@pytest.mark.usefixtures("impatient")
def test_a_slow_look_up_counts(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(host: str, port: int) -> list[str]:
        time.sleep(0.5)
        return ["127.0.0.1"]

    monkeypatch.setattr(posting, "resolve", slow)

    assert send(receiver.url).error == "No answer within 0.4 seconds."
    assert receiver.requests == []


# --- TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of hooks.example.com, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example.com")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example.com")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def secure_port(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    monkeypatch.setattr(posting, "resolve", lambda *_: ["127.0.0.1"])
    monkeypatch.setattr(posting, "tls", lambda: ssl.create_default_context(cafile=certificate))
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_securely, args=[server, context])
        answering.start()
        yield server.getsockname()[1]
        answering.join(20)


def answer_securely(server: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = server.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            read(secured)
            secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except OSError:
        connection.close()


def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    secure_port: int,
) -> None:
    answer = send(f"https://hooks.example.com:{secure_port}/")

    assert (answer.status, answer.error, answer.excerpt) == (200, "", "ok")
    assert ipaddress.ip_address("127.0.0.1").is_loopback  # where the connection really went


def test_a_certificate_of_another_name_is_refused(secure_port: int) -> None:
    answer = send(f"https://others.example.com:{secure_port}/")

    assert answer.status is None
    assert answer.error.startswith("The certificate is not valid: Hostname mismatch")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "tls", ssl.create_default_context)

    answer = send(f"https://hooks.example.com:{secure_port}/")

    assert answer.status is None
    assert answer.error == "The certificate is not valid: self-signed certificate."


def test_who_speaks_no_tls_is_told_so(receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(4096)

        thread = threading.Thread(target=answer)
        thread.start()
        found = send(f"https://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(20)

    assert (found.status, found.error) == (None, "No TLS connection could be made.")


def test_the_products_own_context_checks_names_and_certificates() -> None:
    assert posting.tls().check_hostname
    assert posting.tls().verify_mode is ssl.CERT_REQUIRED
