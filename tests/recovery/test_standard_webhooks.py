"""Signatures, checked by the published library and by the example of the documentation."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from recovery.standard_webhooks import headers, new_secret

BODY = '{"type":"case.opened","data":{"name":"Zoë"}}'.encode()
OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"


def signed(*secrets: str, at: datetime | None = None, body: bytes = BODY) -> dict[str, str]:
    return headers(
        message_id="whd_1", body=body, signing_secrets=secrets, at=at or datetime.now(UTC)
    )


def test_a_new_secret_is_256_random_bits_in_the_published_form() -> None:
    one, other = new_secret(), new_secret()

    assert one != other
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", one)
    assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


def test_the_headers_are_those_of_the_specification() -> None:
    """Its own example (https://github.com/standard-webhooks/standard-webhooks, spec)."""
    found = headers(
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek", body=b'{"test": 2432232314}',
        signing_secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=datetime.fromtimestamp(1614265330, UTC),
    )  # fmt: skip

    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def by_library(secret: str, body: bytes, found: dict[str, str]) -> Any:
    return Webhook(secret).verify(body, found)


def by_documentation() -> Callable[[str, bytes, dict[str, str]], Any]:
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # the reader's copy of it
    verify: Callable[[str, bytes, dict[str, str]], Any] = namespace["verify"]
    return verify


@pytest.fixture(params=["library", "documentation"])
def verify(request: pytest.FixtureRequest) -> Callable[[str, bytes, dict[str, str]], Any]:
    return by_library if request.param == "library" else by_documentation()


def test_a_receiver_can_check_what_came(verify: Callable[..., Any]) -> None:
    assert verify(NEW, BODY, signed(NEW))["data"] == {"name": "Zoë"}


def test_while_a_secret_is_replaced_each_of_the_two_will_do(verify: Callable[..., Any]) -> None:
    found = signed(NEW, OLD)

    assert verify(NEW, BODY, found) == verify(OLD, BODY, found)
    with pytest.raises((WebhookVerificationError, ValueError)):
        verify(OTHER, BODY, found)


def test_what_was_changed_on_the_way_or_kept_back_is_found_out(
    verify: Callable[..., Any],
) -> None:
    found = signed(NEW)
    forged = [
        (BODY + b" ", found),
        (BODY, found | {"webhook-id": "whd_2"}),
        (BODY, found | {"webhook-timestamp": str(int(found["webhook-timestamp"]) + 1)}),
        (BODY, found | {"webhook-signature": "v1,AAAA"}),
        (BODY, signed(NEW, at=datetime.now(UTC) - timedelta(minutes=6))),
        (BODY, signed(NEW, at=datetime.now(UTC) + timedelta(minutes=6))),
    ]

    for body, changed in forged:
        with pytest.raises((WebhookVerificationError, ValueError)):
            verify(NEW, body, changed)
