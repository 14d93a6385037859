"""Lists of messages and runs: found by what people have at hand, at one cost for any number."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dunning.models import DunningCampaign, DunningMessage, DunningRun
from recovery.models import Merchant, RecoveryCase
from tests.back_office.people import log_in, make_world

pytestmark = pytest.mark.django_db
MESSAGES, RUNS = "/admin/dunning/dunningmessage/", "/admin/dunning/dunningrun/"


@pytest.fixture
def ours() -> Merchant:
    make_world("moss")
    return make_world("fern")


@pytest.fixture
def jo(ours: Merchant) -> Client:
    return log_in(ours)


def found(client: Client, path: str, term: str) -> list[object]:
    answer = client.get(path, {"q": term})
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


@pytest.mark.parametrize("path", [MESSAGES, RUNS])
def test_a_row_is_found_by_its_case_and_customer(ours: Merchant, jo: Client, path: str) -> None:
    model = DunningMessage if path == MESSAGES else DunningRun
    [row] = model.objects.of(ours)
    case = RecoveryCase.objects.of(ours).get()

    for term in (case.public_id, "in_fern", "fern-0001", "FERN@example", "cus_fern"):
        assert found(jo, path, term) == [row], term
    for term in ("in_moss", "moss@example", "cus_moss", "case_unknown", "%", "ern@example"):
        assert found(jo, path, term) == [], term


def test_a_message_is_found_by_its_id_and_leads_to_how_it_looked(
    ours: Merchant, jo: Client
) -> None:
    message = DunningMessage.objects.of(ours).get()
    theirs = DunningMessage.objects.exclude(pk=message.pk).get()

    assert found(jo, MESSAGES, message.public_id) == [message]
    assert found(jo, MESSAGES, theirs.public_id) == []
    shown = jo.get(MESSAGES).content.decode()
    assert f"/admin/messages/{message.public_id}/" in shown
    assert message.subject in shown


def test_an_empty_list_says_what_would_be_in_it(jo: Client) -> None:
    DunningMessage.objects.all().delete()
    DunningRun.objects.all().delete()

    assert "No mail was written yet." in jo.get(MESSAGES).content.decode()
    assert "No campaign works a case yet." in jo.get(RUNS).content.decode()


@pytest.mark.parametrize("path", [MESSAGES, RUNS])
@pytest.mark.parametrize("asked", ["", "?state__exact=sent", "?q=fern@example"])
def test_a_list_costs_the_same_for_any_number_of_rows(
    ours: Merchant, jo: Client, path: str, asked: str
) -> None:
    case = RecoveryCase.objects.of(ours).get()
    campaign = DunningCampaign.objects.of(ours).get()
    asked = asked.replace("sent", "live") if path == RUNS else asked
    with CaptureQueriesContext(connection) as before:
        jo.get(path + asked)
    for number in range(20):
        DunningMessage.objects.create(
            merchant=ours, case=case, asked_for_by=f"jo {number}", state="sent",
            due_at=case.opened_at, sent_at=case.opened_at,
        )  # fmt: skip
        DunningRun.objects.create(
            merchant=ours, case=case, campaign=campaign,
            state="stopped", started_at=case.opened_at, ended_at=case.opened_at,
        )  # fmt: skip

    with CaptureQueriesContext(connection) as after:
        jo.get(path + asked)

    assert len(after) <= len(before) < 15, [query["sql"][:100] for query in after]
    assert "body_html" not in str(after.captured_queries)
