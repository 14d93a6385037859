"""A Python client that is made from the description does a small working day."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from recovery import credentials
from recovery.models import Merchant, RecoveryCase, WebhookRegistration
from tests.builders import DOCUMENTED_EXAMPLE, make_merchant, receive
from tests.recovery.api.description.test_document import KEPT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]
PACKAGE = "made_recover_client"


class Made:
    """The generated package: operations and models by their names."""

    def __init__(self, base_url: str, token: str) -> None:
        self.client = self._module("client").AuthenticatedClient(
            base_url=base_url, token=token, raise_on_unexpected_status=True,
            httpx_args={"trust_env": False},
        )  # fmt: skip

    def ask(self, tag: str, operation: str, *arguments: Any, **named: Any) -> Any:
        """What it answers, as a model of the description's."""
        asking = self._module(f"api.{tag}.{operation}")
        return asking.sync(*arguments, client=self.client, **named)

    def model(self, name: str, **fields: Any) -> Any:
        return getattr(self._module("models"), name).from_dict(fields)

    @staticmethod
    def _module(name: str) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.{name}")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made from docs/openapi.yaml, without any word of doubt, and importable meanwhile."""
    folder = tmp_path_factory.mktemp("client")
    settings = folder / "settings.yaml"
    settings.write_text("post_hooks: []\nliteral_enums: true\n")
    subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning",
         "--meta", "none", "--path", str(KEPT), "--config", str(settings),
         "--output-path", str(folder / PACKAGE)],
        check=True, capture_output=True, cwd=folder, timeout=100,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
        for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
            del sys.modules[name]


@pytest.fixture
def merchant() -> Merchant:
    made = make_merchant()
    receive(DOCUMENTED_EXAMPLE)
    return made


@pytest.fixture
def made(package: None, live_server: LiveServer, merchant: Merchant) -> Iterator[Made]:
    key = credentials.new_api_key(merchant=merchant, name="client", now=timezone.now())
    asking = Made(live_server.url, key)
    yield asking
    asking.client.get_httpx_client().close()


def test_events_are_listed_read_paused_and_resumed(made: Made) -> None:
    [listed] = made.ask("events", "list_events", status="open").data
    read = made.ask("events", "get_event", listed.id)
    until = made.model("PauseBody", until="2126-02-15T09:00:00Z")
    paused = made.ask("events", "pause_event", listed.id, body=until)

    case = RecoveryCase.objects.get()
    assert (listed.id, listed.amount, listed.decline_type) == (case.public_id, 4900, "soft")
    assert "opened" in [entry.kind for entry in read.timeline]
    assert (paused.is_changed, paused.event.is_paused, case.is_paused) == (True, True, True)
    resumed = made.ask("events", "resume_event", listed.id)
    assert (resumed.event.is_paused, resumed.event.paused_until) == (False, None)


def test_a_webhook_is_registered_tested_and_looked_after(made: Made) -> None:
    wanted = made.model(
        "WebhookParameters", url="https://hooks.example.com/recover", event_types=["case.lost"]
    )

    webhook = made.ask("webhooks", "create_webhook", body=wanted, idempotency_key="one")
    again = made.ask("webhooks", "create_webhook", body=wanted, idempotency_key="one")
    sent = made.ask("webhooks", "test_webhook", webhook.id)
    off = made.ask(
        "webhooks", "update_webhook", webhook.id,
        body=made.model("WebhookChanges", state="disabled"),
    )  # fmt: skip
    [delivery] = made.ask("webhooks", "list_deliveries", webhook.id).data

    assert webhook.secret == again.secret == WebhookRegistration.objects.get().secret
    assert (sent.event_type, sent.state) == ("webhook.test", "pending")
    assert (delivery.id, delivery.webhook) == (sent.id, webhook.id)
    assert (off.state, off.disabled_reason) == ("disabled", "by_merchant")


def test_what_is_refused_is_an_error_that_says_why(made: Made) -> None:
    wanted = made.model("WebhookParameters", url="http://10.0.0.1/", event_types=["case.lost"])

    refused = made.ask("webhooks", "create_webhook", body=wanted)
    unknown = made.ask("webhooks", "get_webhook", "whr_none")

    assert (refused.error.code, unknown.error.code) == ("invalid_request", "not_found")
    assert refused.error.fields.to_dict() == {"url": ["The URL must begin with https://."]}
