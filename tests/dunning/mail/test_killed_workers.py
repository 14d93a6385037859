"""A worker that is killed at any point sends nothing twice and loses nothing silently."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.utils import timezone
from pytest_django import Settings as SettingsWrapper

from dunning.mail import delivery
from dunning.models import DunningMessage
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.killed_worker import KILLED, POINTS
from tests.dunning.mail.sending import deliver_one
from tests.dunning.mail_servers import MailServer, listening
from tests.programs import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
ROOT = Path(__file__).parents[3]
# What is known afterwards: the messages' states, and how many mails there are.
OUTCOMES = {
    "before the claim": (["sent", "skipped"], 1),
    "before the claim is committed": (["sent", "skipped"], 1),
    "once it is claimed": (["unknown", "skipped"], 0),
    "once the mail server has it": (["unknown", "skipped"], 1),
    "while it is recorded": (["unknown", "skipped"], 1),
    "once it is recorded": (["sent", "skipped"], 1),
}


@pytest.fixture
def mail_server(settings: SettingsWrapper) -> Iterator[MailServer]:
    with listening(settings) as server:
        yield server


def deliver_and_be_killed(message: DunningMessage, point: str) -> None:
    environment = {
        **os.environ, "DATABASE_URL": database_url(), "RUN_DIR": str(configured.RUN_DIR),
        "EMAIL_URL": f"smtp://{configured.EMAIL_HOST}:{configured.EMAIL_PORT}",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.dunning.killed_worker", point, str(message.pk)]
    worker = subprocess.run(command, cwd=ROOT, env=environment, timeout=60, check=False)
    assert worker.returncode == KILLED


def sweep(*, now: datetime) -> None:
    """What beat does, without end."""
    for _again in range(2):
        delivery.set_aside_unknown(now=now)
        for message_id in delivery.queued(now=now):
            deliver_one(message_id, now=now)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_worker_sends_nothing_twice_and_loses_nothing_silently(
    mail_server: MailServer, point: str
) -> None:
    make_merchant()
    one, two = fail(), fail()
    now = timezone.now()
    messages = [queue(one, now=now), queue(two, now=now)]
    deliver_and_be_killed(messages[0], point)
    sweep(now=timezone.now())
    sweep(now=timezone.now() + delivery.CLAIM)

    for message in messages:
        message.refresh_from_db()
    states = [message.state for message in messages]
    assert (states, len(mail_server.mails)) == OUTCOMES[point]
    told = one.timeline.filter(kind__startswith="message_").values_list("kind", flat=True)
    tasks = list(one.tasks.values_list("kind", flat=True))
    if states[0] == "unknown":
        assert (list(told), tasks) == (["message_not_sent"], ["message_unsent"])
    else:
        assert (list(told), tasks) == (["message_sent"], [])
    assert two.timeline.filter(kind="message_not_sent").count() == 1
