"""Pokes: at once, at most so often, and nobody waits for the broker."""

import threading
from collections.abc import Iterator

import pytest

from recovery.pokes import Poke

PATIENCE = 20  # seconds; a loaded machine


class Broker:
    """Takes each poke when it is let."""

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)
        self.is_let = threading.Semaphore(0)
        self.count = 0
        self.faults: list[Exception] = []

    def send(self) -> None:
        self.count += 1
        self.heard.release()
        self.is_let.acquire(timeout=PATIENCE)
        if self.faults:
            raise self.faults.pop()


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    yield broker
    for _one in range(10):
        broker.is_let.release()


def test_whoever_pokes_does_not_wait_for_a_broker_that_takes_its_time(broker: Broker) -> None:
    poke = Poke(broker.send, pause=0)

    poke.soon()  # would wait for PATIENCE
    assert broker.heard.acquire(timeout=PATIENCE)

    assert broker.count == 1


def test_what_comes_while_one_is_sent_is_sent_once(broker: Broker) -> None:
    poke = Poke(broker.send, pause=0)
    poke.soon()
    assert broker.heard.acquire(timeout=PATIENCE)

    for _one in range(100):
        poke.soon()
    broker.is_let.release()
    assert broker.heard.acquire(timeout=PATIENCE)
    broker.is_let.release()

    assert not broker.heard.acquire(timeout=0.2)
    assert broker.count == 2


def test_between_two_is_a_pause(broker: Broker) -> None:
    poke = Poke(broker.send, pause=0.5)
    broker.is_let.release()
    broker.is_let.release()
    poke.soon()
    assert broker.heard.acquire(timeout=PATIENCE)

    poke.soon()

    assert not broker.heard.acquire(timeout=0.2)
    assert broker.heard.acquire(timeout=PATIENCE)


def test_a_poke_that_fails_is_told_of_and_the_next_is_sent(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.faults.append(RuntimeError("no broker"))
    poke = Poke(broker.send, pause=0)
    poke.soon()
    assert broker.heard.acquire(timeout=PATIENCE)
    poke.soon()
    broker.is_let.release()

    assert broker.heard.acquire(timeout=PATIENCE)
    assert "A poke could not be sent; the sweep will look." in caplog.text


def test_a_process_that_was_forked_begins_anew(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    poke = Poke(broker.send, pause=0)
    of_the_parent = threading.Thread(target=int)
    of_the_parent.start()
    of_the_parent.join()
    monkeypatch.setattr(poke, "_thread", of_the_parent)  # it is none of the child's

    poke.soon()

    assert broker.heard.acquire(timeout=PATIENCE)
