"""A link's token is in the customer's mail and browser, and gets nowhere else: to no log, error
report, timeline, webhook, nor to Stripe. What goes wrong on the way changes nothing of that."""

import json
import logging
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.serializers import serialize
from django.db import models
from django.test import Client
from django.utils import timezone
from django.utils.log import AdminEmailHandler
from playwright.sync_api import Request
from pytest_django import Settings as SettingsWrapper

from billing_portal import links, payment_updates, setting_out, tokens
from billing_portal.models import PaymentUpdateLink
from dunning.tasks import deliver_queued, replace_links, start_runs, work_due_steps
from recovery import outbound
from recovery.models import Merchant, RecoveryCase
from tests.connected import debt, down, local_stripe, merchant
from tests.journeys.browsers import browser
from tests.journeys.canaries import Canaries, Listener, listening, watched
from tests.journeys.product import ROOT, free_ports, is_closed, wait_for
from tests.journeys.states import Jo
from tests.journeys.test_pages import jo
from tests.local_stripe import LocalStripe
from tests.recovery.receivers import registered
from tests.test_architecture import MODELS

__all__ = ["browser", "debt", "jo", "local_stripe", "merchant"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/fourthngoal/recover/update"
KINDS = {
    "message_sent", "link_opened", "link_requested", "update_started", "update_finished",
    "attempt_failed",
}  # fmt: skip


class BrokenError(Exception):
    """Something of ours that went wrong on purpose."""


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Canaries]:
    with watched(monkeypatch) as found:
        yield found


@pytest.fixture
def log() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def customer() -> Client:
    return Client(raise_request_exception=False)


def token_of(address: str) -> str:
    return address.partition("=")[2].partition("&")[0]


def go_the_whole_way(
    client: Client, case: RecoveryCase, stripe: LocalStripe, patch: pytest.MonkeyPatch
) -> list[int]:
    """Open, set out, come back with a card that is declined, and all that may go wrong between."""
    assert case.customer
    start_runs()
    work_due_steps()
    deliver_queued()
    link = PaymentUpdateLink.objects.latest("id")
    token = str(mail.outbox[0].body).partition("token=")[2].split()[0]
    expired = token_of(links.create(case=case, now=timezone.now() - links.LIFETIME))
    seen = [client.get(PAGE, {"token": token})]
    with down(stripe, patch):
        seen.append(client.post(PAGE, {"token": token}))
    seen.append(client.post(PAGE, {"token": token}))
    back = token_of(links.return_url(link, now=timezone.now()))
    with down(stripe, patch):
        seen.append(client.get(f"{PAGE}/return", {"r": back}))
    stripe.scenarios.new_card(
        customer=case.customer.stripe_customer_id, reason="insufficient_funds"
    )
    seen.append(client.get(f"{PAGE}/return", {"r": back}))
    seen.append(client.post(f"{PAGE}/replace", {"token": expired}))
    seen += [client.get(path, {"token": token, "r": back}) for path in ODD]
    seen.append(client.get(PAGE, {"token": token + "\0"}))
    seen.append(client.delete(f"{PAGE}?token={token}"))
    seen.append(client.post(PAGE, {"token": token}, headers={"Host": "evil.example"}))
    seen.append(client.get(PAGE, {"token": token[:-3]}))
    replace_links()
    deliver_queued()
    return [answer.status_code for answer in seen]


ODD = (f"{PAGE}s", f"{PAGE}/replace", "/fourthngoal/recover/nowhere", "/nowhere")
ANSWERED = [200, 503, 303, 503, 200, 200, 404, 405, 404, 404, 400, 405, 400, 400]


@pytest.mark.parametrize("is_debugging", [False, True])
def test_a_token_gets_nowhere_but_to_its_customer(
    *, merchant: Merchant, debt: RecoveryCase, local_stripe: LocalStripe, canaries: Canaries,
    log: Listener, customer: Client, monkeypatch: pytest.MonkeyPatch, is_debugging: bool,
    settings: SettingsWrapper,
) -> None:  # fmt: skip
    settings.DEBUG = is_debugging
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False
    registered(merchant)

    assert go_the_whole_way(customer, debt, local_stripe, monkeypatch) == ANSWERED
    outbound.publish(now=timezone.now())

    assert len(canaries.of("update")) >= 4
    assert canaries.of("return")
    assert set(debt.timeline.values_list("kind", flat=True)) >= KINDS
    assert said_to_stripe(local_stripe, canaries) == []
    assert [line for line in log.said + log.written if canaries.found_in(line)] == []
    for name, model in MODELS.items():
        assert canaries.found_in(rows(model)) == [], name


WAY_BACK = re.compile(r"/update/return\?r=[\w.-]+")


def said_to_stripe(stripe: LocalStripe, canaries: Canaries) -> list[str]:
    """Where Stripe heard a token: it may in a session's way back, which no mail has."""
    asked = [
        json.dumps([one.path, one.headers, one.params], default=str) for one in stripe.requests
    ]
    assert any(WAY_BACK.search(one) for one in asked)
    described = json.dumps([one.params.get("metadata") for one in stripe.requests])
    assert canaries.found_in(described) == []
    return [one for one in asked if canaries.found_in(WAY_BACK.sub("", one))]


