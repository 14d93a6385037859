"""/_local, and the program by itself."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.local_stripe import LocalStripe

ROOT = Path(__file__).parent.parent.parent


def _call(url: str, method: str = "GET", **given: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(given).encode(), method=method)
    with urllib.request.urlopen(request, timeout=5) as response:
        return json.loads(response.read())


def test_a_story_can_be_told_over_http(local_stripe: LocalStripe) -> None:
    base = f"{local_stripe.url}/_local"

    ids = _call(f"{base}/scenarios/renewal_fails", "POST", reason="expired_card")
    before = _call(f"{base}/clock")["now"]
    after = _call(f"{base}/clock/advance", "POST", seconds=3600)["now"]

    assert ids["invoice"].startswith("in_")
    assert after - before >= 3600
    assert _call(f"{base}/deliveries") == {"deliveries": []}
    assert _call(f"{base}/requests") == {"requests": []}


def test_faults_and_settings_can_be_set_over_http(local_stripe: LocalStripe) -> None:
    base = f"{local_stripe.url}/_local"

    _call(f"{base}/faults", "POST", kind="500", path="/v1/*", times=3)
    assert _call(f"{base}/faults")["faults"][0]["times"] == 3
    assert _call(f"{base}/faults", "DELETE") == {"faults": []}
    settings = _call(f"{base}/billing", "POST", retry_after_days=[1, 1], after_retries="unpaid")
    assert settings["retry_after_days"] == [1, 1]
    assert local_stripe.world.billing.after_retries == "unpaid"
    _call(f"{base}/restrict", "POST", key="rk_test_x1", missing=["rak_event_read"])
    _call(f"{base}/revoke", "POST", key="sk_test_gone")


def test_a_reset_forgets_everything(local_stripe: LocalStripe) -> None:
    _call(f"{local_stripe.url}/_local/scenarios/subscriber", "POST")

    _call(f"{local_stripe.url}/_local/reset", "POST")

    assert list(local_stripe.world.realms()) == []


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("scenarios/nonsense", {}, 404),
        ("scenarios/retry", {"invoice": "in_none"}, 404),
        ("scenarios/retry", {"nonsense": 1}, 400),
        ("nonsense", {}, 404),
        ("billing", {"nonsense": 1}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(
    local_stripe: LocalStripe, path: str, given: dict[str, object], status: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        _call(f"{local_stripe.url}/_local/{path}", "POST", **given)
    with error.value as response:
        assert response.status == status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_says_where_it_listens_and_stops_when_told(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.local_stripe", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.rpartition(" ")[2].strip()
        assert _call(f"{url}/_local/clock")["now"] > 0
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=10) == 0

    assert line.startswith("Local Stripe (not Stripe, no real money) listens on http://127.0.0.1:")
    assert time.monotonic() - began < 5
