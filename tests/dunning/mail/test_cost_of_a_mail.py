"""What a mail asks the database doesn't grow with what was sent before, and isn't asked twice."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks import open_cases
from dunning.mail import conversations
from recovery.models import RecoveryCase
from tests.builders import make_merchant
from tests.dunning.facts import fail, queue
from tests.dunning.mail.sending import deliver_one

pytestmark = pytest.mark.django_db
MOST = 27  # savepoints among them, which are transactions where there is no test around


def test_a_mail_asks_for_nothing_twice() -> None:
    make_merchant()
    message = queue(fail(), now=timezone.now())

    with CaptureQueriesContext(connection) as asked:
        deliver_one(message.pk, now=timezone.now())

    message.refresh_from_db()
    assert message.state == "sent"
    assert len(asked) <= MOST


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="It is about PostgreSQL's plans.")
def test_what_was_told_is_found_by_the_case_however_many_messages_there_are() -> None:
    open_cases.fill(cases=2_000, due=2_000, now=timezone.now())
    case = RecoveryCase.objects.earliest("id")
    with CaptureQueriesContext(connection) as asked:
        assert conversations.was_told(case, by_other_than=None, since=case.opened_at)

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked.captured_queries[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert not re.search(r"Seq Scan on dunning_dunningmessage\b", plan)