def rows(model: type[models.Model]) -> str:
    return str(serialize("json", model._default_manager.all()))


# --- when something of ours breaks ------------------------------------------------------------


def break_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(link: PaymentUpdateLink, **_: object) -> None:
        raise BrokenError(f"No page for {link}.")

    for module, name in ((links, "opened"), (setting_out, "begin"),
                         (payment_updates, "complete")):  # fmt: skip
        monkeypatch.setattr(module, name, fail)


def ask_for_each(client: Client, case: RecoveryCase) -> list[Any]:
    token = token_of(links.create(case=case, now=timezone.now()))
    back = token_of(links.return_url(PaymentUpdateLink.objects.latest("id"), now=timezone.now()))
    return [
        client.get(PAGE, {"token": token}),
        client.post(PAGE, {"token": token}),
        client.get(f"{PAGE}/return", {"r": back, "lang": "de"}),
    ]


@pytest.mark.parametrize("is_debugging", [False, True])
def test_an_error_of_ours_reports_no_token(
    *, debt: RecoveryCase, canaries: Canaries, log: Listener, customer: Client,
    monkeypatch: pytest.MonkeyPatch, settings: SettingsWrapper, is_debugging: bool,
) -> None:  # fmt: skip
    """Neither the page that developers see nor the mail that admins may get."""
    settings.DEBUG, settings.ADMINS = is_debugging, [("Al", "al@example.com")]
    break_down(monkeypatch)
    by_mail = AdminEmailHandler(include_html=True)
    logging.getLogger("django.request").addHandler(by_mail)
    try:
        answers = ask_for_each(customer, debt)
    finally:
        logging.getLogger("django.request").removeHandler(by_mail)

    assert [answer.status_code for answer in answers] == [500, 500, 500]
    shown = [answer.content.decode() for answer in answers]
    # A customer's own page leads on with the token that it was opened with.
    assert [page for page in shown if is_debugging and canaries.found_in(page)] == []
    assert all(("BrokenError" in page) is is_debugging for page in shown)
    assert len(mail.outbox) == 3
    for report in mail.outbox:
        assert "BrokenError" in report.body
        assert "[token]" in report.body
        assert "[token]" in str(report.alternatives[0])  # type: ignore[attr-defined]
        assert canaries.found_in(f"{report.subject}{report.body}{report.alternatives}") == []  # type: ignore[attr-defined]
    assert [line for line in log.said + log.written if canaries.found_in(line)] == []
    assert any("BrokenError" in line for line in log.written)


# --- on the way to Stripe ---------------------------------------------------------------------


def test_a_browser_tells_stripe_nothing_of_where_it_comes_from(
    jo: Jo, canaries: Canaries, settings: SettingsWrapper
) -> None:
    rules = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]  # made before the local Stripe was
    allowed = {"form-action": [*rules["form-action"], jo.stripe.url]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": rules | allowed}
    requests: list[Request] = []
    jo.page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - it wraps functions alone
    jo.open()
    jo.press()

    sent = [{"": request.url} | request.all_headers() for request in requests]
    to_stripe = [one for one in sent if one[""].startswith(jo.stripe.url)]
    assert to_stripe
    assert [one for one in to_stripe if canaries.found_in(json.dumps(one))] == []
    assert [one["referer"] for one in sent if "referer" in one] == []


# --- the web server's own log -----------------------------------------------------------------


def test_the_web_server_logs_no_token_even_where_it_logs_requests(tmp_path: Path) -> None:
    """As Procfile starts it, by an operator who wants to see requests; the database is empty, so
    that a good token ends in an error and its traceback."""
    secret, port = "a secret of at least thirty-two characters", free_ports(1)
    token = tokens.issue(
        link_id="pul_canary", purpose=tokens.Purpose.UPDATE, secret=secret, now=timezone.now(),
        lifetime=timedelta(days=1),
    )  # fmt: skip
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "RUN_DIR": str(tmp_path),
        "SECRET_KEY": secret, "PORT": str(port), "HOST": "127.0.0.1", "WEB_WORKERS": "1",
        "WEB_THREADS": "2", "GRANIAN_LOG_ACCESS_ENABLED": "true",
    }  # fmt: skip
    web = (ROOT / "Procfile").read_text().partition("web: ")[2].splitlines()[0]
    with (tmp_path / "log").open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", web], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
        try:
            wait_for(lambda: not is_closed(port))
            said = [status_of(f"http://127.0.0.1:{port}{path}") for path in (
                f"{PAGE}?token={token}", f"{PAGE}?token={token}x", f"{PAGE}/return?r={token}",
                f"/nowhere?token={token}",
            )]  # fmt: skip
        finally:
            process.terminate()
            process.wait(30)
    logged = (tmp_path / "log").read_text()

    assert said == [500, 400, 400, 404]
    assert logged.count(f"GET {PAGE} ") == 2
    assert "OperationalError" in logged
    assert token.rpartition(".")[0] not in logged


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
