"""From queued messages to mails that a mail server took: how many a second one worker process
renders, hands over and records, against smtplib handing over the same built mail over one
connection. `python -m benchmarks.mails` is the worker, or smtplib, in a process that has the
product's settings.

BENCH_MAILS makes it shorter, to try it out.
"""

import os
import smtplib
import sys
import time
from functools import partial

from benchmarks import tick
from benchmarks.measuring import Comparison, Fact, by_turns
from benchmarks.serving import Server, prepared, stub

MAILS = 1_000  # a turn
ROUNDS = 5
LEAST = 0.4


def run() -> list[Comparison | Fact]:
    mails = int(os.environ.get("BENCH_MAILS", MAILS))
    with (
        stub("benchmarks.mail_sink") as port,
        prepared(EMAIL_URL=f"smtp://127.0.0.1:{port}") as server,
    ):
        _told(server, "fill", mails * (ROUNDS + 1))
        product, yardstick = by_turns(
            partial(_deliver, server, port, mails),
            lambda: float(_told(server, "send", mails)), rounds=ROUNDS,
        )  # fmt: skip
    return [
        Comparison(
            "mails rendered and handed over, against smtplib", "a second", product, yardstick,
            at_least=LEAST,
        )
    ]  # fmt: skip


def _told(server: Server, *asked: object) -> str:
    return server.python("-m", "benchmarks.mails", *map(str, asked))


def _deliver(server: Server, port: int, mails: int) -> float:
    """A second; raises RuntimeError where the mail server took more mails, or fewer."""
    before = taken(port)
    rate = float(_told(server, "deliver", mails))
    if (came := taken(port) - before) != mails:
        raise RuntimeError(f"Of {mails} messages {came} mails came.")
    return rate


def taken(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        return int(connection.noop()[1])


def deliver(mails: int) -> float:
    """A second; raises RuntimeError where not each of them is sent."""
    from django.utils import timezone  # noqa: PLC0415 - they need a booted Django

    from benchmarks import open_cases  # noqa: PLC0415
    from dunning.mail import delivery  # noqa: PLC0415
    from dunning.models import DunningMessage  # noqa: PLC0415
    from dunning.tasks import deliver_queued  # noqa: PLC0415

    queued = open_cases.queue(mails, now=timezone.now())
    begun = time.perf_counter()
    while delivery.queued(now=timezone.now()):
        deliver_queued()
    took = time.perf_counter() - begun
    sent = DunningMessage.objects.filter(pk__in=queued, state=DunningMessage.State.SENT).count()
    if sent != mails:
        raise RuntimeError(f"Of {mails} messages {sent} are sent.")
    return mails / took


def send(mails: int) -> float:
    """A second, each of them the mail of the last case."""
    from django.conf import settings  # noqa: PLC0415 - they need a booted Django

    from benchmarks import open_cases  # noqa: PLC0415

    built = open_cases.mail()
    [to] = built.recipients()
    content = built.message().as_bytes(linesep="\r\n")
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT) as connection:
        begun = time.perf_counter()
        for _mail in range(mails):
            connection.sendmail(open_cases.SENDER, [to], content)
        return mails / (time.perf_counter() - begun)


if __name__ == "__main__":
    import django

    django.setup()
    what, how_many = sys.argv[1], int(sys.argv[2])
    match what:
        case "fill":
            tick.fill(cases=how_many, due=how_many)
        case "deliver":
            print(deliver(how_many))
        case "send":
            print(send(how_many))
