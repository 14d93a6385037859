"""The embedded broker, through Kombu's own producers and consumers."""

import errno
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Consumer, Exchange, Queue

from recover_project import celery
from recover_project.broker import Transport

EXCHANGE = Exchange("celery", type="direct")
QUEUE = Queue("celery", EXCHANGE, routing_key="celery")
MESSAGE = '{"body": "W10=", "properties": {"delivery_tag": "1", "delivery_info": {}}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Transport.global_state.clear()  # what this process bound in the folder of another test
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    return tmp_path


def connect(folder: Path) -> Connection:
    return Connection(
        "folder://localhost//",
        transport_options={
            "data_folder_in": str(folder / "queue"),
            "data_folder_out": str(folder / "queue"),
            "control_folder": str(folder / "control"),
            "polling_interval": 0.01,
        },
    )


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with connect(folder) as connection:
        yield connection


def bound_queues(connection: Connection) -> set[str]:
    channel: Any = connection.default_channel
    return {row.queue for row in channel.get_table("celery")}


def send(connection: Connection, *bodies: object) -> None:
    producer = connection.Producer()
    for body in bodies:
        producer.publish(body, exchange=EXCHANGE, routing_key="celery", declare=[QUEUE])


def receive(connection: Connection, *, many: int = 1, patience: float = 0.5) -> list[Any]:
    """What comes to the queue, until there is nothing for a while."""
    received: list[Any] = []

    def take(body: Any, message: Any) -> None:
        received.append(body)
        message.ack()

    with Consumer(connection, queues=[QUEUE], callbacks=[take], accept=["json"]):
        while len(received) < many:
            try:
                connection.drain_events(timeout=patience)
            except (TimeoutError, queue.Empty):
                break
    return received


def test_a_message_arrives_once_in_the_order_it_was_sent(connection: Connection) -> None:
    send(connection, {"number": 1}, {"number": 2})

    assert receive(connection, many=3) == [{"number": 1}, {"number": 2}]


@pytest.mark.parametrize(
    "content",
    [
        "", "{", MESSAGE[:-9], "null", "[]", "{}", '{"properties": null}', "\udcff",
    ],
    ids=["empty", "one byte", "truncated", "null", "a list", "an object", "half", "no text"],
)  # fmt: skip
def test_what_cannot_be_read_is_dropped_and_the_next_message_arrives(
    connection: Connection, folder: Path, content: str
) -> None:
    broken = folder / "queue" / f"{0:020}_broken.celery.msg"
    broken.write_text(content, errors="surrogateescape")
    send(connection, {"number": 1})

    assert receive(connection) == [{"number": 1}]
    assert list((folder / "queue").iterdir()) == []


def test_a_message_that_is_still_being_written_is_none_yet(
    connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer is stopped where its file is there and not yet named."""
    QUEUE(connection.default_channel).declare()
    monkeypatch.setattr(Path, "replace", lambda self, _target: self)
    send(connection, {"number": 1})
    monkeypatch.undo()

    (unfinished,) = (folder / "queue").iterdir()
    assert receive(connection, patience=0.1) == []
    assert unfinished.exists()


def test_many_writers_and_readers_share_out_every_message_once(folder: Path) -> None:
    writers, each = 4, 50
    received: list[list[Any]] = []
    with connect(folder) as connection:
        QUEUE(connection.default_channel).declare()

    def write(writer: int) -> None:
        with connect(folder) as connection:
            send(connection, *({"writer": writer, "number": number} for number in range(each)))

    def read() -> None:
        with connect(folder) as connection:
            received.append(receive(connection, many=writers * each, patience=1))

    threads = [threading.Thread(target=write, args=[writer]) for writer in range(writers)]
    threads += [threading.Thread(target=read) for _reader in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    found = sorted((body["writer"], body["number"]) for bodies in received for body in bodies)
    assert found == [(writer, number) for writer in range(writers) for number in range(each)]


def test_programs_that_bind_at_once_all_find_their_queues(folder: Path) -> None:
    def bind(number: int) -> None:
        with connect(folder) as connection:
            Queue(f"q{number}", EXCHANGE, routing_key=f"q{number}")(
                connection.default_channel
            ).declare()

    threads = [threading.Thread(target=bind, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    with connect(folder) as connection:
        assert bound_queues(connection) == {f"q{number}" for number in range(12)}


@pytest.mark.parametrize("content", ["", "[[", "{}"])
def test_a_table_of_queues_that_cannot_be_read_is_made_anew(
    connection: Connection, folder: Path, content: str
) -> None:
    (folder / "control" / "celery.exchange").write_text(content)
    send(connection, {"number": 1})

    assert receive(connection) == [{"number": 1}]


def test_a_queue_that_is_deleted_gets_nothing_more(connection: Connection) -> None:
    send(connection, {"number": 1})
    bound = QUEUE(connection.default_channel)
    bound.delete()

    assert bound_queues(connection) == set()
    bound.declare()
    assert receive(connection, patience=0.1) == []


def test_a_folder_that_takes_nothing_is_an_outage_that_the_sweep_makes_up_for(
    connection: Connection, folder: Path
) -> None:
    QUEUE(connection.default_channel).declare()
    (folder / "queue").rmdir()

    with pytest.raises(FileNotFoundError):
        send(connection, {"number": 1})


def test_a_disk_that_is_full_leaves_no_litter(
    connection: Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    QUEUE(connection.default_channel).declare()
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        send(connection, {"number": 1})

    assert list((folder / "queue").iterdir()) == []


def test_the_product_uses_it_where_there_is_no_redis(settings: Any, tmp_path: Path) -> None:
    settings.REDIS_URL, settings.RUN_DIR = "", tmp_path

    with Connection(celery._broker()["broker_url"]) as connection:
        assert isinstance(connection.transport, Transport)


def test_the_first_queue_that_has_something_is_read_first(connection: Connection) -> None:
    queues = [Queue(name, EXCHANGE, routing_key=name) for name in ("mails", "celery", "inbox")]
    producer = connection.Producer()
    for to in queues:
        for number in range(2):
            producer.publish(
                f"{to.name} {number}", exchange=EXCHANGE, routing_key=to.name,
                declare=[to],
            )  # fmt: skip
    read: list[Any] = []

    def take(body: Any, message: Any) -> None:
        read.append(body)
        message.ack()

    with Consumer(connection, queues, callbacks=[take]):
        for _message in range(6):
            connection.drain_events(timeout=1)

    assert read == ["celery 0", "celery 1", "inbox 0", "inbox 1", "mails 0", "mails 1"]
